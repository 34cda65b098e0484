import type { Ask, LocalCounters } from '../../limits/counters.ts';
import type { AmountAsk, RateAsk, Refused } from '../../limits/counters.ts';
import type { LimitStanding, Spent } from '../../kernel/exchange.ts';
import { refused } from '../../limits/ask-standing.ts';
import { costOf } from './items.ts';

/** Counters in this process, which can be told what was spent elsewhere. */
export interface ShareCounters extends LocalCounters {
  raise(ask: RateAsk | AmountAsk, spent: number, nowMs: number): void;
  charge(ask: RateAsk | AmountAsk, units: number, nowMs: number): void;
}

/**
 * What of a limit is this instance's own while nobody can be asked: one of so many parts of it, less what went through here,
 * and no more than such a part of what was left when it was heard of last.
 */
export interface Share {
  spend(asks: readonly Ask[], nowMs: number): Spent | Refused;
  standing(ask: Ask, nowMs: number): LimitStanding;
  /** Counts against the share what the server has let in. */
  note(ask: RateAsk | AmountAsk, units: number, nowMs: number): void;
}

const RETRY_MS = 1_000;

/**
 * @param spentOf what the fleet had spent of a counter when it was heard of last
 * @param instances how many share
 */
export function createShare(
  counters: ShareCounters,
  spentOf: (ask: RateAsk | AmountAsk, nowMs: number) => number,
  instances: () => number,
): Share {
  function part(ask: Ask, nowMs: number): Ask {
    const count = instances();
    const own = partOf(ask, count);
    if (ask.kind === 'concurrency' || own.kind === 'concurrency') return own;
    const spent = spentOf(ask, nowMs);
    // Of a rate the time until all is there again is the same in each part.
    if (spent > 0) counters.raise(own, ask.kind === 'rate' ? spent : spent / count, nowMs);
    return own;
  }

  return {
    spend(asks, nowMs) {
      const parts = asks.map((ask) => part(ask, nowMs));
      const tooLarge = parts.findIndex((own) => costOf(own) > mostOf(own));
      const ask = asks[tooLarge];
      // What is more than the whole part cannot be let in before the others can be asked.
      if (ask !== undefined) return refused(ask, RETRY_MS, counters.standing(parts[tooLarge] ?? ask, nowMs));
      const result = counters.spend(parts, nowMs);
      if (result.kind === 'spent') return result;
      return { ...result, ask: asks[parts.indexOf(result.ask)] ?? result.ask };
    },
    standing: (ask, nowMs) => counters.standing(part(ask, nowMs), nowMs),
    note(ask, units, nowMs) {
      const own = partOf(ask, instances());
      if (own.kind !== 'concurrency') counters.charge(own, units, nowMs);
    },
  };
}

/** One of `count` equal parts of a limit, of at least one unit. */
export function partOf(ask: Ask, count: number): Ask {
  const share = (limit: number): number => Math.max(1, Math.floor(limit / count));
  if (ask.kind === 'rate') {
    const { intervalMs, burst } = ask.rate;
    return { ...ask, rate: { intervalMs: intervalMs * count, burst: share(burst) } };
  }
  if (ask.kind === 'concurrency') return { ...ask, limit: share(ask.limit) };
  return { ...ask, bound: { ...ask.bound, limit: share(ask.bound.limit) } };
}

/** Most units that an ask may ever take at once. */
const mostOf = (ask: Ask): number =>
  ask.kind === 'rate' ? ask.rate.burst : ask.kind === 'amount' ? ask.bound.limit : 1;
