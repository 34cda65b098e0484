/** How often what there was is summed up. */
export type DigestRhythm = 'none' | 'daily' | 'weekly';

const DAY_MS = 86_400_000;
/** 1970-01-05, the first Monday of the epoch. */
const MONDAY_MS = 4 * DAY_MS;

/** The next midnight UTC, or the next one that begins a Monday; always after `nowMs`. */
export function nextDigestMs(rhythm: DigestRhythm, nowMs: number): number | undefined {
  if (rhythm === 'none') return undefined;
  if (rhythm === 'daily') return (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS;
  return (Math.floor((nowMs - MONDAY_MS) / (7 * DAY_MS)) + 1) * 7 * DAY_MS + MONDAY_MS;
}
