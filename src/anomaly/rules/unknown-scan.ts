import { distinctBits } from '../networks.ts';
import { say, scoreOf, type NetworkRule } from '../rule.ts';

/** A stranger who only has a wrong address asks for one or two. */
const PATHS = 8;

/** Somebody without a credential who looks for routes. */
export const unknownScan: NetworkRule = {
  id: 'unknown-scan',
  title: 'Scan of paths without a credential',
  severity: 'low',
  about: 'network',
  calm: 'day',
  looksAt: 'Different paths that one address asks for without a valid credential: eight or more in ten minutes.',
  judge({ entry }) {
    const paths = distinctBits(entry.paths);
    if (paths < PATHS) return;
    return {
      score: scoreOf(paths, PATHS),
      why: `asked for ${say(paths)} different paths within 10 minutes without a valid credential`,
    };
  },
};
