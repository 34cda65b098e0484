import { AT } from '../layout.ts';
import { number, word } from '../profile.ts';
import { say, scoreOf, type CredentialRule } from '../rule.ts';

const LEARNED_S = 14 * 86_400;
const HOURS = 20;
/** The longest row of who rests. */
const RESTS = 15;

/** A person who never sleeps. */
export const impossibleClock: CredentialRule = {
  id: 'impossible-clock',
  title: 'Used around the clock by who always rested',
  severity: 'low',
  about: 'credential',
  calm: 'day',
  mayHold: false,
  looksAt:
    'Hours in a row with use, repeated prompts aside: 20 or more by who never had more than 15 in at least 14 days. The score is n / (n + the longest row before).',
  judge({ profile, nowS }) {
    const awake = number(profile, AT.awakeHours);
    if (awake < HOURS || nowS - word(profile, AT.bornS) < LEARNED_S) return;
    const longest = number(profile, AT.awakePeak);
    if (longest === 0 || longest > RESTS) return;
    return {
      score: scoreOf(awake, longest),
      why: `used in each of the last ${say(awake)} hours where ${say(longest)} in a row was the most`,
      wantsHold: false,
    };
  },
};
