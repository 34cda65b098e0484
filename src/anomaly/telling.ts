import { AT, RULE_PLACES } from './layout.ts';
import { setWord, word, type Profile } from './profile.ts';
import type { CredentialRule, GroupRule, HouseRule, NetworkRule, Rule, Severity, TokenRule } from './rule.ts';

/** A rule is silent until what it looks for was gone for so long. */
export const CALM_S = { hour: 3_600, day: 86_400 } as const;

/** Rules by what they are about. @throws RangeError where profiles have no room for so many */
export function rulesByKind(all: readonly Rule[]) {
  const credential = all.filter((rule): rule is CredentialRule => rule.about === 'credential');
  if (credential.length > RULE_PLACES) throw new RangeError('profiles have no room for so many rules');
  return {
    credential,
    group: all.filter((rule): rule is GroupRule => rule.about === 'group'),
    network: all.filter((rule): rule is NetworkRule => rule.about === 'network'),
    house: all.filter((rule): rule is HouseRule => rule.about === 'house'),
    token: all.filter((rule): rule is TokenRule => rule.about === 'token'),
  };
}

/** Whether a rule has something new to say; while what it looks for goes on, it does not. */
export function isFirst(profile: Profile, at: number, nowS: number, calmS: number): boolean {
  const lastS = word(profile, at);
  setWord(profile, at, Math.max(1, nowS));
  return lastS === 0 || nowS - lastS > calmS;
}

const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high'];

/**
 * Whether it is worse than what was told of this credential in the last hour: one thing seldom breaks one rule alone, and who
 * is told ten times of it stops to look.
 */
export function isWorseThanTold(profile: Profile, severity: Severity, nowS: number): boolean {
  const rank = SEVERITIES.indexOf(severity) + 1;
  const lastS = word(profile, AT.groupToldS);
  const isGroup = lastS !== 0 && nowS - lastS <= CALM_S.hour;
  if (isGroup && rank <= word(profile, AT.groupSeverity)) return false;
  setWord(profile, AT.groupToldS, Math.max(1, nowS));
  setWord(profile, AT.groupSeverity, rank);
  return true;
}
