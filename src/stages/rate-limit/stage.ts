import type { Clock } from '../../kernel/clock.ts';
import type { Principal, Slots, Spent } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import type { Ask, Counters, Refused } from '../../limits/counters.ts';
import { ratePerMinute } from '../../limits/gcra.ts';

/** Limits of a principal that has none of its own. */
export interface RateLimitOptions {
  readonly requestsPerMinute: number | 'none';
  readonly concurrency: number | 'none';
}

/** Denies a principal that sends faster than its rate or more at once than its concurrency, before a body is read. */
export function createRateLimit(
  defaults: RateLimitOptions,
  { counters, clock }: { counters: Counters; clock: Clock },
): Stage<'principal', 'requestLimits'> {
  const asksByPrincipal = new WeakMap<Principal, readonly Ask[]>();

  function asksOf(principal: Principal): readonly Ask[] {
    let asks = asksByPrincipal.get(principal);
    if (asks === undefined) asksByPrincipal.set(principal, (asks = createAsks(principal)));
    return asks;
  }

  function createAsks(principal: Principal): readonly Ask[] {
    const asks: Ask[] = [];
    const concurrency = principal.concurrency ?? defaults.concurrency;
    const requests = principal.requestsPerMinute ?? defaults.requestsPerMinute;
    // Concurrency first: a request that it refuses must not have cost a unit of the rate.
    if (concurrency !== 'none') {
      const counter = counters.keyOf(`concurrency:${principal.id}`);
      asks.push({ kind: 'concurrency', name: 'concurrency', counter, limit: concurrency });
    }
    if (requests !== 'none') {
      const counter = counters.keyOf(`requests:${principal.id}`);
      asks.push({ kind: 'rate', name: 'requests', counter, rate: ratePerMinute(requests) });
    }
    if (principal.member !== undefined) asks.push(...memberAsks(principal));
    return asks;
  }

  /** A person behind a shared page has the default limits besides those of the page's key, which hold for all together. */
  function memberAsks({ id, member }: Principal): Ask[] {
    const { concurrency, requestsPerMinute } = defaults;
    // As JSON, so that no two pairs are one text.
    const counter = (kind: string) => counters.keyOf(`member-${kind}:${JSON.stringify([id, member])}`);
    const asks: Ask[] = [];
    if (concurrency !== 'none') {
      asks.push({
        kind: 'concurrency',
        name: 'member.concurrency',
        counter: counter('concurrency'),
        limit: concurrency,
      });
    }
    if (requestsPerMinute !== 'none') {
      const rate = ratePerMinute(requestsPerMinute);
      asks.push({ kind: 'rate', name: 'member.requests', counter: counter('requests'), rate });
    }
    return asks;
  }

  return {
    name: 'rate-limit',
    adds: ['requestLimits'],
    decide(x) {
      if (x.isDryRun) {
        x.requestLimits = { kind: 'spent', standings: [], holds: [] };
        return undefined;
      }
      const result = counters.spend(asksOf(x.principal), clock.monotonicMs());
      return result instanceof Promise ? result.then((r) => answer(x, r)) : answer(x, result);
    },
    settle(x) {
      counters.settle(x.requestLimits, [], clock.monotonicMs());
    },
  };
}

function answer(x: Slots<'requestLimits'>, result: Spent | Refused): Denial | undefined {
  if (result.kind === 'refused') {
    const code = result.ask.kind === 'rate' ? 'rate_limited' : 'concurrency_limited';
    return deny(code, { retryAfterMs: result.retryAfterMs, standings: [result.standing] });
  }
  x.requestLimits = result;
  return undefined;
}
