import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBudgetWarnings, type BudgetWarning } from './budget-warnings.ts';
import type { Limit } from './limit.ts';

const budget: Limit = { name: 'budget', unit: 'tokens', max: 100, per: 'day', subject: 'key:a' };
const counted = (limit: Limit) => ({
  limit,
  counter: { hi: 1, lo: 1, name: `${limit.name}:${limit.subject}` },
  once: undefined,
});
const who = { tenant: 'acme', id: 'key:a' };

function setUp() {
  const told: BudgetWarning[] = [];
  let now = 0;
  const warnings = createBudgetWarnings((warning) => told.push(warning), { nowMs: () => now });
  const look = (used: number, cost: number, nowMs = 0, limit = budget, endsAtMs = 86_400_000) => {
    now = nowMs;
    warnings.look(
      who,
      [counted(limit)],
      [{ name: limit.name, limit: 100, remaining: 100 - used - cost, windowS: 86_400, resetMs: endsAtMs - nowMs }],
      [cost],
    );
  };
  return { told, look };
}

test('a budget is told of once in its window, from four fifths on and not a unit before', () => {
  const { told, look } = setUp();
  look(79, 15);
  assert.equal(told.length, 0);
  look(80, 1);
  look(95, 1, 1_000);
  assert.deepEqual(told, [
    { limit: 'budget', tenant: 'acme', holder: 'key:a', counter: 'budget:key:a', endsAtMs: 86_400_000 },
  ]);
});

test('in the next window it is told of again', () => {
  const { told, look } = setUp();
  look(80, 1);
  look(80, 1, 86_400_000, budget, 2 * 86_400_000);
  assert.equal(told.length, 2);
});

test('what comes back bit by bit is no budget', () => {
  const { told, look } = setUp();
  look(99, 1, 0, { ...budget, per: 'min' });
  assert.equal(told.length, 0);
});
