import type { LimitStanding, Spent } from '../../src/kernel/exchange.ts';
import { amountAt, NOTHING, reserve, settle, type Amount } from '../../src/limits/amount.ts';
import type { AmountAsk, Ask, Counters, Refused } from '../../src/limits/counters.ts';
import { arrivalAt, spend } from '../../src/limits/gcra.ts';
import { Hold, type Step } from '../../src/limits/hold.ts';
import {
  amountStanding,
  concurrencyStanding,
  rateStanding,
  refused,
  refusedFull,
  refusedRate,
} from '../../src/limits/ask-standing.ts';

class ModelHold extends Hold {}

/** What every adapter of the counters must come to: the pure rules over maps. */
export function createModelCounters(): Counters {
  let times = new Map<string, number>();
  let running = new Map<string, number>();
  let amounts = new Map<string, Amount>();
  const holdsOf = new WeakMap<Spent, readonly ModelHold[]>();

  function take(ask: Ask, nowMs: number): LimitStanding | Refused {
    const { name } = ask.counter;
    if (ask.kind === 'rate') {
      const result = spend(ask.rate, times.get(name), ask.cost ?? 1, nowMs);
      if (!result.conforms) return refusedRate(ask, result, nowMs);
      times.set(name, result.tatMs);
      return rateStanding(ask, result.remaining, Math.max(0, result.tatMs - nowMs));
    }
    if (ask.kind === 'concurrency') {
      const taken = running.get(name) ?? 0;
      if (taken >= ask.limit) return refusedFull(ask);
      running.set(name, taken + 1);
      return concurrencyStanding(ask, ask.limit - taken - 1);
    }
    const result = reserve(ask.bound, amounts.get(name) ?? NOTHING, ask.cost, nowMs);
    const standing = amountStanding(ask, result.amount, nowMs);
    if (!result.conforms) return refused(ask, result.retryAfterMs, standing);
    amounts.set(name, result.amount);
    return standing;
  }

  function settleOne({ bound, counter: { name } }: AmountAsk, { given, more }: Step, nowMs: number): void {
    amounts.set(name, settle(bound, amounts.get(name) ?? NOTHING, given, more, nowMs));
  }

  return {
    keyOf: (name) => ({ hi: 0, lo: 0, name }),
    spend(asks, nowMs) {
      const before = [new Map(times), new Map(running), new Map(amounts)] as const;
      const standings: LimitStanding[] = [];
      let longest: Refused | undefined;
      for (const ask of asks) {
        const came = take(ask, nowMs);
        if (!('kind' in came)) standings.push(came);
        else if (came.retryAfterMs > (longest?.retryAfterMs ?? -1)) longest = came;
      }
      if (longest !== undefined) {
        [times, running, amounts] = before;
        return longest;
      }
      const spent: Spent = { kind: 'spent', standings, holds: [] };
      holdsOf.set(
        spent,
        asks.map((ask) => new ModelHold(ask)),
      );
      return spent;
    },
    extend(spent, totals, nowMs) {
      let refusal: Refused | undefined;
      let index = 0;
      for (const hold of holdsOf.get(spent) ?? []) {
        const { ask } = hold;
        if (ask.kind !== 'amount') continue;
        const more = hold.missing(totals[index++] ?? 0);
        if (more <= 0) continue;
        const amount = amounts.get(ask.counter.name) ?? NOTHING;
        const result = reserve(ask.bound, amount, more, nowMs, true);
        if (result.conforms) {
          amounts.set(ask.counter.name, result.amount);
          hold.reserved += more;
        } else refusal ??= refused(ask, 0, amountStanding(ask, result.amount, nowMs));
      }
      return refusal;
    },
    progress(spent, actuals, nowMs) {
      let index = 0;
      for (const hold of holdsOf.get(spent) ?? []) {
        if (hold.ask.kind !== 'amount') continue;
        const step = hold.progress(actuals[index++] ?? 0, nowMs);
        if (step !== undefined) settleOne(hold.ask, step, nowMs);
      }
    },
    settle(spent, actuals, nowMs) {
      let index = 0;
      for (const hold of holdsOf.get(spent) ?? []) {
        const { name } = hold.ask.counter;
        if (hold.ask.kind === 'concurrency') running.set(name, (running.get(name) ?? 0) - 1);
        if (hold.ask.kind === 'amount') settleOne(hold.ask, hold.end(actuals[index++] ?? 0, nowMs), nowMs);
      }
    },
    standing(ask, nowMs) {
      const { name } = ask.counter;
      if (ask.kind === 'concurrency')
        return concurrencyStanding(ask, Math.max(0, ask.limit - (running.get(name) ?? 0)));
      if (ask.kind === 'amount') {
        return amountStanding(ask, amountAt(ask.bound, amounts.get(name) ?? NOTHING, nowMs), nowMs);
      }
      const resetMs = arrivalAt(ask.rate, times.get(name) ?? nowMs, 1, nowMs) - nowMs;
      return rateStanding(ask, Math.max(0, ask.rate.burst - Math.ceil(resetMs / ask.rate.intervalMs)), resetMs);
    },
  };
}
