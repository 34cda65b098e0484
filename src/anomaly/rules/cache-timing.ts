import { isLearned } from '../learned.ts';
import { say, scoreOf, type CredentialRule } from '../rule.ts';
import { highest, lately } from '../windows.ts';

/** A health check asks twice a minute. */
const PROBES = 12;
const TIMES = 3;
const MORE = 5;

/** Measuring what others have in the prefix cache. */
export const cacheTiming: CredentialRule = {
  id: 'cache-timing',
  title: 'Timing of the prefix cache',
  severity: 'medium',
  about: 'credential',
  calm: 'hour',
  mayHold: false,
  looksAt:
    'The same prompt as one of the last sixteen, answered with two tokens at most or hung up on: 12 or more in five minutes, and five above three times the most of the last weeks. A time is measured again and again; a classifier asks something else each time. The score is n / (n + bound).',
  judge({ profile, nowS }) {
    const probes = lately(profile, 'short', 'probes', nowS);
    if (probes < PROBES || !isLearned(profile)) return;
    const most = highest(profile, 'short', 'probes');
    const bound = Math.max(PROBES, TIMES * most + MORE);
    if (probes < bound) return;
    return {
      score: scoreOf(probes, bound),
      why: `${say(probes)} equal prompts with hardly an answer in 5 minutes where ${say(most)} was the most in weeks`,
      wantsHold: false,
    };
  },
};
