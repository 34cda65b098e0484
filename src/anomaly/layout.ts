/** What is counted of a subject in each window. */
export const COUNTERS = [
  'requests',
  'promptTokens',
  'completionTokens',
  /** Refused or failed, for whatever cause. */
  'errors',
  /** Refused for what was asked, weighted: `denialWeight`. */
  'denials',
  /** Refused by a guard or an advisory, or for what honest clients do not write. */
  'guardDenials',
  /** Asked for alternatives of each token. */
  'logprobs',
  /** Nearly the same as some of the last prompts, and not the same. */
  'nearPrompts',
  /** The same prompt as one of the last, and hardly an answer. */
  'probes',
  /** A prompt far larger than any before. */
  'oversized',
  /** From another network than the request before it, less than a minute later. */
  'switches',
] as const;

/** Name of something that is counted. */
export type Counter = (typeof COUNTERS)[number];

/** Index of each counter. */
export const INDEX: { readonly [name in Counter]: number } = {
  requests: 0,
  promptTokens: 1,
  completionTokens: 2,
  errors: 3,
  denials: 4,
  guardDenials: 5,
  logprobs: 6,
  nearPrompts: 7,
  probes: 8,
  oversized: 9,
  switches: 10,
};

/** Seconds of the two windows. */
export const SPANS = { short: 300, long: 3_600 } as const;
/** Name of a window. */
export type Span = keyof typeof SPANS;

/** Hours of a week, each with its own cell. */
export const HOURS = 168;
/** Prompts that a new one is compared with. */
export const LIKENESSES = 16;
/** Rules that keep their time of the last finding in a profile; some room for more. */
export const RULE_PLACES = 16;

/** Places of a set of familiar things, by kind. */
export const FAMILIAR_PLACES = { networks: 8, agents: 6, models: 6, routes: 6 } as const;
/** Kind of familiar things. */
export type FamiliarKind = keyof typeof FAMILIAR_PLACES;
/** Words of one: hash, first and last time, how often. */
export const FAMILIAR_WORDS = 4;

/** What is counted as distinct, each by 64 bits for now and 64 for the window before. */
export const SKETCHES = ['paths', 'pathsOfHour', 'denialKinds', 'addresses'] as const;
/** Name of a sketch. */
export type SketchName = (typeof SKETCHES)[number];
const SKETCH_WORDS = 4;

/** Words of a window: its number, how many were learned, and four rows of counters. */
const SPAN_WORDS = 2 + 4 * COUNTERS.length;

let next = 0;
const take = (words: number): number => (next += words) - words;

/**
 * Where each thing lies in the words of a profile, 32 bits each. Times are whole seconds of the steady time. Whoever moves
 * something here raises `LAYOUT_VERSION`.
 */
export const AT = {
  bornS: take(1),
  lastS: take(1),
  requests: take(1),
  activeDays: take(1),
  lastDay: take(1),
  hour: take(1),
  hourCount: take(1),
  awakeHour: take(1),
  awakeHours: take(1),
  awakePeak: take(1),
  promptPeak: take(1),
  newNetworks: take(1),
  newNetworksToday: take(1),
  lastNetwork: take(1),
  wokeS: take(1),
  idleDays: take(1),
  requestsAwake: take(1),
  likenessNext: take(1),
  likenesses: take(2 * LIKENESSES),
  short: take(SPAN_WORDS),
  long: take(SPAN_WORDS),
  networks: take(FAMILIAR_PLACES.networks * FAMILIAR_WORDS),
  agents: take(FAMILIAR_PLACES.agents * FAMILIAR_WORDS),
  models: take(FAMILIAR_PLACES.models * FAMILIAR_WORDS),
  routes: take(FAMILIAR_PLACES.routes * FAMILIAR_WORDS),
  paths: take(SKETCH_WORDS),
  pathsOfHour: take(SKETCH_WORDS),
  denialKinds: take(SKETCH_WORDS),
  addresses: take(SKETCH_WORDS),
  lastToldS: take(1),
  groupToldS: take(1),
  groupSeverity: take(1),
  toldS: take(RULE_PLACES),
  heldS: take(RULE_PLACES),
  season: take(HOURS / 2),
} as const;

/** 32-bit words of a profile. */
export const PROFILE_WORDS = next;
/** Changes with the meaning of the words; older snapshots are then left aside. */
export const LAYOUT_VERSION = 1;
