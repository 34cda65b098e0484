import type { Spent } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Refused } from '../../limits/counters.ts';
import { isBudget, type Limit } from '../../limits/limit.ts';

/** What a caller is told where a limit has no room. */
export function refusal({ ask, retryAfterMs, standing }: Refused, limit: Limit | undefined): Denial {
  const code = codeOf(ask.kind, limit);
  return deny(code, { retryAfterMs, standings: [standing], message: `${MESSAGES[code]} The limit is ${ask.name}.` });
}

/** Milliseconds until one more request is let in by limits as they stood when the last one was; 0 where it is at once. */
export function nextAfterMs({ standings }: Spent): number {
  const waits = standings.map(({ limit, remaining, windowS, resetMs, used }) => {
    if (remaining > 0 || windowS === 0) return 0;
    // A window of the calendar comes back as a whole, a rate one by one.
    return used === undefined ? resetMs - ((limit - 1) * windowS * 1_000) / limit : resetMs;
  });
  return Math.max(0, ...waits);
}

/** What a caller is told whose prompt the whole of a limit could not hold. */
export const tooLarge = (limit: Limit): Denial =>
  deny(codeOf('amount', limit), {
    message: `The prompt alone is larger than the whole limit ${limit.name}. Shorten it, or ask the operator for a larger limit.`,
    retryAfterMs: TOO_LARGE_RETRY_MS,
  });

/** Waiting does not help: an hour is long enough for nobody to try again and again. */
const TOO_LARGE_RETRY_MS = 3_600_000;

/** What a caller is told whose answer was ended by a limit. */
export function cut({ ask, standing }: Refused, limits: readonly Limit[]): Denial {
  const code = codeOf(
    ask.kind,
    limits.find(({ name }) => name === ask.name),
  );
  return deny(code, { standings: [standing], message: `The answer was ended: its limit ${ask.name} is used up.` });
}

/** Class of a route, by the scope that it needs: `inference:chat` → `chat`. */
export const classOf = (scope: string): string => scope.slice(scope.indexOf(':') + 1);

function codeOf(kind: Refused['ask']['kind'], limit: Limit | undefined): keyof typeof MESSAGES {
  if (kind === 'concurrency') return 'concurrency_limited';
  if (limit !== undefined && isBudget(limit)) return 'budget_exhausted';
  return kind === 'rate' ? 'rate_limited' : 'token_limited';
}

const MESSAGES = {
  concurrency_limited: 'Too many at once. Wait for a running one to end.',
  rate_limited: 'Too many requests. Wait as long as Retry-After says.',
  token_limited: 'Too many tokens in this time. Wait as long as Retry-After says, or ask for a shorter answer.',
  budget_exhausted: 'What is left of the budget has no room for this. It comes back when Retry-After has passed.',
} as const;
