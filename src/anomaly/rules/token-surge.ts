import { AT } from '../layout.ts';
import { isLearned } from '../learned.ts';
import { number, type Profile } from '../profile.ts';
import { say, scoreOf, type CredentialRule, type Judgement } from '../rule.ts';
import { surgeOf } from '../surge.ts';
import { highest, lately } from '../windows.ts';

const LEAST_OVERSIZED = 5;
/** Times the highest five minutes of the last weeks; a new release that doubles them is no surge. */
const TIMES = 2.5;

/** A credential that uses up far more than ever. */
export const tokenSurge: CredentialRule = {
  id: 'token-surge',
  title: 'Surge of tokens, requests or prompt sizes',
  severity: 'medium',
  about: 'credential',
  calm: 'hour',
  mayHold: false,
  looksAt:
    'Tokens (80,000 or more) or requests (150 or more) of five minutes against 2.5 times the highest five minutes of the last weeks (and 50,000 tokens more), which fades by half in three; and prompts above three times the largest one (five or more of over 4,000 tokens). The score is x / (x + bound).',
  judge({ profile, nowS, hour }) {
    const judgement = surgeOf(profile, nowS, hour, 1, TIMES) ?? oversizedOf(profile, nowS);
    return judgement === undefined ? undefined : { ...judgement, wantsHold: false };
  },
};

function oversizedOf(profile: Profile, nowS: number): Judgement | undefined {
  const oversized = lately(profile, 'short', 'oversized', nowS);
  const bound = Math.max(LEAST_OVERSIZED, TIMES * highest(profile, 'short', 'oversized'));
  if (oversized < bound || !isLearned(profile)) return;
  return {
    score: scoreOf(oversized, bound),
    why: `${say(oversized)} prompts in 5 minutes of more than three times the size of any before, which is ${say(number(profile, AT.promptPeak))} tokens by now`,
  };
}
