import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../test/support/clock.ts';
import { createCounterMemory, createSharedCounters } from '../adapters/memory/counters.ts';
import type { KeptBudget, LedgerStore, UsageRow } from '../limits/ledger.ts';
import { createWallClock } from '../limits/wall-clock.ts';
import { openLedger } from './ledger.ts';

/** A store in memory that can be made to fail. */
function memoryStore(kept: readonly KeptBudget[] = []) {
  const budgets = new Map(kept.map((one) => [`${one.hi} ${one.lo}`, one]));
  const usage: UsageRow[] = [];
  const store: LedgerStore & { isFull: boolean } = {
    isFull: false,
    readBudgets: (nowMs) => Promise.resolve([...budgets.values()].filter(({ windowEndMs }) => windowEndMs > nowMs)),
    writeBudgets(changed) {
      if (store.isFull) return Promise.reject(new Error('disk full'));
      for (const one of changed) budgets.set(`${one.hi} ${one.lo}`, one);
      return Promise.resolve();
    },
    addUsage(rows) {
      if (store.isFull) return Promise.reject(new Error('disk full'));
      usage.push(...rows);
      return Promise.resolve();
    },
    readUsage: () => Promise.resolve(usage),
  };
  return { store, budgets, usage };
}

const HOUR = 3_600_000;

function setUp(kept: readonly KeptBudget[] = []) {
  const clock = settableClock(100 * HOUR);
  const it = memoryStore(kept);
  const counters = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
  const problems: unknown[] = [];
  const window = { startMs: 100 * HOUR, endMs: 101 * HOUR, endsAtMs: 101 * HOUR };
  const spend = (tokens: number): boolean => {
    const ask = {
      ...({ kind: 'amount', name: 'budget', counter: counters.keyOf('a'), cost: tokens } as const),
      bound: { kind: 'budget', limit: 100, window } as const,
    };
    const spent = counters.spend([ask], clock.monotonicMs());
    if (spent.kind === 'spent') counters.settle(spent, [tokens], clock.monotonicMs());
    return spent.kind === 'spent';
  };
  return {
    ...it,
    clock,
    counters,
    problems,
    spend,
    open: () => openLedger(it.store, counters, { clock, wall: createWallClock(clock) }, (e) => void problems.push(e)),
  };
}

test('what was used of a budget is written, and found again by the next process', async () => {
  const first = setUp();
  const ledger = await first.open();
  assert.equal(first.spend(60), true);
  await ledger.close();
  const second = setUp([...first.budgets.values()]);
  await (await second.open()).close();
  assert.equal(second.spend(41), false);
  assert.equal(second.spend(40), true);
});

test('a budget whose window has ended meanwhile begins anew', async () => {
  const first = setUp();
  const ledger = await first.open();
  first.spend(60);
  await ledger.close();
  const second = setUp([...first.budgets.values()].map((one) => ({ ...one, windowEndMs: 100 * HOUR })));
  await (await second.open()).close();
  assert.equal(second.spend(100), true);
});

test('a clock that was set moves no end of a budget that is kept, and has none removed', async () => {
  const it = setUp();
  const told: number[] = [];
  const ahead = { ...it.clock, nowMs: () => it.clock.nowMs() + 30 * 24 * HOUR };
  const wall = createWallClock(ahead, createWallClock(it.clock).state());
  const store: LedgerStore = {
    ...it.store,
    writeBudgets: (changed, nowMs) => (told.push(nowMs), it.store.writeBudgets(changed, nowMs)),
  };
  const ledger = await openLedger(store, it.counters, { clock: ahead, wall }, (e) => void it.problems.push(e));
  it.spend(60);
  await ledger.close();
  assert.deepEqual(
    [...it.budgets.values()].map(({ windowEndMs }) => windowEndMs),
    [101 * HOUR],
  );
  assert.deepEqual(told, [100 * HOUR]);
});

test('while the store cannot be written nothing is forgotten, and it is said once', async () => {
  const it = setUp();
  const ledger = await it.open();
  const row = {
    day: '2026-11-26',
    tenant: 't',
    holder: 'key:a',
    model: 'm',
    requests: 1,
    inputTokens: 2,
    cachedTokens: 0,
    outputTokens: 3,
    cost: 0,
  };
  it.store.isFull = true;
  it.spend(10);
  ledger.note([row]);
  await ledger.flush();
  it.spend(20);
  await ledger.flush();
  assert.deepEqual([it.problems.length, it.budgets.size, it.usage.length], [1, 0, 0]);
  it.store.isFull = false;
  await ledger.flush();
  assert.deepEqual(
    [...it.budgets.values()].map(({ used }) => used),
    [30],
  );
  assert.deepEqual(it.usage, [row]);
  await ledger.close();
});
