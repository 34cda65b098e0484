import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelCounters } from '../../test/support/model-counters.ts';
import { createBudgetWarnings, type BudgetWarning } from './budget-warnings.ts';
import type { AmountAsk } from './counters.ts';
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
  const look = (used: number, setAside: number, nowMs = 0, limit = budget, endsAtMs = 86_400_000) => {
    now = nowMs;
    const remaining = 100 - used - setAside;
    const standing = { name: limit.name, limit: 100, remaining, used, windowS: 86_400, resetMs: endsAtMs - nowMs };
    warnings.look(who, [counted(limit)], [standing]);
  };
  return { told, look };
}

test('a budget is told of once in its window, from four fifths on and not a unit before', () => {
  const { told, look } = setUp();
  look(79, 15);
  look(0, 100);
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

test('what the counters have only set aside is not used: one large request warns of nothing until it is settled', () => {
  const counters = createModelCounters();
  const told: BudgetWarning[] = [];
  const warnings = createBudgetWarnings((warning) => told.push(warning), { nowMs: () => 0 });
  const window = { startMs: 0, endMs: 86_400_000, endsAtMs: 86_400_000 };
  const spend = (cost: number) => {
    const ask: AmountAsk = {
      ...{ kind: 'amount', name: 'budget', counter: counters.keyOf('a'), cost },
      bound: { kind: 'budget', limit: 100, window },
    };
    const spent = counters.spend([ask], 0);
    assert.ok(!(spent instanceof Promise));
    warnings.look(who, [counted(budget)], spent.kind === 'spent' ? spent.standings : [spent.standing]);
    return spent;
  };
  const large = spend(95);
  assert.equal(spend(10).kind, 'refused');
  spend(1);
  assert.equal(told.length, 0);
  assert.ok(large.kind === 'spent');
  counters.settle(large, [80], 0);
  assert.equal(spend(50).kind, 'refused');
  assert.equal(told.length, 1);
});
