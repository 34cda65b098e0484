import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { alice, exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import { createCounterMemory, createSharedCounters } from '../../adapters/memory/counters.ts';
import { createCalendar } from '../../limits/calendar.ts';
import { createLimitPlan } from '../../limits/plan.ts';
import { createRateLimit } from './stage.ts';

const ended = {
  kind: 'answer',
  status: 200,
  code: undefined,
  durationMs: 0,
  firstByteMs: 0,
  upstream: 'main',
} as const;

test('a request counts in the day in which it began, however long it runs', async () => {
  const clock = settableClock(Date.parse('2030-01-01T23:59:50Z'));
  const counters = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
  const rule = { name: 'daily', per: ['key'], requests: { amount: 4, per: 'day' } } as const;
  const plan = createLimitPlan({ defaults: {}, rules: [rule] }, counters, createCalendar('UTC', clock));
  const stage = createRateLimit({ plan, counters, clock });
  async function begin() {
    const x = exchange(fakeDownstream(), { principal: alice });
    const denial = await stage.decide?.(x);
    return { code: denial?.code, end: () => stage.settle?.(x, ended) };
  }
  const before = [await begin(), await begin(), await begin()];
  clock.advance(20_000);
  const codes = [];
  for (let i = 0; i < 5; i++) {
    const one = await begin();
    if (one.code === undefined) one.end();
    codes.push(one.code);
    before.pop()?.end();
  }
  assert.deepEqual(codes, [undefined, undefined, undefined, undefined, 'budget_exhausted']);
});
