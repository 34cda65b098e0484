import type { LimitStanding } from '../kernel/exchange.ts';
import { comesBackAfterMs, roomIn, type Amount } from './amount.ts';
import type { AmountAsk, Ask, ConcurrencyAsk, RateAsk, Refused } from './counters.ts';
import type { Spend } from './gcra.ts';

/** How a caller stands with a rate. @param resetMs until the whole rate is there again */
export function rateStanding(ask: RateAsk, remaining: number, resetMs: number): LimitStanding {
  const { burst, intervalMs } = ask.rate;
  return { name: ask.name, limit: burst, remaining, windowS: Math.round((intervalMs * burst) / 1000), resetMs };
}

/** The same for what may run at once. */
export const concurrencyStanding = ({ name, limit }: ConcurrencyAsk, remaining: number): LimitStanding => ({
  name,
  limit,
  remaining,
  windowS: 0,
  resetMs: 0,
});

/** The same for units. @param amount as it is now */
export function amountStanding({ name, bound }: AmountAsk, amount: Amount, nowMs: number): LimitStanding {
  const taken = amount.used + amount.reserved;
  const lengthMs = bound.kind === 'rate' ? bound.windowMs : bound.window.endMs - bound.window.startMs;
  return {
    name,
    limit: bound.limit,
    remaining: roomIn(bound, amount),
    used: amount.used,
    setAside: amount.reserved,
    windowS: Math.round(lengthMs / 1000),
    // What is set aside is used at most, and then it has to come back, too.
    resetMs: taken === 0 ? 0 : comesBackAfterMs(bound, amount, taken, nowMs),
  };
}

/** Running requests end at any moment. */
const FULL_RETRY_MS = 1000;

/** What refuses an ask. */
export const refused = (ask: Ask, retryAfterMs: number, standing: LimitStanding): Refused => ({
  kind: 'refused',
  ask,
  retryAfterMs,
  standing,
});

/** What refuses more of a rate than it has room for. */
export const refusedRate = (ask: RateAsk, { tatMs, retryAfterMs }: NotConforming, nowMs: number): Refused =>
  refused(ask, retryAfterMs, rateStanding(ask, 0, Math.max(0, tatMs - nowMs)));

type NotConforming = Extract<Spend, { readonly conforms: false }>;

/** What refuses one more of those that run at once. */
export const refusedFull = (ask: ConcurrencyAsk): Refused =>
  refused(ask, FULL_RETRY_MS, { ...concurrencyStanding(ask, 0), resetMs: FULL_RETRY_MS });
