/** A window of the calendar; its end is not in it. */
export interface Window {
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  /** When it ends on the monotonic clock. */
  readonly endsAtMs: number;
}

/** How many units may be used in which time. */
export type Bound =
  /** A bucket of `limit` units that drains evenly within `windowMs`. */
  | { readonly kind: 'rate'; readonly limit: number; readonly windowMs: number }
  /** `limit` units in a window of the calendar; all come back at its end. */
  | { readonly kind: 'budget'; readonly limit: number; readonly window: Window };

/** What one counter of units knows. */
export interface Amount {
  /** Units that were used: of a rate what has not drained at `sinceMs`, of a budget all of its window. Whole or not, >= 0. */
  readonly used: number;
  /** Of a rate the monotonic time of `used`, of a budget the start of its window. */
  readonly sinceMs: number;
  /** Units that running requests have reserved. */
  readonly reserved: number;
}

/** What a reservation came to. */
export type Reservation =
  | { readonly conforms: true; readonly amount: Amount }
  | { readonly conforms: false; readonly amount: Amount; readonly retryAfterMs: number };

/** The counter of somebody not seen before. */
export const NOTHING: Amount = { used: 0, sinceMs: 0, reserved: 0 };

/** Above it whole numbers are not exact any more: sums stop here, which refuses rather than forgets. */
export const MOST_UNITS = Number.MAX_SAFE_INTEGER;

/** How much longer than its own length a window counts on after the clock went back before its start. */
const BACK_WINDOWS = 1;

/**
 * The counter as it is now: drained, or in the window that has begun.
 *
 * @param nowMs monotonic
 * @param isOld whether it is asked for by what began in that window: one that others have begun meanwhile then stays, however
 *   much later it is, else what they have used of it would be forgotten
 */
export function amountAt(bound: Bound, amount: Amount, nowMs: number, isOld = false): Amount {
  if (bound.kind === 'rate') {
    const drained = (Math.max(0, nowMs - amount.sinceMs) * bound.limit) / bound.windowMs;
    return { used: Math.max(0, amount.used - drained), sinceMs: nowMs, reserved: amount.reserved };
  }
  const { startMs, endMs } = bound.window;
  if (amount.sinceMs === startMs) return amount;
  // The clock went back: what was spent in the window that had begun stays spent, and it is not opened a second time.
  // A window far ahead was made by a clock that was wrong then: it must not lock anybody out now.
  const isAhead = amount.sinceMs > startMs && (isOld || amount.sinceMs <= endMs + BACK_WINDOWS * (endMs - startMs));
  return isAhead ? amount : { used: 0, sinceMs: startMs, reserved: amount.reserved };
}

/** Units that are neither used nor reserved. @param amount as it is now */
export const roomIn = (bound: Bound, amount: Amount): number =>
  Math.max(0, Math.floor(bound.limit - amount.used - amount.reserved));

/** Reserves units. One that does not conform takes nothing. @param nowMs monotonic @param isOld as of `amountAt` */
export function reserve(bound: Bound, amount: Amount, cost: number, nowMs: number, isOld = false): Reservation {
  const now = amountAt(bound, amount, nowMs, isOld);
  if (cost <= roomIn(bound, now)) {
    return { conforms: true, amount: { ...now, reserved: now.reserved + cost } };
  }
  const over = Math.min(cost, bound.limit) + now.used + now.reserved - bound.limit;
  return { conforms: false, amount: now, retryAfterMs: comesBackAfterMs(bound, over, nowMs) };
}

/**
 * Ends a reservation, or a part of it: what was reserved is given back, what was really used is counted.
 *
 * @param actual below 0 where more was counted already than was used
 */
export function settle(bound: Bound, amount: Amount, reserved: number, actual: number, nowMs: number): Amount {
  const now = amountAt(bound, amount, nowMs, true);
  return {
    used: Math.max(0, Math.min(now.used + actual, MOST_UNITS)),
    sinceMs: now.sinceMs,
    reserved: Math.max(0, now.reserved - reserved),
  };
}

/** Milliseconds until so many units have come back, if nothing else is used. */
export function comesBackAfterMs(bound: Bound, units: number, nowMs: number): number {
  if (bound.kind === 'budget') return Math.max(1, Math.ceil(bound.window.endsAtMs - nowMs));
  return Math.max(1, Math.ceil((units * bound.windowMs) / bound.limit));
}

/** How long what was used has to be remembered, on the monotonic clock. @param amount as it is now */
export function inForceUntilMs(bound: Bound, amount: Amount, nowMs: number): number {
  if (bound.kind === 'budget') return amount.used > 0 ? Math.max(bound.window.endsAtMs, nowMs) : nowMs;
  return nowMs + (amount.used * bound.windowMs) / bound.limit;
}
