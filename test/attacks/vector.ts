/**
 * What must come of an attack.
 *
 * - `refused`: nothing reaches upstream, the answer has one of the statuses.
 * - `accepted`: exactly the meant request reaches upstream, in the gateway's own spelling, and its answer comes back.
 * - `answered`: the gateway answers by itself with one of the statuses, and nothing reaches upstream.
 */
export interface Verdict {
  readonly kind: 'refused' | 'accepted' | 'answered';
  /** Statuses that the answer may have; `close` allows a closed connection without an answer. */
  readonly statuses: readonly (number | 'close')[];
  /** `error.code` of the answer, where the claim is about the reason. */
  readonly code?: string;
  /** What becomes of the next request on the same connection: it is answered, never read, or either of the two. */
  readonly next: 'answered' | 'closed' | 'either';
  /** Statuses of the answers that may come to what else is in the vector's own bytes, before the marker's. */
  readonly further?: readonly number[];
  /** The prompt that upstream must get where it is not the usual one. */
  readonly prompt?: string;
  /** Head of the answer: what it has, and what it must not have. Lower case, as `name` or `name: value`. */
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
}

/** One attack, or one honest request that must not be taken for an attack. */
export interface Vector {
  /** Stable, kebab-case, unique. */
  readonly id: string;
  /** The whole claim, as the test's title. */
  readonly claim: string;
  /** Clause of the standard that speaks about it, or where the attack is known from. */
  readonly source: string;
  /** Tests of the public suite Http11Probe that ask for the same. */
  readonly probes?: readonly string[];
  /** Bytes as Latin-1 text, `KEY` standing for a valid API key of the same length. */
  readonly bytes: string;
  /** Bytes that are sent when the first bytes of an answer have come; the marker request follows these. */
  readonly later?: string;
  /** The peer sends nothing more after the marker: for messages that are not whole. */
  readonly halfClose?: true;
  readonly verdict: Verdict;
}

/** The message's framing or head is broken: 400 or a closed connection, and nothing after it is believed. */
export const broken: Verdict = { kind: 'refused', statuses: [400, 'close'], next: 'closed' };

/** An honest request, or one that is refused alone, and behind it bytes that are none: they may get their own 400. */
export const brokenBehind = (verdict: Verdict, status = 400): Verdict => ({
  ...verdict,
  further: [status],
  next: 'closed',
});

/** Exactly 400, and nothing after it is believed. */
export const badRequest: Verdict = { kind: 'refused', statuses: [400], next: 'closed' };

/** Refused with one of the statuses; the connection may go on, in step. */
export function refused(statuses: readonly (number | 'close')[], more: Partial<Verdict> = {}): Verdict {
  return { kind: 'refused', statuses, next: 'either', ...more };
}

/** The meant request, and the next one after it. */
export const accepted: Verdict = { kind: 'accepted', statuses: [200], next: 'answered' };

/** The gateway answers by itself and stays in step. */
export function answered(statuses: readonly number[], more: Partial<Verdict> = {}): Verdict {
  return { kind: 'answered', statuses, next: 'answered', ...more };
}
