import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../test/support/clock.ts';
import { alice } from '../../test/support/exchange.ts';
import { createModelCounters } from '../../test/support/model-counters.ts';
import { createCalendar } from './calendar.ts';
import { createLimitPlan } from './plan.ts';
import { limitViews } from './standing.ts';

for (const { how, used, setAside, shown } of [
  { how: 'used within it', used: 40, setAside: 0, shown: [40, 60] },
  { how: 'used, and set aside', used: 40, setAside: 25, shown: [65, 35] },
  { how: 'used beyond it', used: 190, setAside: 0, shown: [190, 0] },
  { how: 'used beyond it while others have set aside', used: 190, setAside: 25, shown: [215, 0] },
]) {
  test(`of a budget of 100 what is ${how} is shown as ${shown.join(', with ')} left`, async () => {
    const clock = settableClock();
    const counters = createModelCounters();
    const defaults = { budget: { tokens: 100, per: 'day' } } as const;
    const plan = createLimitPlan({ defaults, rules: [] }, counters, createCalendar('UTC', clock));
    const asking = { principal: alice, network: '' };
    const [budget] = plan.late(asking);
    assert.ok(budget !== undefined);
    const spend = async (cost: number) => {
      const spent = await counters.spend([plan.ask(budget, cost, clock.monotonicMs())], clock.monotonicMs());
      assert.ok(spent.kind === 'spent');
      return spent;
    };
    const costly = await spend(1);
    if (setAside > 0) await spend(setAside);
    counters.settle(costly, [used], clock.monotonicMs());
    const [view] = await limitViews(asking, plan, counters, clock);
    assert.deepEqual([view?.used, view?.remaining], shown);
  });
}
