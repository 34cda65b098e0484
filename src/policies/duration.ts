import { parseDurationMs } from '../kernel/units.ts';

const LONGEST_MS = 3650 * 86_400_000;

/** What an age must be. */
export const DURATION_HINT = 'Give a duration from 1s to 3650d, such as 30s, 5m or 8h.';

/** Whether a text is an age. */
export function isDuration(text: string): boolean {
  const ms = parseDurationMs(text);
  return ms !== undefined && ms >= 1000 && ms <= LONGEST_MS;
}
