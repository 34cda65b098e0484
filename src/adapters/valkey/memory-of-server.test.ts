import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import type { SeenBudget } from '../../limits/journal.ts';
import { budgetItem, type Item } from './items.ts';
import { createMemoryOfServer } from './memory-of-server.ts';

const HOUR_MS = 3_600_000;

/** Remembers three budgets and two others. */
function setUp() {
  const clock = settableClock(0);
  const memory = createMemoryOfServer({ budgets: 3, others: 2 }, clock, [], (windowEndMs) => windowEndMs);
  const startMs = clock.nowMs();
  const seen = (id: string, hours: number): SeenBudget => ({
    ...{ id, used: 1 },
    windowStartMs: startMs,
    windowEndMs: startMs + hours * HOUR_MS,
  });
  const draining = (id: string): Item => ({ kind: 'a', id, p1: 60, p2: 60_000, p3: 0, endsAtMs: 0 });
  return {
    clock,
    seeBudget(id: string, hours: number) {
      const untilMs = startMs + hours * HOUR_MS;
      const amount = { used: 1, sinceMs: startMs, untilMs, reserved: 0 };
      memory.seeAmount(budgetItem(seen(id, hours), untilMs), amount, clock.monotonicMs());
    },
    seeDraining(id: string) {
      const nowMs = clock.monotonicMs();
      memory.seeAmount(draining(id), { used: 50, sinceMs: nowMs, untilMs: 0, reserved: 0 }, nowMs);
    },
    names: () => memory.recalled(clock.monotonicMs()).map(({ item }) => `${item.kind}:${item.id}`),
  };
}

test('what comes back by itself pushes out no budget, however much of it there is', () => {
  const it = setUp();
  it.seeBudget('x', 24);
  for (let i = 0; i < 10; i++) it.seeDraining(`y${i}`);
  assert.deepEqual(it.names(), ['d:x', 'a:y8', 'a:y9']);
});

test('of too many budgets those go first whose window has ended, then those that were not used for longest', () => {
  const it = setUp();
  for (const [name, hours] of [
    ['long', 24],
    ['short', 1],
    ['other', 24],
  ] as const) {
    it.seeBudget(name, hours);
  }
  it.clock.advance(HOUR_MS - 1);
  it.seeBudget('fourth', 24);
  // Not yet over.
  assert.deepEqual(it.names(), ['d:short', 'd:other', 'd:fourth']);
  it.seeBudget('short', 1);
  it.clock.advance(1_000);
  it.seeBudget('fifth', 24);
  assert.deepEqual(it.names(), ['d:other', 'd:fourth', 'd:fifth']);
  it.seeBudget('sixth', 24);
  assert.deepEqual(it.names(), ['d:fourth', 'd:fifth', 'd:sixth']);
});

test('a counter whose limit became a budget is remembered as that alone', () => {
  const it = setUp();
  it.seeDraining('x');
  it.seeBudget('x', 24);
  assert.deepEqual(it.names(), ['d:x']);
  it.seeDraining('x');
  assert.deepEqual(it.names(), ['a:x']);
});
