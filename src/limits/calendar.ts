import type { Clock } from '../kernel/clock.ts';
import type { Window } from './amount.ts';

/** The windows of the calendar in one time zone, by the clock of the machine. */
export interface Calendar {
  /** The window that is now; the same object until it ends. @param monotonicMs now, by the monotonic clock */
  window(per: CalendarPeriod, monotonicMs: number): Window;
}

/** A window of the calendar; `second` and `minute` are for money, which has no rates. */
export type CalendarPeriod = 'second' | 'minute' | 'hour' | 'day' | 'month';

/** A step of the clock that may be a correction of the machine's own; anything above is a jump. */
const STEP_MS = 2_000;
/** How long a jump has to last before it is believed: who corrects a wrong clock does it sooner. */
const DOUBT_MS = 3_600_000;
const LOOK_MS = 1_000;

/**
 * A clock that was set, by mistake or in bad faith, neither opens a new window nor brings an old one back: time goes on by the
 * monotonic clock until the new time has stood for an hour.
 *
 * @param timeZone IANA name, or UTC
 */
export function createCalendar(timeZone: string, clock: Clock): Calendar {
  let anchor = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  let doubtedSinceMs: number | undefined;
  let lookedAtMs = -Infinity;
  const windows = new Map<CalendarPeriod, Window>();

  function wallMs(monotonicMs: number): number {
    const expected = anchor.wallMs + (monotonicMs - anchor.monotonicMs);
    const told = clock.nowMs();
    if (Math.abs(told - expected) <= STEP_MS) doubtedSinceMs = undefined;
    else if (monotonicMs - (doubtedSinceMs ??= monotonicMs) < DOUBT_MS) return expected;
    // Small steps are followed, and a jump that has lasted.
    doubtedSinceMs = undefined;
    anchor = { wallMs: told, monotonicMs };
    return told;
  }

  return {
    window(per, monotonicMs) {
      const known = windows.get(per);
      // Each request asks: whether the clock was set is looked at once a second.
      const isFresh = monotonicMs - lookedAtMs < LOOK_MS && monotonicMs >= lookedAtMs;
      if (isFresh && known !== undefined && monotonicMs < known.endsAtMs) return known;
      lookedAtMs = monotonicMs;
      const nowMs = wallMs(monotonicMs);
      if (known !== undefined && nowMs < known.endMs && nowMs >= known.startMs) return known;
      const { startMs, endMs } = windowAt(per, nowMs, timeZone);
      const window = { startMs, endMs, endsAtMs: monotonicMs + (endMs - nowMs) };
      windows.set(per, window);
      return window;
    },
  };
}

/** The window of the calendar that a time lies in. @param nowMs milliseconds since the epoch */
export function windowAt(per: CalendarPeriod, nowMs: number, timeZone: string): { startMs: number; endMs: number } {
  const zoned = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(timeZone);
  const start =
    per === 'month'
      ? zoned.with({ day: 1 }).startOfDay()
      : per === 'day'
        ? zoned.startOfDay()
        : zoned.round({ smallestUnit: per, roundingMode: 'floor' });
  return {
    startMs: start.epochMilliseconds,
    // By the calendar: a day on which clocks change has 23 or 25 hours.
    endMs: start.add({ [`${per}s`]: 1 }).epochMilliseconds,
  };
}

/** Whether a text names a time zone. */
export function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
