import { AT, HOURS } from './layout.ts';
import { number, setNumber, setWord, word, type Profile } from './profile.ts';

/**
 * How many requests are usual at each hour of the week: 168 cells of 16 bits, binary logarithms in steps of 1/1024,
 * exponentially weighted over the weeks. UTC; the neighbours count along, so that a change of clocks by an hour is borne.
 */
const STEPS = 1024;
const HOUR_S = 3_600;
/** Weight of the newest week. */
const WEIGHT = 0.3;

/** Hour of the week, 0 on Monday at midnight. @param timeS seconds since the epoch, which was a Thursday */
export const hourOfWeek = (timeS: number): number => (Math.floor(timeS / HOUR_S) + 3 * 24) % HOURS;

/**
 * Counts requests of the running hour, and learns the hours that are over, those without any as well.
 *
 * @param skewS what the told time is ahead of the steady one
 */
export function countInSeason(profile: Profile, nowS: number, skewS: number, amount: number): void {
  const hour = Math.floor(nowS / HOUR_S);
  const before = word(profile, AT.hour);
  if (hour !== before) {
    if (before !== 0) learnHours(profile, before, hour, skewS);
    setWord(profile, AT.hour, hour);
    setNumber(profile, AT.hourCount, 0);
  }
  setNumber(profile, AT.hourCount, number(profile, AT.hourCount) + amount);
}

function learnHours(profile: Profile, before: number, hour: number, skewS: number): void {
  const ageWeeks = Math.floor(Math.max(0, before * HOUR_S - word(profile, AT.bornS)) / (HOURS * HOUR_S));
  const weight = Math.max(WEIGHT, 1 / (ageWeeks + 1));
  learnHour(profile, hourOfWeek(before * HOUR_S + skewS), number(profile, AT.hourCount), weight);
  // Where the time went back there is nothing between, and a week of rest says all that more rest would.
  const until = Math.min(hour, before + HOURS);
  for (let idle = before + 1; idle < until; idle++) learnHour(profile, hourOfWeek(idle * HOUR_S + skewS), 0, weight);
}

function learnHour({ u16, base }: Profile, cell: number, requests: number, weight: number): void {
  const at = (base + AT.season) * 2 + cell;
  const old = u16[at] ?? 0;
  u16[at] = Math.round(old + (Math.log2(1 + requests) * STEPS - old) * weight);
}

/** Requests that are usual in this hour of the week. @param hour of the week */
export function usualPerHour({ u16, base }: Profile, hour: number): number {
  const at = (base + AT.season) * 2;
  const cell = (i: number): number => 2 ** ((u16[at + ((i + HOURS) % HOURS)] ?? 0) / STEPS) - 1;
  return cell(hour - 1) / 4 + cell(hour) / 2 + cell(hour + 1) / 4;
}

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** `a Thursday at 14:00 UTC`. */
export const hourInWords = (hour: number): string =>
  `a ${DAYS[Math.floor(hour / 24)] ?? 'day'} at ${String(hour % 24).padStart(2, '0')}:00 UTC`;
