import type { LimitStanding, Spent } from '../../src/kernel/exchange.ts';
import { amountAt, NOTHING, reserve, settle, type Amount } from '../../src/limits/amount.ts';
import type { Ask, Counters, Refused } from '../../src/limits/counters.ts';
import { arrivalAt, spend } from '../../src/limits/gcra.ts';
import {
  amountStanding,
  concurrencyStanding,
  rateStanding,
  refused,
  refusedFull,
} from '../../src/limits/ask-standing.ts';

/** What every adapter of the counters must come to: the pure rules over maps. */
export function createModelCounters(): Counters {
  let times = new Map<string, number>();
  let running = new Map<string, number>();
  let amounts = new Map<string, Amount>();
  const reserved = new WeakMap<Spent, number[]>();
  const counted = new WeakMap<Spent, number[]>();
  const asksOf = new WeakMap<Spent, readonly Ask[]>();

  function take(ask: Ask, nowMs: number): LimitStanding | Refused {
    const { name } = ask.counter;
    if (ask.kind === 'rate') {
      const result = spend(ask.rate, times.get(name), ask.cost ?? 1, nowMs);
      const resetMs = Math.max(0, result.tatMs - nowMs);
      if (!result.conforms) return refused(ask, result.retryAfterMs, rateStanding(ask, 0, resetMs));
      times.set(name, result.tatMs);
      return rateStanding(ask, result.remaining, resetMs);
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

  return {
    keyOf: (name) => ({ hi: 0, lo: 0, name }),
    spend(asks, nowMs) {
      const before = [new Map(times), new Map(running), new Map(amounts)] as const;
      const standings: LimitStanding[] = [];
      for (const ask of asks) {
        const came = take(ask, nowMs);
        if ('kind' in came) {
          [times, running, amounts] = before;
          return came;
        }
        standings.push(came);
      }
      const spent: Spent = { kind: 'spent', standings, holds: [] };
      asksOf.set(spent, asks);
      reserved.set(
        spent,
        asks.map((ask) => (ask.kind === 'amount' ? ask.cost : 0)),
      );
      return spent;
    },
    extend(spent, totals, nowMs) {
      const held = reserved.get(spent) ?? [];
      let refusal: Refused | undefined;
      let index = 0;
      for (const [i, ask] of (asksOf.get(spent) ?? []).entries()) {
        if (ask.kind !== 'amount') continue;
        const more = (totals[index++] ?? 0) - (held[i] ?? 0) - (counted.get(spent)?.[i] ?? 0);
        if (more <= 0) continue;
        const amount = amounts.get(ask.counter.name) ?? NOTHING;
        const result = reserve(ask.bound, amount, more, nowMs, true);
        if (result.conforms) {
          amounts.set(ask.counter.name, result.amount);
          held[i] = (held[i] ?? 0) + more;
        } else refusal ??= refused(ask, 0, amountStanding(ask, result.amount, nowMs));
      }
      return refusal;
    },
    progress(spent, actuals, nowMs) {
      const [held, done] = [reserved.get(spent) ?? [], counted.get(spent) ?? []];
      counted.set(spent, done);
      let index = 0;
      for (const [i, ask] of (asksOf.get(spent) ?? []).entries()) {
        if (ask.kind !== 'amount') continue;
        const more = (actuals[index++] ?? 0) - (done[i] ?? 0);
        if (more <= 0) continue;
        const given = Math.min(more, held[i] ?? 0);
        const amount = amounts.get(ask.counter.name) ?? NOTHING;
        amounts.set(ask.counter.name, settle(ask.bound, amount, given, more, nowMs));
        held[i] = (held[i] ?? 0) - given;
        done[i] = (done[i] ?? 0) + more;
      }
    },
    settle(spent, actuals, nowMs) {
      const held = reserved.get(spent) ?? [];
      let index = 0;
      for (const [i, ask] of (asksOf.get(spent) ?? []).entries()) {
        const { name } = ask.counter;
        if (ask.kind === 'concurrency') running.set(name, (running.get(name) ?? 0) - 1);
        if (ask.kind !== 'amount') continue;
        const amount = amounts.get(name) ?? NOTHING;
        amounts.set(
          name,
          settle(ask.bound, amount, held[i] ?? 0, (actuals[index++] ?? 0) - (counted.get(spent)?.[i] ?? 0), nowMs),
        );
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
