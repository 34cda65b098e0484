import type { ConditionKind } from '../condition.ts';

const HINT = 'Give times such as "08:00-18:00", "mon-fri 08:00-18:00 Europe/Berlin" or "sat,sun 22:00-06:00".';
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** Times of the week, as clocks in a place show them. */
export const time: ConditionKind<'time'> = {
  name: 'time',
  about: 'In one of these times: `mon-fri 08:00-18:00 Europe/Berlin`; without days daily, without a place UTC.',
  isList: true,
  hint: HINT,
  accepts: (text) => windowOf(text) !== undefined,
  compile(texts) {
    const windows = texts.flatMap((text) => windowOf(text) ?? []);
    let minute = -1;
    let isIn = false;
    // Calendars are slow, and nothing changes within a minute.
    return ({ nowMs }) => {
      const now = Math.floor(nowMs / MINUTE_MS);
      if (now !== minute) {
        isIn = windows.some((window) => isWithin(window, nowMs));
        minute = now;
      }
      return isIn;
    };
  },
  wants: (texts) => `it may be used at these times: ${texts.join(', ')}`,
};

interface Window {
  /** Indexes into `DAYS` on which it begins. */
  readonly days: ReadonlySet<number>;
  /** Minutes of the day; where `to` is not after `from` it goes on to the next day. */
  readonly from: number;
  readonly to: number;
  readonly clock: Intl.DateTimeFormat;
}

function windowOf(text: string): Window | undefined {
  const [, days = 'mon-sun', from = '', to = '', timeZone = 'UTC'] =
    /^(?:([a-z,-]+) )?(\d\d:\d\d)-(\d\d:\d\d)(?: ([A-Za-z0-9_+/-]{1,64}))?$/.exec(text) ?? [];
  const [on, start, end, clock] = [daysOf(days), minutesOf(from), minutesOf(to), clockIn(timeZone)];
  if (on === undefined || start === undefined || end === undefined || clock === undefined) return undefined;
  return { days: on, from: start, to: end, clock };
}

function daysOf(text: string): Set<number> | undefined {
  const all = new Set<number>();
  for (const part of text.split(',')) {
    const [first, last = first] = part.split('-').map((day) => DAYS.indexOf(day));
    if (first === undefined || last === undefined || first < 0 || last < 0 || part.split('-').length > 2)
      return undefined;
    for (let day = first; ; day = (day + 1) % 7) {
      all.add(day);
      if (day === last) break;
    }
  }
  return all;
}

function minutesOf(text: string): number | undefined {
  const [hours = NaN, minutes = NaN] = text.split(':').map(Number);
  if (!(minutes < 60) || !(hours < 24 || (hours === 24 && minutes === 0))) return undefined;
  return hours * 60 + minutes;
}

function clockIn(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  } catch {
    return undefined;
  }
}

function isWithin({ days, from, to, clock }: Window, nowMs: number): boolean {
  const parts = new Map(clock.formatToParts(nowMs).map(({ type, value }) => [type, value]));
  const day = DAYS.indexOf((parts.get('weekday') ?? '').toLowerCase());
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  const end = to > from ? to : to + DAY_MINUTES;
  const sinceToday = days.has(day) && minute >= from && minute < end;
  return sinceToday || (days.has((day + 6) % 7) && minute + DAY_MINUTES < end);
}
