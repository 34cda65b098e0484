import { say, scoreOf, type HouseRule } from '../rule.ts';
import { distinct } from '../sketch.ts';
import { highest, lately } from '../windows.ts';

const FAILURES = 20;
const ADDRESSES = 10;
const TIMES = 2;

/** Trying credentials from many addresses, a few from each. */
export const spreadStuffing: HouseRule = {
  id: 'spread-stuffing',
  title: 'Credential stuffing from many addresses',
  severity: 'medium',
  about: 'house',
  calm: 'hour',
  looksAt:
    'Invalid credentials from all addresses in five minutes, the first three of each: 20 or more, from 10 addresses or more, and twice the most of the last weeks. Its subject is `network:any`. The score is n / (n + bound).',
  judge({ profile, nowS }) {
    const failures = lately(profile, 'short', 'denials', nowS);
    if (failures < FAILURES) return;
    const peak = highest(profile, 'short', 'denials');
    const addresses = distinct(profile, 'addresses');
    const bound = Math.max(FAILURES, TIMES * peak);
    if (failures < bound || addresses < ADDRESSES) return;
    return {
      score: scoreOf(failures, bound),
      why: `${say(failures)} invalid credentials from ${say(addresses)} addresses within 5 minutes where ${say(peak)} was the most in weeks`,
    };
  },
};
