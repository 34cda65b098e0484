import type { Clock } from '../kernel/clock.ts';

/** The clock of the machine as far as it is believed: what the windows of the calendar go by. */
export interface WallClock {
  /** Whole milliseconds since the epoch; whether the clock was set is seen where this is asked. @param monotonicMs now */
  nowMs(monotonicMs: number): number;
  /** What it goes by now, for a thread of the same process that begins later. */
  state(): WallClockState;
}

/** A time of the wall clock that is believed, and whether the clock says another one. */
export interface WallClockState {
  /** Milliseconds since the epoch, and the monotonic time of that moment. */
  readonly wallMs: number;
  readonly monotonicMs: number;
  /** Undefined where the clock says what is expected. */
  readonly doubt: Doubt | undefined;
}

/** A time that the clock says, and that is not believed yet. */
interface Doubt {
  /** Monotonic. */
  readonly sinceMs: number;
  /** By how much the clock was ahead of the monotonic one then. */
  readonly aheadMs: number;
}

/** A step of the clock that may be a correction of the machine's own; anything above is a jump. */
const STEP_MS = 2_000;
/** How long a jump has to last before it is believed: who corrects a wrong clock does it sooner. */
const DOUBT_MS = 3_600_000;

/**
 * A clock that was set, by mistake or in bad faith, neither opens a new window nor brings an old one back: time goes on by the
 * monotonic clock until the new time has stood for an hour. A new one takes the time that it finds for true, so that each
 * thread has one for its whole life: else whoever sets the clock would only have to wait for a reload.
 *
 * @param from the state of another thread's; left out, the clock is believed as it is now
 */
export function createWallClock(clock: Clock, from?: WallClockState): WallClock {
  let { wallMs, monotonicMs: anchorMs } = from ?? { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  let doubt = from?.doubt;

  /** Whether the time that the clock says has stood for an hour. One that was set once more begins anew. */
  function hasStood(aheadMs: number, monotonicMs: number): boolean {
    if (doubt === undefined || Math.abs(aheadMs - doubt.aheadMs) > STEP_MS) doubt = { sinceMs: monotonicMs, aheadMs };
    return monotonicMs - doubt.sinceMs >= DOUBT_MS;
  }

  return {
    nowMs(monotonicMs) {
      // Whole, as the clock's own: of a part of a millisecond Temporal makes no time.
      const expected = Math.floor(wallMs + (monotonicMs - anchorMs));
      const told = clock.nowMs();
      if (Math.abs(told - expected) > STEP_MS && !hasStood(told - monotonicMs, monotonicMs)) return expected;
      // Small steps are followed, and a jump that has lasted.
      doubt = undefined;
      wallMs = told;
      anchorMs = monotonicMs;
      return told;
    },
    state: () => ({ wallMs, monotonicMs: anchorMs, doubt }),
  };
}
