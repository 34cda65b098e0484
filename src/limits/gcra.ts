/** A rate with its burst. */
export interface Rate {
  /** Emission interval: milliseconds that one unit takes to come back. > 0. */
  readonly intervalMs: number;
  /** Units an idle caller may spend at once. Integer >= 1. */
  readonly burst: number;
}

/** What a spend came to. */
export type Spend =
  | { readonly conforms: true; readonly tatMs: number; readonly remaining: number }
  | { readonly conforms: false; readonly tatMs: number; readonly retryAfterMs: number };

/**
 * The rate of N in a time with burst N: an idle caller has exactly N at once, then one every `perMs / N`. The interval is
 * rounded up, which never lets one more in, to 1/16384 ms: added to whole milliseconds of a monotonic clock (2^38 of them are
 * eight years) such numbers are exact in a double, so that N sums of it never drift into refusing the last request of a burst.
 */
export function rateOf(count: number, perMs: number): Rate {
  return { intervalMs: Math.ceil((perMs / count) * 16_384) / 16_384, burst: count };
}

/** More bursts than that ahead lies no arrival time that the rate in force has made, what was spent without asking included. */
const MOST_BURSTS = 2;

/**
 * The arrival time as it is now, never before `nowMs`. One that lies too far ahead was made by a tighter rate, before an operator
 * loosened it, or by a clock that was wrong: it counts as a bucket in which there is room for what is asked and for nothing else,
 * so that it locks nobody out, and gives no more than the burst of the rate in force. A full bucket would never empty, for what
 * is refused is not stored.
 *
 * @param cost units that are asked for; 0 where nothing is
 */
export function arrivalAt({ intervalMs, burst }: Rate, tatMs: number, cost: number, nowMs: number): number {
  if (tatMs > nowMs + MOST_BURSTS * burst * intervalMs) return nowMs + (burst - cost) * intervalMs;
  return Math.max(tatMs, nowMs);
}

/** The same for a minute. */
export const ratePerMinute = (count: number): Rate => rateOf(count, 60_000);

/**
 * Spends `cost` units by the Generic Cell Rate Algorithm (ITU-T I.371, virtual scheduling).
 * Pure: the caller brings the time and keeps the returned `tatMs`, the theoretical arrival
 * time in ms since the epoch. A spend that does not conform costs nothing.
 *
 * @param tatMs the stored state; undefined for a caller not seen before
 * @throws RangeError unless 0 < cost <= rate.burst: a caller's bug, for it could never conform
 */
export function spend(rate: Rate, tatMs: number | undefined, cost: number, nowMs: number): Spend {
  if (!(cost > 0 && cost <= rate.burst)) throw new RangeError(`cost ${cost} outside (0, ${rate.burst}]`);
  const start = arrivalAt(rate, tatMs ?? nowMs, cost, nowMs); // an idle caller saves up no more than `burst`
  const next = start + cost * rate.intervalMs;
  const allowedAtMs = next - rate.burst * rate.intervalMs;
  if (allowedAtMs > nowMs) return { conforms: false, tatMs: start, retryAfterMs: allowedAtMs - nowMs };
  return { conforms: true, tatMs: next, remaining: Math.floor((nowMs - allowedAtMs) / rate.intervalMs) };
}
