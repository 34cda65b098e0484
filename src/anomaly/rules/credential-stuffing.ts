import { distinctBits, failuresLately } from '../networks.ts';
import { say, scoreOf, type NetworkRule } from '../rule.ts';

const FAILURES = 20;
/** Where people are let in, a program with an old key is likelier than an attacker. */
const FAILURES_OF_GOOD = 400;
const GOOD_S = 86_400;
const PEOPLE = 5;

/** Trying credentials from one address. */
export const credentialStuffing: NetworkRule = {
  id: 'credential-stuffing',
  title: 'Credential stuffing from one address',
  severity: 'medium',
  about: 'network',
  calm: 'day',
  looksAt:
    'Invalid API keys, access tokens, client secrets and passwords from one address in five minutes: 20 or more, 400 where somebody was let in from there within a day; or passwords of five different people. Keys that have ended count for nothing. The score is n / (n + bound).',
  judge({ entry, nowS }) {
    const failures = failuresLately(entry, nowS);
    const people = distinctBits(entry.users);
    const isGood = nowS - entry.goodS < GOOD_S;
    const bound = isGood ? FAILURES_OF_GOOD : FAILURES;
    if (people >= PEOPLE) {
      return { score: scoreOf(people, PEOPLE), why: `passwords of ${say(people)} people were tried within 10 minutes` };
    }
    if (failures < bound) return;
    return { score: scoreOf(failures, bound), why: `${say(failures)} invalid credentials within 5 minutes` };
  },
};
