/**
 * The time that the detector goes by: as told, without the leaps. A clock that was set, a machine that slept or a gateway that
 * was off would otherwise make every credential look dormant, or every window empty.
 */
export interface SteadyTime {
  /** Whole seconds that never leap. */
  readonly nowS: number;
  /** What the told time is ahead of it, seconds. */
  readonly skewS: number;
  /** Follows a told time. @returns milliseconds of a leap, else 0 */
  follow(toldMs: number): number;
  /** Goes on where a snapshot ended. */
  resume(nowS: number): void;
}

/** A step that is no leap: between two looks, and by which records come late. */
export const LEAP_MS = 600_000;

/** Starts at the first told time. */
export function createSteadyTime(): SteadyTime {
  let lastToldMs: number | undefined;
  let steadyMs: number | undefined;

  return {
    get nowS() {
      return Math.floor((steadyMs ?? 0) / 1000);
    },
    get skewS() {
      return Math.round(((lastToldMs ?? 0) - (steadyMs ?? 0)) / 1000);
    },
    follow(toldMs) {
      steadyMs ??= toldMs;
      if (lastToldMs === undefined) {
        lastToldMs = toldMs;
        return 0;
      }
      const step = toldMs - lastToldMs;
      if (Math.abs(step) > LEAP_MS) {
        lastToldMs = toldMs;
        return step;
      }
      // Threads hand over their records in batches: a little late is not back in time.
      if (step <= 0) return 0;
      lastToldMs = toldMs;
      steadyMs += step;
      return 0;
    },
    resume(nowS) {
      steadyMs = nowS * 1000;
      lastToldMs = undefined;
    },
  };
}
