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
  /** Of a budget the monotonic time at which its window ends; 0 of a rate. */
  readonly untilMs: number;
  /** Units that running requests have reserved. */
  readonly reserved: number;
}

/** What a reservation came to. */
export type Reservation =
  | { readonly conforms: true; readonly amount: Amount }
  | { readonly conforms: false; readonly amount: Amount; readonly retryAfterMs: number };

/** The counter of somebody not seen before. */
export const NOTHING: Amount = { used: 0, sinceMs: 0, untilMs: 0, reserved: 0 };

/** Above it whole numbers are not exact any more: sums stop here, which refuses rather than forgets. */
export const MOST_UNITS = Number.MAX_SAFE_INTEGER;

/** How long after its end a window still counts for those whose own is an earlier one: clocks do not differ by more. */
export const GRACE_MS = 600_000;

/**
 * The counter as it is now: drained, or in the window that has begun.
 *
 * Those who ask may not agree on what time it is: threads that noticed at different moments that the clock was set, machines
 * whose clocks differ. The latest window that anybody has opened is then that of all, however far ahead it lies: each step back
 * would forgive what was used, and the next one forward would once more. One that a wrong clock has opened ends when it
 * would have by the monotonic clock, so that it does not lock everybody out for ever (docs/adr/0028-the-latest-window.md).
 *
 * @param nowMs monotonic
 * @param isOld whether it is asked for by what began in that window: one that others have begun meanwhile then stays, else
 *   what they have used of it would be forgotten
 */
export function amountAt(bound: Bound, amount: Amount, nowMs: number, isOld = false): Amount {
  if (bound.kind === 'rate') {
    const drained = (Math.max(0, nowMs - amount.sinceMs) * bound.limit) / bound.windowMs;
    return { used: Math.max(0, amount.used - drained), sinceMs: nowMs, untilMs: 0, reserved: amount.reserved };
  }
  const { startMs, endsAtMs } = bound.window;
  if (amount.sinceMs === startMs && amount.untilMs === endsAtMs) return amount;
  if (amount.sinceMs > startMs && (isOld || nowMs < amount.untilMs + GRACE_MS)) return amount;
  const used = amount.sinceMs === startMs ? amount.used : 0;
  // Only who begins something says when it ends: the clock may have been put right since the other one began.
  const untilMs = isOld && amount.sinceMs === startMs ? Math.max(amount.untilMs, endsAtMs) : endsAtMs;
  return { used, sinceMs: startMs, untilMs, reserved: amount.reserved };
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
  return { conforms: false, amount: now, retryAfterMs: comesBackAfterMs(bound, now, over, nowMs) };
}

/**
 * Ends a reservation, or a part of it: what was reserved is given back, what was really used is counted.
 *
 * @param actual below 0 where more was counted already than was used. That comes back only in the window in which it was
 *   counted: taken off a later one, streams that are counted too high at the end of a window would make room for others there
 */
export function settle(bound: Bound, amount: Amount, reserved: number, actual: number, nowMs: number): Amount {
  const now = amountAt(bound, amount, nowMs, true);
  const isOther = bound.kind === 'budget' && now.sinceMs !== bound.window.startMs;
  return {
    used: Math.max(0, Math.min(now.used + (isOther ? Math.max(0, actual) : actual), MOST_UNITS)),
    sinceMs: now.sinceMs,
    untilMs: now.untilMs,
    reserved: Math.max(0, now.reserved - reserved),
  };
}

/** Milliseconds until so many units have come back, if nothing else is used. @param amount as it is now */
export function comesBackAfterMs(bound: Bound, amount: Amount, units: number, nowMs: number): number {
  if (bound.kind === 'budget') return Math.max(1, Math.ceil(endOf(bound.window, amount, nowMs) - nowMs));
  return Math.max(1, Math.ceil((units * bound.windowMs) / bound.limit));
}

/** The end of the window that an amount is in; of a later one than was asked for, once that is over, of the grace. */
function endOf({ startMs }: Window, { sinceMs, untilMs }: Amount, nowMs: number): number {
  return sinceMs > startMs && untilMs <= nowMs ? untilMs + GRACE_MS : untilMs;
}

/** How long what was used has to be remembered, on the monotonic clock. @param amount as it is now */
export const inForceUntilMs = (bound: Bound, amount: Amount, nowMs: number): number =>
  bound.kind === 'budget' ? amount.untilMs : nowMs + (amount.used * bound.windowMs) / bound.limit;
