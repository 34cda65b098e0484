import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { settableClock } from '../../../test/support/clock.ts';
import { exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import { createCounterMemory, createSharedCounters } from '../../adapters/memory/counters.ts';
import type { BudgetWarning } from '../../limits/budget-warnings.ts';
import { createCalendar } from '../../limits/calendar.ts';
import { createWallClock } from '../../limits/wall-clock.ts';
import { CountersUnavailable, type Counters } from '../../limits/counters.ts';
import { createUsageBook } from '../../limits/ledger.ts';
import { createLimitPlan } from '../../limits/plan.ts';
import type { Rule } from '../../limits/rules.ts';
import { createTokenSessions } from './session.ts';

const LIMIT = 10_000;

function setUp(change: (counters: Counters) => Counters = (counters) => counters, rules: readonly Rule[] = []) {
  const clock = settableClock();
  const memory = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
  const counters = change(memory);
  const defaults = { budget: { tokens: LIMIT, per: 'day' } } as const;
  const plan = createLimitPlan({ defaults, rules }, counters, createCalendar('UTC', createWallClock(clock)));
  const usage = createUsageBook();
  const x = exchange(fakeDownstream(), {});
  const full: string[] = [];
  const told: string[] = [];
  const onBudget = ({ limit }: BudgetWarning) => void told.push(limit);
  const open = createTokenSessions({}, { plan, counters, usage, onBudget, clock });
  const begin = () => open(x, 'tiny', ({ code }) => void full.push(code));
  return { session: begin(), begin, full, usage, clock, told };
}

const used = (promptTokens: number, completionTokens = 0, cachedTokens = 0) => ({
  ...{ promptTokens, completionTokens, cachedTokens, deltas: 0, guessed: 0 },
});

test('a session whose counters cannot be asked ends: it would go on for nothing as long as it likes', async () => {
  const gone = (): Promise<never> => Promise.reject(new CountersUnavailable('gone'));
  const { full } = setUp((counters) => ({ ...counters, spend: gone }));
  await turn();
  assert.deepEqual(full, ['store_unavailable']);
});

test('one that is over already is told nothing more', async () => {
  const gone = (): Promise<never> => Promise.reject(new CountersUnavailable('gone'));
  const { session, full } = setUp((counters) => ({ ...counters, spend: gone }));
  session.end(used(0));
  await turn();
  assert.deepEqual(full, []);
});

test('a number that cannot be is neither counted nor written down as it was told', () => {
  const { session, usage } = setUp();
  session.used(used(Number.MAX_SAFE_INTEGER));
  session.end(used(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER));
  const [row] = usage.take();
  assert.ok(row !== undefined);
  assert.deepEqual([row.inputTokens, row.outputTokens], [4_000_000, 2_000_000]);
  assert.ok(row.cachedTokens <= row.inputTokens);
});

test('what a session has used is counted as upstream tells it, and it ends where a limit does', () => {
  const { session, full } = setUp();
  session.used(used(LIMIT - 2));
  session.more();
  assert.deepEqual(full, []);
  session.used(used(LIMIT));
  session.more();
  assert.deepEqual(full, ['budget_exhausted']);
});

test('a session is one request, however long it lasts: as many are let in as the limit says', () => {
  const rule: Rule = { name: 'm', per: ['key', 'model'], requests: { amount: 2, per: 'day' } };
  const { session, begin, full } = setUp(undefined, [rule]);
  const second = begin();
  for (const one of [session, second, session]) {
    one.used(used(5, 3));
    one.more();
  }
  assert.deepEqual(full, []);
  session.end(used(5, 3));
  begin();
  assert.deepEqual(full, ['budget_exhausted']);
});

test('a budget that a session has nearly used is told of while the session goes on', () => {
  const { session, clock, told } = setUp();
  session.used(used(LIMIT * 0.8));
  clock.advance(1_000);
  assert.deepEqual(told, ['budget']);
  session.end(used(LIMIT * 0.9));
  clock.advance(1_000);
  assert.deepEqual([told, clock.waiting()], [['budget'], 0]);
});
