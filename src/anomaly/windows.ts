import { AT, COUNTERS, INDEX, SPANS, type Counter, type Span } from './layout.ts';
import { setWord, type Profile } from './profile.ts';

/**
 * Two sliding windows of counts, five minutes and an hour, and what is usual of them: the mean of the windows in which there
 * was use, and the highest one, which is forgotten over weeks.
 */
const C = COUNTERS.length;
/** Rows of a span after its number and how many were learned. */
const NUMBER = 0;
const LEARNED = 1;
const NOW = 2;
const BEFORE = NOW + C;
const MEAN = BEFORE + C;
const PEAK = MEAN + C;

/** A mean follows this many windows. */
const MEMORY_WINDOWS = 256;
/** Half of a highest window is forgotten in so many seconds. */
const PEAK_HALF_LIFE_S = 21 * 86_400;
/** A window raises the highest one to at most so many times itself: one burst does not teach that bursts are usual. */
const PEAK_GROWTH = 2;
/** One of which something was told teaches hardly anything: an attack of an hour is not usual when the next one comes, and what
 * goes on for a day is. */
const TOLD_GROWTH = 1.02;
/** So many windows are learned as they are. */
const FREE_WINDOWS = 12;

/** Ends the windows that are over and learns from them. @returns whether a short one has ended */
export function rollWindows(profile: Profile, nowS: number): boolean {
  roll(profile, 'long', nowS);
  return roll(profile, 'short', nowS);
}

function roll(profile: Profile, span: Span, nowS: number): boolean {
  const at = profile.base + AT[span];
  const index = Math.floor(nowS / SPANS[span]);
  const before = profile.u32[at + NUMBER] ?? 0;
  if (index === before) return false;
  const passed = Math.max(1, index - before);
  if (before !== 0) learn(profile, at, passed, SPANS[span]);
  const { f32, u32 } = profile;
  // After more than one, and where the time went back, what was counted is no neighbour of now.
  if (index - before === 1) f32.copyWithin(at + BEFORE, at + NOW, at + NOW + C);
  else f32.fill(0, at + BEFORE, at + BEFORE + C);
  f32.fill(0, at + NOW, at + NOW + C);
  u32[at + NUMBER] = index;
  return true;
}

function learn({ f32, u32, base }: Profile, at: number, passed: number, spanS: number): void {
  const windowEndS = ((u32[at + NUMBER] ?? 0) + 1) * spanS;
  const isTold = windowEndS - (u32[base + AT.lastToldS] ?? 0) <= spanS;
  const growth = isTold ? TOLD_GROWTH : PEAK_GROWTH;
  const fade = 0.5 ** ((passed * spanS) / PEAK_HALF_LIFE_S);
  const isUsed = (f32[at + NOW + INDEX.requests] ?? 0) > 0 || (f32[at + NOW + INDEX.denials] ?? 0) > 0;
  const learned = (f32[at + LEARNED] ?? 0) + (isUsed ? 1 : 0);
  f32[at + LEARNED] = Math.min(learned, MEMORY_WINDOWS);
  for (let i = 0; i < C; i++) {
    const count = f32[at + NOW + i] ?? 0;
    const peak = f32[at + PEAK + i] ?? 0;
    const bound = learned <= FREE_WINDOWS && !isTold ? count : Math.min(count, growth * peak + (isTold ? 0 : 1));
    f32[at + PEAK + i] = Math.max(peak * fade, bound);
    if (!isUsed) continue;
    const mean = f32[at + MEAN + i] ?? 0;
    f32[at + MEAN + i] = mean + (bound - mean) / Math.min(learned, MEMORY_WINDOWS);
  }
}

/** Notes that something was told of the running window. */
export const markTold = (profile: Profile, nowS: number): void => setWord(profile, AT.lastToldS, nowS);

/** Counts. */
export function count({ f32, base }: Profile, counter: Counter, amount: number): void {
  const index = INDEX[counter];
  f32[base + AT.short + NOW + index] = (f32[base + AT.short + NOW + index] ?? 0) + amount;
  f32[base + AT.long + NOW + index] = (f32[base + AT.long + NOW + index] ?? 0) + amount;
}

/** What was counted in the last five minutes, or the last hour: the running window and the part of the one before. */
export function lately({ f32, base }: Profile, span: Span, counter: Counter, nowS: number): number {
  const at = base + AT[span] + INDEX[counter];
  const part = (nowS % SPANS[span]) / SPANS[span];
  return (f32[at + NOW] ?? 0) + (1 - part) * (f32[at + BEFORE] ?? 0);
}

/** The mean of the windows in which there was use. */
export const usually = ({ f32, base }: Profile, span: Span, counter: Counter): number =>
  f32[base + AT[span] + MEAN + INDEX[counter]] ?? 0;

/** The highest window of the last weeks. */
export const highest = ({ f32, base }: Profile, span: Span, counter: Counter): number =>
  f32[base + AT[span] + PEAK + INDEX[counter]] ?? 0;
