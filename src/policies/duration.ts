import type { TokenFacts } from '../kernel/exchange.ts';
import { parseDurationMs } from '../kernel/units.ts';
import type { Holds } from './condition.ts';

const LONGEST_MS = 3650 * 86_400_000;

/** What an age must be. */
export const DURATION_HINT = 'Give a duration from 1s to 3650d, such as 30s, 5m or 8h.';

/**
 * Whether a time of a token is at most so long ago. An API key has none, so it never is young enough.
 *
 * @param timeMs undefined where the token does not say
 */
export function atMostAgo(value: string, timeMs: (token: TokenFacts) => number | undefined): Holds {
  const maxMs = parseDurationMs(value) ?? 0;
  return ({ principal: { token }, nowMs }) => {
    if (token === undefined) return false;
    const atMs = timeMs(token);
    return atMs === undefined ? undefined : nowMs - atMs <= maxMs;
  };
}

/** Whether a text is an age. */
export function isDuration(text: string): boolean {
  const ms = parseDurationMs(text);
  return ms !== undefined && ms >= 1000 && ms <= LONGEST_MS;
}
