import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Spent } from '../../src/kernel/exchange.ts';
import type { AmountAsk, Ask, ConcurrencyAsk, Counters, RateAsk } from '../../src/limits/counters.ts';
import { ratePerMinute, rateOf } from '../../src/limits/gcra.ts';
import { createModelCounters } from '../support/model-counters.ts';

/** Counters that nobody has used, with a clock of their own. */
export interface OpenCounters extends AsyncDisposable {
  readonly counters: Counters;
  nowMs(): number;
  /** Resolves once what is due by then is done; everything that was settled before has arrived. */
  advance(ms: number): Promise<void>;
}

const DAY_MS = 16_384;
/** Time on the wall when the tests' monotonic clock was 0. */
export const WALL_MS = 1_767_225_600_000;

/** The window of a short day; the clock of the tests is that of the wall, too. */
const budget = (limit: number, nowMs: number): AmountAsk['bound'] => {
  const since = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const [startMs, endsAtMs] = [WALL_MS + since, since + DAY_MS];
  return { kind: 'budget', limit, window: { startMs, endMs: startMs + DAY_MS, endsAtMs } };
};

/** What every adapter of the port `Counters` keeps. */
export function countersContract(adapter: string, open: () => Promise<OpenCounters>): void {
  const rate = ({ counters }: OpenCounters, name: string, perMinute: number): RateAsk => ({
    kind: 'rate',
    name: 'requests',
    counter: counters.keyOf(name),
    rate: ratePerMinute(perMinute),
  });
  const running = ({ counters }: OpenCounters, name: string, limit: number): ConcurrencyAsk => ({
    kind: 'concurrency',
    name: 'concurrency',
    counter: counters.keyOf(name),
    limit,
  });
  /** So many of 64 units in the day that is now. */
  const ofDay = (it: OpenCounters, name: string, cost: number): AmountAsk => ({
    ...{ kind: 'amount', name: 'budget', counter: it.counters.keyOf(name), cost },
    bound: budget(64, it.nowMs()),
  });
  const kinds = async (it: OpenCounters, asks: readonly Ask[], count: number): Promise<string[]> => {
    const all = Array.from({ length: count }, async () => it.counters.spend(asks, it.nowMs()));
    return (await Promise.all(all)).map(({ kind }) => kind);
  };

  test(`${adapter}: of any number of simultaneous requests exactly as many as the burst are let in`, async () => {
    await using it = await open();
    const got = await kinds(it, [rate(it, 'alice', 6)], 20);
    assert.equal(got.filter((kind) => kind === 'spent').length, 6);
    assert.deepEqual(await kinds(it, [rate(it, 'bob', 6)], 1), ['spent']);
    await it.advance(9_999);
    assert.deepEqual(await kinds(it, [rate(it, 'alice', 6)], 1), ['refused']);
    await it.advance(1);
    assert.deepEqual(await kinds(it, [rate(it, 'alice', 6)], 2), ['spent', 'refused']);
  });

  test(`${adapter}: a refused ask leaves the others as they were`, async () => {
    await using it = await open();
    const asks = [running(it, 'c', 9), rate(it, 'r', 1)];
    assert.deepEqual(await kinds(it, asks, 2), ['spent', 'refused']);
    const left = await it.counters.standing(running(it, 'c', 9), it.nowMs());
    assert.equal(left.remaining, 8);
  });

  test(`${adapter}: what ran has given its place back once it is settled`, async () => {
    await using it = await open();
    const ask = running(it, 'c', 1);
    const first = await it.counters.spend([ask], it.nowMs());
    assert.ok(first.kind === 'spent');
    const second = await it.counters.spend([ask], it.nowMs());
    assert.deepEqual(second.kind === 'refused' && [second.ask, second.retryAfterMs], [ask, 1_000]);
    it.counters.settle(first, [], it.nowMs());
    assert.equal((await it.counters.spend([ask], it.nowMs())).kind, 'spent');
  });

  test(`${adapter}: a limit that was loosened locks nobody out for the time of the one before, and gives no more than its own`, async () => {
    await using it = await open();
    const tight: RateAsk = { ...rate(it, 'alice', 1), rate: rateOf(1, 86_400_000) };
    assert.deepEqual(await kinds(it, [tight], 2), ['spent', 'refused']);
    const loose = rate(it, 'alice', 60);
    assert.equal((await it.counters.standing(loose, it.nowMs())).remaining, 1);
    // What is refused beside it gives back what it had.
    const full = running(it, 'full', 1);
    assert.equal((await it.counters.spend([full], it.nowMs())).kind, 'spent');
    assert.deepEqual(await kinds(it, [full, loose], 1), ['refused']);
    assert.deepEqual(await kinds(it, [loose], 3), ['spent', 'refused', 'refused']);
    await it.advance(1_000);
    assert.deepEqual(await kinds(it, [loose], 2), ['spent', 'refused']);
    await it.advance(60_000);
    assert.equal((await kinds(it, [loose], 80)).filter((kind) => kind === 'spent').length, 60);
  });

  test(`${adapter}: what began windows ago is counted in the one that is now, and forgets nothing that was used of it`, async () => {
    await using it = await open();
    const ask = (cost: number) => ofDay(it, 'late', cost);
    const old = await it.counters.spend([ask(1)], it.nowMs());
    assert.ok(old.kind === 'spent');
    await it.advance(4 * DAY_MS);
    const used = await it.counters.spend([ask(40)], it.nowMs());
    assert.ok(used.kind === 'spent');
    it.counters.settle(used, [40], it.nowMs());
    assert.equal(await it.counters.extend(old, [3], it.nowMs()), undefined);
    it.counters.progress(old, [2], it.nowMs());
    assert.equal((await it.counters.standing(ask(1), it.nowMs())).remaining, 64 - 40 - 3);
    it.counters.settle(old, [3], it.nowMs());
    assert.equal((await it.counters.standing(ask(1), it.nowMs())).remaining, 64 - 40 - 3);
  });

  test(`${adapter}: of all that refuse, the one that has to be waited for longest is told, and nothing is taken`, async () => {
    await using it = await open();
    const [short, long] = [rate(it, 'short', 60), rate(it, 'long', 1)];
    assert.deepEqual(await kinds(it, [long], 1), ['spent']);
    assert.equal((await kinds(it, [short], 60)).filter((kind) => kind === 'spent').length, 60);
    for (const asks of [
      [short, long, running(it, 'c', 1)],
      [running(it, 'c', 1), long, short],
    ]) {
      const refused = await it.counters.spend(asks, it.nowMs());
      assert.deepEqual(refused.kind === 'refused' && [refused.ask, refused.retryAfterMs], [long, 60_000]);
    }
    assert.equal((await it.counters.standing(running(it, 'c', 1), it.nowMs())).remaining, 1);
  });

  test(`${adapter}: so it is where each has some room left, and not enough`, async () => {
    await using it = await open();
    const drains = (name: string, windowMs: number): AmountAsk => ({
      ...{ kind: 'amount', name, counter: it.counters.keyOf(name), cost: 20 },
      bound: { kind: 'rate', limit: 32, windowMs },
    });
    const asks = [drains('soon', 4_096), drains('late', 65_536)];
    assert.deepEqual(await kinds(it, asks, 1), ['spent']);
    const refused = await it.counters.spend(asks, it.nowMs());
    assert.deepEqual(refused.kind === 'refused' && [refused.ask, refused.retryAfterMs], [asks[1], 8 * 2_048]);
  });

  test(`${adapter}: callers whose clocks differ by days count in one window, and none is opened twice`, async () => {
    await using it = await open();
    const ask = (aheadMs: number): AmountAsk => {
      const bound = budget(64, it.nowMs() + aheadMs);
      if (bound.kind !== 'budget') throw new Error('no budget');
      const endsAtMs = bound.window.endsAtMs - aheadMs;
      return {
        ...{ kind: 'amount', name: 'budget', counter: it.counters.keyOf('skewed'), cost: 4 },
        bound: { ...bound, window: { ...bound.window, endsAtMs } },
      };
    };
    let used = 0;
    for (let i = 0; i < 64; i++) {
      const spent = await it.counters.spend([ask(i % 2 === 0 ? 5 * DAY_MS : 0)], it.nowMs());
      if (spent.kind !== 'spent') continue;
      it.counters.settle(spent, [4], it.nowMs());
      used += 4;
    }
    assert.equal(used, 64);
    // The end of the later window is that of all: told in its own time, it opens the next.
    await it.advance(DAY_MS);
    assert.equal((await it.counters.spend([ask(0)], it.nowMs())).kind, 'refused');
    assert.equal((await it.counters.spend([ask(5 * DAY_MS)], it.nowMs())).kind, 'spent');
  });

  test(`${adapter}: a budget that is used up is refused also where its window is over by the clock of who asks`, async () => {
    await using it = await open();
    const ask = (endsAtMs: number): AmountAsk => ({
      ...{ kind: 'amount', name: 'budget', counter: it.counters.keyOf('over'), cost: 10 },
      bound: { kind: 'budget', limit: 10, window: { startMs: WALL_MS, endMs: WALL_MS + DAY_MS, endsAtMs } },
    });
    const spent = await it.counters.spend([ask(it.nowMs() + 1)], it.nowMs());
    assert.ok(spent.kind === 'spent');
    it.counters.settle(spent, [10], it.nowMs());
    for (const overMs of [0, 1, 30, 1_000]) {
      const got = await kinds(it, [running(it, 'c', 9), ask(it.nowMs() - overMs)], 2);
      assert.deepEqual(got, ['refused', 'refused'], `over for ${overMs} ms`);
    }
  });

  test(`${adapter}: who counts in a later window waits for its end`, async () => {
    await using it = await open();
    const ask = (startMs: number, endsAtMs: number): AmountAsk => ({
      ...{ kind: 'amount', name: 'budget', counter: it.counters.keyOf('later'), cost: 10 },
      bound: { kind: 'budget', limit: 10, window: { startMs, endMs: startMs + DAY_MS, endsAtMs } },
    });
    const ahead = ask(WALL_MS + DAY_MS, it.nowMs() + DAY_MS - 300);
    const spent = await it.counters.spend([ahead], it.nowMs());
    assert.ok(spent.kind === 'spent');
    it.counters.settle(spent, [10], it.nowMs());
    const refused = await it.counters.spend([ask(WALL_MS, it.nowMs() + 200)], it.nowMs());
    assert.deepEqual(refused.kind === 'refused' && refused.retryAfterMs, DAY_MS - 300);
  });

  test(`${adapter}: what was counted too much before a window ended makes no room in the next`, async () => {
    await using it = await open();
    const ask = (cost: number) => ofDay(it, 'turn', cost);
    const high = await it.counters.spend([ask(40)], it.nowMs());
    assert.ok(high.kind === 'spent');
    it.counters.progress(high, [40], it.nowMs());
    await it.advance(DAY_MS);
    const others = await it.counters.spend([ask(50)], it.nowMs());
    assert.ok(others.kind === 'spent');
    it.counters.settle(others, [50], it.nowMs());
    it.counters.settle(high, [1], it.nowMs());
    assert.equal((await it.counters.standing(ask(1), it.nowMs())).remaining, 14);
  });

  test(`${adapter}: in any history each answer is that of the pure rules`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        await using it = await open();
        const both: [Counters, Counters] = [it.counters, createModelCounters()];
        const spends: [Spent, Spent][] = [];
        for (const one of steps) await run(one, it, both, spends);
      }),
    );
  });
}

const limited = fc.record({
  who: fc.integer({ min: 0, max: 1 }),
  kind: fc.constantFrom('rate', 'concurrency', 'drains', 'budget'),
  cost: fc.integer({ min: 1, max: 24 }),
});
/** No request asks of one counter twice. */
const ONCE = {
  ...{ minLength: 1, maxLength: 4 },
  selector: ({ who, kind }: { who: number; kind: string }) => `${kind} ${who}`,
};
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('spend'), asks: fc.uniqueArray(limited, ONCE) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('settle'), pick: fc.nat(), used: fc.integer({ min: 0, max: 40 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('extend'), pick: fc.nat(), total: fc.integer({ min: 1, max: 40 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('progress'), pick: fc.nat(), used: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('standing'), one: limited }) },
  // Nobody is busy enough for units to be spent ahead.
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.integer({ min: 250, max: 5_000 }) }) },
);
type Limited = { who: number; kind: string; cost: number };
type Step =
  | { do: 'spend'; asks: Limited[] }
  | { do: 'settle'; pick: number; used: number }
  | { do: 'progress'; pick: number; used: number }
  | { do: 'extend'; pick: number; total: number }
  | { do: 'standing'; one: Limited }
  | { do: 'advance'; ms: number };

/** Limits in powers of two, so that fractions are the same however often they are added. */
function askOf(counters: Counters, { who, kind, cost }: Limited, nowMs: number): Ask {
  const counter = counters.keyOf(`${kind}:${who}`);
  if (kind === 'rate') return { kind: 'rate', name: kind, counter, rate: rateOf(24, 8_192), cost };
  if (kind === 'concurrency') return { kind, name: kind, counter, limit: 3 };
  const bound = kind === 'budget' ? budget(64, nowMs) : ({ kind: 'rate', limit: 32, windowMs: 4_096 } as const);
  return { kind: 'amount', name: kind, counter, bound, cost };
}

async function run(
  one: unknown,
  it: OpenCounters,
  both: readonly [Counters, Counters],
  spends: [Spent, Spent][],
): Promise<void> {
  const nowMs = it.nowMs();
  const now = one as Step;
  switch (now.do) {
    case 'spend': {
      const [real, model] = await Promise.all(
        both.map(async (counters) =>
          counters.spend(
            now.asks.map((ask) => askOf(counters, ask, nowMs)),
            nowMs,
          ),
        ),
      );
      assert.ok(real !== undefined && model !== undefined);
      if (real.kind === 'spent' && model.kind === 'spent') {
        spends.push([real, model]);
        return assert.deepEqual(real.standings, model.standings);
      }
      assert.ok(real.kind === 'refused' && model.kind === 'refused', `${real.kind} is not ${model.kind}`);
      return assert.deepEqual(
        [real.ask.name, real.retryAfterMs, real.standing],
        [model.ask.name, model.retryAfterMs, model.standing],
      );
    }
    case 'settle': {
      const [pair] = spends.splice(now.pick % Math.max(1, spends.length), 1);
      for (const [i, spent] of (pair ?? []).entries())
        both[i === 0 ? 0 : 1].settle(spent, [now.used, now.used, now.used], nowMs);
      return;
    }
    case 'progress': {
      const pair = spends[now.pick % Math.max(1, spends.length)] ?? [];
      for (const [i, spent] of pair.entries())
        both[i === 0 ? 0 : 1].progress(spent, [now.used, now.used, now.used], nowMs);
      return;
    }
    case 'extend': {
      const pair = spends[now.pick % Math.max(1, spends.length)];
      if (pair === undefined) return;
      const [real, model] = await Promise.all(
        both.map(async (counters, i) =>
          counters.extend(pair[i === 0 ? 0 : 1], [now.total, now.total, now.total], nowMs),
        ),
      );
      return assert.deepEqual([real?.ask.name, real?.standing], [model?.ask.name, model?.standing]);
    }
    case 'standing': {
      const [real, model] = await Promise.all(
        both.map(async (counters) => counters.standing(askOf(counters, now.one, nowMs), nowMs)),
      );
      return assert.deepEqual(real, model);
    }
    case 'advance':
      return it.advance(now.ms);
  }
}
