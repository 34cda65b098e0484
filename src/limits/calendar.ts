import type { Window } from './amount.ts';
import type { WallClock } from './wall-clock.ts';

/** The windows of the calendar in one time zone, by the clock of the machine as far as it is believed. */
export interface Calendar {
  /** The window that is now; the same object until it ends. @param monotonicMs now, by the monotonic clock */
  window(per: CalendarPeriod, monotonicMs: number): Window;
}

/** A window of the calendar; `second` and `minute` are for money, which has no rates. */
export type CalendarPeriod = 'second' | 'minute' | 'hour' | 'day' | 'month';

const LOOK_MS = 1_000;

/**
 * The windows of one time zone. What has to do with a clock that was set is the wall clock's, which outlives it.
 *
 * @param timeZone IANA name, or UTC
 */
export function createCalendar(timeZone: string, wall: Pick<WallClock, 'nowMs'>): Calendar {
  let lookedAtMs = -Infinity;
  const windows = new Map<CalendarPeriod, Window>();

  return {
    window(per, monotonicMs) {
      const known = windows.get(per);
      // Each request asks: whether the clock was set is looked at once a second.
      const isFresh = monotonicMs - lookedAtMs < LOOK_MS && monotonicMs >= lookedAtMs;
      if (isFresh && known !== undefined && monotonicMs < known.endsAtMs) return known;
      lookedAtMs = monotonicMs;
      const nowMs = wall.nowMs(monotonicMs);
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
