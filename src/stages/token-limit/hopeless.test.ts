import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { alice } from '../../../test/support/exchange.ts';
import { createCounterMemory, createSharedCounters } from '../../adapters/memory/counters.ts';
import { createCalendar } from '../../limits/calendar.ts';
import { createWallClock } from '../../limits/wall-clock.ts';
import { createLimitPlan } from '../../limits/plan.ts';
import { isHopeless } from './hopeless.ts';

const LIMIT = 100;
const bid = { input: 50, least: 50, choices: 1, each: 500, price: { input: 1, cached: 1, output: 1 } };

function setUp(used: number) {
  const clock = settableClock();
  const counters = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
  const defaults = { budget: { tokens: LIMIT, per: 'month' }, concurrency: 1 } as const;
  const plan = createLimitPlan({ defaults, rules: [] }, counters, createCalendar('UTC', createWallClock(clock)));
  const limits = plan.late({ principal: alice, network: '' });
  const asks = limits.map((one) => plan.ask(one, used, clock.monotonicMs()));
  if (used > 0) assert.equal(counters.spend(asks, clock.monotonicMs()).kind, 'spent');
  return (bytes: number) =>
    isHopeless(limits, bid, { bytes, items: 1, numbers: 0, media: 0, prompts: 1 }, { plan, counters, clock });
}

for (const { name, used, bytes, hopeless } of [
  { name: 'a budget that has room for one token of an answer', used: LIMIT - 1, bytes: 4, hopeless: false },
  { name: 'a budget that is used up', used: LIMIT, bytes: 4, hopeless: true },
  { name: 'a prompt that could just fit if its text were of the rarest', used: 0, bytes: 16 * 99, hopeless: false },
  { name: 'a prompt that could not', used: 0, bytes: 16 * 100, hopeless: true },
  { name: 'a prompt for which what is left is too little', used: 40, bytes: 16 * 60, hopeless: true },
]) {
  test(`it is ${hopeless ? '' : 'not '}hopeless to ask for ${name}`, async () => {
    assert.equal(await setUp(used)(bytes), hopeless);
  });
}
