import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { alice, exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import { createModelCounters } from '../../../test/support/model-counters.ts';
import type { LimitStanding, Spent } from '../../kernel/exchange.ts';
import { createCalendar } from '../../limits/calendar.ts';
import { createEstimator } from '../../limits/estimator.ts';
import { createUsageBook } from '../../limits/ledger.ts';
import { createLimitPlan } from '../../limits/plan.ts';
import { nextAfterMs } from './refusal.ts';
import { createTokenLimit } from './stage.ts';

const spentWith = (...standings: LimitStanding[]): Spent => ({ kind: 'spent', standings, holds: [] });
const rate = (limit: number, remaining: number, resetMs: number): LimitStanding => ({
  ...{ name: 'requests', limit, remaining, windowS: 60, resetMs },
});

for (const [what, standings, expected] of [
  ['a rate of which there is some left', [rate(60, 3, 57_000)], 0],
  ['a rate that was used up with it, which comes back one by one', [rate(60, 0, 59_400)], 400],
  ['a day that was used up with it', [{ ...rate(4, 0, 7_200_000), used: 4 }], 7_200_000],
  ['what it holds itself', [{ ...rate(1, 0, 0), windowS: 0 }], 0],
  ['the longest of them', [rate(60, 0, 59_400), rate(1, 0, 60_000), rate(60, 3, 57_000)], 60_000],
] as const) {
  test(`behind a request that was let in by ${what} the next one waits ${expected} ms`, () => {
    assert.equal(nextAfterMs(spentWith(...standings)), expected);
  });
}

test('who is refused for its tokens is told to wait for its requests, too', async () => {
  const clock = settableClock();
  const counters = createModelCounters();
  const rules = [{ name: 't', per: ['key'], tokens: { amount: 600, per: 'min' } }] as const;
  const plan = createLimitPlan({ defaults: {}, rules }, counters, createCalendar('UTC', clock));
  const stage = createTokenLimit(
    { prices: {}, overCap: 'lower', maxOutputTokens: 500 },
    { plan, counters, clock, estimator: createEstimator(), usage: createUsageBook(), onBudget: () => undefined },
  );
  async function ask(requestLimits: Spent) {
    const x = exchange(fakeDownstream(), { principal: alice, requestLimits });
    x.request.body['max_tokens'] = 400;
    return stage.decide?.(x);
  }
  assert.equal(await ask(spentWith()), undefined);
  const alone = await ask(spentWith());
  assert.equal(alone?.code, 'token_limited');
  assert.ok((alone.retryAfterMs ?? 0) < 60_000);
  const both = await ask(spentWith(rate(1, 0, 60_000)));
  assert.equal(both?.retryAfterMs, 60_000);
});
