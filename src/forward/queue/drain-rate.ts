/** How fast places at an upstream come free, as seen lately. */
export interface DrainRate {
  /** Notes that one of those who waited got a place, or that one was given back while somebody waited. */
  note(nowMs: number): void;
  /** How many a millisecond; 0 where none was seen lately. */
  perMs(nowMs: number): number;
}

/** Enough for a steady figure, few enough to follow a change. */
const KEPT = 64;
const LATELY_MS = 60_000;

/** Starts without any. Measured over the last 64, and nothing older than a minute. */
export function createDrainRate(): DrainRate {
  const times: number[] = [];
  const forgetOld = (nowMs: number): void => {
    while (times.length > KEPT || (times[0] ?? nowMs) < nowMs - LATELY_MS) times.shift();
  };
  return {
    note(nowMs) {
      times.push(nowMs);
      forgetOld(nowMs);
    },
    perMs(nowMs) {
      forgetOld(nowMs);
      const [first] = times;
      // From the first to now, not to the last: while nothing comes free the rate falls.
      return first === undefined ? 0 : times.length / Math.max(1, nowMs - first);
    },
  };
}
