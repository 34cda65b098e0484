import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BudgetWarning } from '../limits/budget-warnings.ts';
import { createBudgetTeller, createCountersTeller } from './limit-tellers.ts';

function logged() {
  const said: string[] = [];
  const say = (event: string): void => void said.push(event);
  return { said, log: { info: say, warn: say, error: say } };
}

test('a budget that several workers tell of is told once, and again in its next period', () => {
  const { said, log } = logged();
  const budgets = createBudgetTeller(log);
  const warning: BudgetWarning = { limit: 'day', tenant: 'acme', holder: 'key:a', counter: 'c', endsAtMs: 1_000 };
  for (const endsAtMs of [1_000, 1_000, 2_000]) budgets.note({ ...warning, endsAtMs });
  assert.deepEqual([said, [...budgets.told()]], [['budget', 'budget'], [['day', 2]]]);
});

test('names of limits without number become one label', () => {
  const budgets = createBudgetTeller(logged().log);
  for (let i = 0; i < 300; i++) {
    budgets.note({ limit: `l${i}`, tenant: 't', holder: 'key:a', counter: `c${i}`, endsAtMs: 1 });
  }
  assert.deepEqual([budgets.told().size, budgets.told().get('other')], [101, 200]);
});

test('a server of the counters that is away is told once for all workers, and once when it is back for all', () => {
  const { said, log } = logged();
  const counters = createCountersTeller(log, () => 'deny');
  counters.note(0, false, 'slow');
  counters.note(1, false, 'slow');
  counters.note(0, true, undefined);
  assert.deepEqual(said, ['counters_down']);
  counters.note(1, true, undefined);
  assert.deepEqual(said, ['counters_down', 'counters_up']);
  counters.note(0, false, 'slow');
  // One that has ended counts no more.
  counters.ended(0);
  counters.note(1, false, 'slow');
  assert.equal(said.length, 4);
});
