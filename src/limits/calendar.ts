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
/** Both clocks are read one after the other, one of them in whole milliseconds. */
const ROUNDING_MS = 2;

/**
 * The windows of one time zone. What has to do with a clock that was set is the wall clock's, which outlives it.
 *
 * @param timeZone IANA name, or UTC
 */
export function createCalendar(timeZone: string, wall: Pick<WallClock, 'nowMs'>): Calendar {
  const windows = new Map<CalendarPeriod, Window>();
  /** Of each period by itself: one that is asked for first must not keep the others from being looked at. */
  const lookedAtMs = new Map<CalendarPeriod, number>();

  return {
    window(per, monotonicMs) {
      const known = windows.get(per);
      // Each request asks: whether the clock was set is looked at once a second.
      const sinceLookMs = monotonicMs - (lookedAtMs.get(per) ?? -Infinity);
      const isFresh = sinceLookMs >= 0 && sinceLookMs < LOOK_MS;
      if (isFresh && known !== undefined && monotonicMs < known.endsAtMs) return known;
      lookedAtMs.set(per, monotonicMs);
      const nowMs = wall.nowMs(monotonicMs);
      const isKnown = known !== undefined && nowMs < known.endMs && nowMs >= known.startMs;
      const { startMs, endMs } = isKnown ? known : windowAt(per, nowMs, timeZone);
      const endsAtMs = monotonicMs + (endMs - nowMs);
      // One whose clock was put right ends at another time than was thought.
      if (isKnown && Math.abs(known.endsAtMs - endsAtMs) <= ROUNDING_MS) return known;
      const window = { startMs, endMs, endsAtMs };
      windows.set(per, window);
      return window;
    },
  };
}

/**
 * The window of the calendar that a time lies in. The windows of a zone follow each other without gap or overlap, so that each
 * time of one leads to the same, also where clocks change: by half an hour, at midnight, or over a whole day.
 *
 * @param nowMs whole milliseconds since the epoch
 */
export function windowAt(per: CalendarPeriod, nowMs: number, timeZone: string): Span {
  const now = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(timeZone);
  return per === 'day' || per === 'month' ? dateWindow(per, now) : clockWindow(LENGTH_MS[per], now);
}

interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** By the calendar: a day on which clocks change has 23 or 25 hours, and may begin at one o'clock. */
function dateWindow(per: 'day' | 'month', now: Temporal.ZonedDateTime): Span {
  const start = (per === 'day' ? now : now.with({ day: 1 })).startOfDay();
  const next = (from: Temporal.ZonedDateTime) => from.add({ [`${per}s`]: 1 }).startOfDay();
  const end = next(start);
  // Clocks that went back over midnight do not bring back the day that has ended.
  return end.epochMilliseconds <= now.epochMilliseconds ? spanOf(end, next(end)) : spanOf(start, end);
}

const spanOf = (start: Temporal.ZonedDateTime, end: Temporal.ZonedDateTime): Span => ({
  startMs: start.epochMilliseconds,
  endMs: end.epochMilliseconds,
});

/** From one full hour, minute or second of the local clock to the next; cut in two where the clock changes by a part of one. */
function clockWindow(lengthMs: number, now: Temporal.ZonedDateTime): Span {
  const phaseAt = ({ offsetNanoseconds }: Temporal.ZonedDateTime) => modulo(offsetNanoseconds / 1e6, lengthMs);
  const nowMs = now.epochMilliseconds;
  const phaseMs = phaseAt(now);
  const startMs = nowMs - modulo(nowMs + phaseMs, lengthMs);
  const isCut = (atMs: number) => phaseAt(now.add({ milliseconds: atMs - nowMs })) !== phaseMs;
  // A change is none before itself: the one that is now is looked for from the next millisecond.
  const before = isCut(startMs) ? now.add({ milliseconds: 1 }).getTimeZoneTransition('previous') : undefined;
  const after = isCut(startMs + lengthMs) ? now.getTimeZoneTransition('next') : undefined;
  return {
    startMs: before?.epochMilliseconds ?? startMs,
    endMs: after?.epochMilliseconds ?? startMs + lengthMs,
  };
}

const LENGTH_MS = { second: 1_000, minute: 60_000, hour: 3_600_000 } as const;

/** 0 <= result < by, of negative ones, too. */
const modulo = (n: number, by: number): number => ((n % by) + by) % by;

/** Whether a text names a time zone. */
export function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
