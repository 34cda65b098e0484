import { say, scoreOf, type CredentialRule } from '../rule.ts';
import { distinct } from '../sketch.ts';

/** SDKs and front ends ask for a handful of paths that are not here. */
const PATHS = 6;
const PATHS_OF_HOUR = 10;

/** A credential that looks for routes. */
export const routeScan: CredentialRule = {
  id: 'route-scan',
  title: 'Scan of closed routes',
  severity: 'medium',
  about: 'credential',
  calm: 'hour',
  mayHold: false,
  looksAt:
    'Different paths that are unknown or closed: six or more in ten minutes, or ten in two hours. The score is n / (n + bound).',
  judge({ profile, record }) {
    if (record.route !== undefined || record.code === undefined) return;
    const lately = distinct(profile, 'paths');
    const inHours = distinct(profile, 'pathsOfHour');
    if (lately < PATHS && inHours < PATHS_OF_HOUR) return;
    const isQuick = lately >= PATHS;
    return {
      score: isQuick ? scoreOf(lately, PATHS) : scoreOf(inHours, PATHS_OF_HOUR),
      why: isQuick
        ? `asked for ${say(lately)} different closed or unknown paths within 10 minutes`
        : `asked for ${say(inHours)} different closed or unknown paths within 2 hours`,
      wantsHold: false,
    };
  },
};
