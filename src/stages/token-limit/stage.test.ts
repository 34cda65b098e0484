import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { alice, exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import { createModelCounters } from '../../../test/support/model-counters.ts';
import { newUsage } from '../../kernel/exchange.ts';
import { createCalendar } from '../../limits/calendar.ts';
import { createEstimator } from '../../limits/estimator.ts';
import { createUsageBook } from '../../limits/ledger.ts';
import { createLimitPlan } from '../../limits/plan.ts';
import type { Rule } from '../../limits/rules.ts';
import { createTokenSessions } from './session.ts';
import { createTokenLimit } from './stage.ts';

const RULE: Rule = { name: 'm', per: ['key', 'model'], requests: { amount: 2, per: 'day' } };
const ENDED = {
  kind: 'answer',
  status: 200,
  code: undefined,
  durationMs: 0,
  firstByteMs: 0,
  upstream: 'main',
} as const;

/** Ten seconds before midnight, with two requests a day for each model. */
function setUp() {
  const clock = settableClock(Date.parse('2030-01-01T23:59:50Z'));
  const counters = createModelCounters();
  const plan = createLimitPlan({ defaults: {}, rules: [RULE] }, counters, createCalendar('UTC', clock));
  const deps = { plan, counters, clock, usage: createUsageBook(), onBudget: () => undefined };
  const options = { prices: {}, overCap: 'lower', maxOutputTokens: 500 } as const;
  const stage = createTokenLimit(options, { ...deps, estimator: createEstimator() });
  async function begin() {
    const x = exchange(fakeDownstream(), { principal: alice, usage: newUsage() });
    const denial = await stage.decide?.(x);
    return { code: denial?.code, end: () => stage.settle?.(x, ENDED) };
  }
  const codes: (string | undefined)[] = [];
  const sessions = createTokenSessions({}, deps);
  const open = () =>
    sessions(exchange(fakeDownstream(), { principal: alice }), 'tiny', ({ code }) => void codes.push(code));
  return { clock, begin, open, codes };
}

test('a request that is counted by model counts in the day in which it began', async () => {
  const { clock, begin } = setUp();
  const before = [await begin(), await begin()];
  assert.equal((await begin()).code, 'budget_exhausted');
  clock.advance(20_000);
  const after = [await begin()];
  for (const one of before) one.end();
  after.push(await begin(), await begin());
  assert.deepEqual(
    after.map(({ code }) => code),
    [undefined, undefined, 'budget_exhausted'],
  );
});

test('so does a session', () => {
  const { clock, open, codes } = setUp();
  const before = [open(), open()];
  clock.advance(20_000);
  open();
  for (const one of before) one.end(newUsage());
  open();
  assert.deepEqual(codes, []);
  open();
  assert.deepEqual(codes, ['budget_exhausted']);
});
