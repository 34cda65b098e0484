import type { Clock } from '../../kernel/clock.ts';
import type { Slots, Spent } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import type { Counters, Refused } from '../../limits/counters.ts';
import type { LimitPlan } from '../../limits/plan.ts';

/** What the stage works with. */
export interface RateLimitDeps {
  readonly plan: LimitPlan;
  readonly counters: Counters;
  readonly clock: Clock;
}

/**
 * Denies a caller that sends faster than its rates or more at once than its concurrency, before a body is read: with 429
 * `rate_limited`, `concurrency_limited`, and `budget_exhausted` where the requests of a day or month are used up.
 */
export function createRateLimit({
  plan,
  counters,
  clock,
}: RateLimitDeps): Stage<'peer' | 'principal', 'requestLimits'> {
  function answer(x: Slots<'requestLimits'>, result: Spent | Refused, nowMs: number): Denial | undefined {
    if (result.kind === 'refused') return refusal(result);
    x.requestLimits = result;
    // A request is one from its beginning: set aside until its end it would count in the day of that, or in both.
    counters.progress(result, ONE_EACH, nowMs);
    return undefined;
  }

  return {
    name: 'rate-limit',
    adds: ['requestLimits'],
    decide(x) {
      if (x.isDryRun) {
        x.requestLimits = { kind: 'spent', standings: [], holds: [] };
        return undefined;
      }
      const nowMs = clock.monotonicMs();
      const asks = plan.earlyAsks({ principal: x.principal, network: x.peer.network }, nowMs);
      const result = counters.spend(asks, nowMs);
      return result instanceof Promise ? result.then((r) => answer(x, r, nowMs)) : answer(x, result, nowMs);
    },
    settle(x) {
      // What was asked counts as one request, whatever came of it.
      counters.settle(x.requestLimits, ONE_EACH, clock.monotonicMs());
    },
  };
}

/** For more windows than anybody has. */
const ONE_EACH: readonly number[] = Array<number>(1_024).fill(1);

const CODES = { rate: 'rate_limited', concurrency: 'concurrency_limited', amount: 'budget_exhausted' } as const;

function refusal({ ask, retryAfterMs, standing }: Refused): Denial {
  const code = CODES[ask.kind];
  return deny(code, { retryAfterMs, standings: [standing], message: `${MESSAGES[code]} The limit is ${ask.name}.` });
}

const MESSAGES = {
  rate_limited: 'Too many requests. Wait as long as Retry-After says.',
  concurrency_limited: 'Too many requests at once. Wait for a running one to end.',
  budget_exhausted: 'The requests of this day or month are used up. They come back when Retry-After has passed.',
} as const;
