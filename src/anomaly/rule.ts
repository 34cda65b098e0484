import type { CredentialSeen, GroupSeen, HouseSeen, NetworkSeen, TokenSeen } from './seen.ts';

/** How bad it is where it is true. */
export type Severity = 'low' | 'medium' | 'high';

/** What a rule says while what it looks for is there. */
export interface Judgement {
  /** 0 to 1; how each rule reckons stands in its `looksAt`. */
  readonly score: number;
  /** Why, in words and numbers. Nothing that a caller wrote but the name of a network. */
  readonly why: string;
}

/** What a rule about a credential says. */
export interface CredentialJudgement extends Judgement {
  /** So much speaks for theft that the credential should be held off. */
  readonly wantsHold: boolean;
}

interface RuleWords {
  /** Stable, kebab-case. */
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  /** So long what it looks for has to be gone before it is told again; a day where it is about something that is new for a day. */
  readonly calm: 'hour' | 'day';
  /** What is looked at and compared with what, for the reference. */
  readonly looksAt: string;
}

/** Looks at each request of a proven credential: the only kind by which anybody can be held. */
export interface CredentialRule extends RuleWords {
  readonly about: 'credential';
  readonly mayHold: boolean;
  readonly judge: (seen: CredentialSeen) => CredentialJudgement | undefined;
}

/** Looks at a tenant or a client as a whole. */
export interface GroupRule extends RuleWords {
  readonly about: 'group';
  readonly judge: (seen: GroupSeen) => Judgement | undefined;
}

/** Looks at an address that showed something nobody knows. It can tell, never hold: the address may be many people's. */
export interface NetworkRule extends RuleWords {
  readonly about: 'network';
  readonly judge: (seen: NetworkSeen) => Judgement | undefined;
}

/** Looks at what all addresses together show. */
export interface HouseRule extends RuleWords {
  readonly about: 'house';
  readonly judge: (seen: HouseSeen) => Judgement | undefined;
}

/** Looks at tokens of our own server. */
export interface TokenRule extends RuleWords {
  readonly about: 'token';
  readonly judge: (seen: TokenSeen) => Judgement | undefined;
}

/** Any rule. */
export type Rule = CredentialRule | GroupRule | NetworkRule | HouseRule | TokenRule;

/** A score that is a half where a number reaches its bound, and nears 1 above. */
export const scoreOf = (value: number, bound: number): number =>
  bound <= 0 || value <= 0 ? 0.5 : Math.min(1, value / (value + bound));

/** A number as it is said: whole above ten, else with one decimal. */
export const say = (value: number): string =>
  value >= 10 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
