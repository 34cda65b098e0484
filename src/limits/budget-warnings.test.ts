import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { settableClock } from '../../test/support/clock.ts';
import { createModelCounters } from '../../test/support/model-counters.ts';
import { createBudgetWarnings, type BudgetWarning } from './budget-warnings.ts';
import { createCalendar } from './calendar.ts';
import { CountersUnavailable, type AmountAsk, type Counters } from './counters.ts';
import type { Limit } from './limit.ts';
import { createLimitPlan } from './plan.ts';

const budget: Limit = { name: 'budget', unit: 'tokens', max: 100, per: 'day', subject: 'key:a' };
const counted = (limit: Limit) => ({
  limit,
  counter: { hi: 1, lo: 1, name: `${limit.name}:${limit.subject}` },
  once: undefined,
});
const nobodyAsks = { plan: { ask: () => assert.fail() }, counters: { standing: () => assert.fail() } };
const who = { tenant: 'acme', id: 'key:a' };

function setUp() {
  const told: BudgetWarning[] = [];
  let now = 0;
  const clock = { ...settableClock(), nowMs: () => now, monotonicMs: () => now };
  const warnings = createBudgetWarnings((warning) => told.push(warning), { ...nobodyAsks, clock });
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

test('a clock that is set back and forth has nothing told of once more', () => {
  const told: BudgetWarning[] = [];
  let wall = 0;
  const clock = { ...settableClock(), nowMs: () => wall, monotonicMs: () => 0 };
  const warnings = createBudgetWarnings((warning) => told.push(warning), { ...nobodyAsks, clock });
  const standing = { name: 'budget', limit: 100, remaining: 5, used: 95, windowS: 86_400, resetMs: 3_600_000 };
  for (wall of [0, 300_000, 0, 7_200_000]) warnings.look(who, [counted(budget)], [standing]);
  assert.equal(told.length, 1);
});

test('what comes back bit by bit is no budget', () => {
  const { told, look } = setUp();
  look(99, 1, 0, { ...budget, per: 'min' });
  assert.equal(told.length, 0);
});

test('what the counters have only set aside is not used: one large request warns of nothing until it is settled', () => {
  const counters = createModelCounters();
  const told: BudgetWarning[] = [];
  const clock = settableClock(0);
  const warnings = createBudgetWarnings((warning) => told.push(warning), { ...nobodyAsks, clock });
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

/** A day of 100 tokens for everybody together, and requests that use them. @param standing in place of the counters' own */
function setUpDay(standing?: (own: Counters['standing']) => Counters['standing']) {
  const clock = settableClock(Date.parse('2030-01-01T12:00:00Z'));
  const counters = createModelCounters();
  const plan = createLimitPlan({ defaults: {}, rules: [] }, counters, createCalendar('UTC', clock));
  const told: string[] = [];
  let asked = 0;
  const own: Counters['standing'] = (ask, nowMs) => {
    asked++;
    return counters.standing(ask, nowMs);
  };
  const deps = { plan, clock, counters: { standing: standing?.(own) ?? own } };
  const warnings = createBudgetWarnings(({ holder }) => told.push(holder), deps);
  const one = counted(budget);
  const use = async (units: number, id = 'key:a'): Promise<void> => {
    const spent = await counters.spend([plan.ask(one, 1, clock.monotonicMs())], clock.monotonicMs());
    assert.ok(spent.kind === 'spent');
    counters.settle(spent, [units], clock.monotonicMs());
    warnings.used({ tenant: 'acme', id }, [one], [units]);
  };
  return { clock, told, use, asked: () => asked };
}

test('a budget that a request has used is told of within a second of its settlement, though nobody asks again', async () => {
  const { clock, told, use } = setUpDay();
  await use(80);
  clock.advance(999);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told, ['key:a']);
  assert.equal(clock.waiting(), 0);
});

test('one that is not there yet is looked at again only when it is used again', async () => {
  const { clock, told, use, asked } = setUpDay();
  await use(79);
  clock.advance(60_000);
  assert.deepEqual([told, asked(), clock.waiting()], [[], 1, 0]);
  await use(0);
  assert.equal(clock.waiting(), 0);
  await use(1);
  clock.advance(1_000);
  assert.deepEqual([told, asked()], [['key:a'], 2]);
});

test('what was told of is not asked about again before its window ends, and then it is', async () => {
  const { clock, told, use, asked } = setUpDay();
  await use(90);
  clock.advance(1_000);
  await use(5);
  clock.advance(60_000);
  assert.deepEqual([told.length, asked()], [1, 1]);
  clock.advance(24 * 3_600_000);
  await use(90);
  clock.advance(1_000);
  assert.deepEqual([told.length, asked()], [2, 2]);
});

test('of several who used a budget in one second the one that used most is named', async () => {
  const { clock, told, use } = setUpDay();
  await use(10, 'key:small');
  await use(70, 'key:large');
  await use(5, 'key:late');
  clock.advance(1_000);
  assert.deepEqual(told, ['key:large']);
});

test('counters that cannot be asked are asked again, and until then only once a second', async () => {
  let isUp = false;
  let tries = 0;
  const { clock, told, use } = setUpDay((own) => async (ask, nowMs) => {
    tries++;
    if (!isUp) throw new CountersUnavailable('gone');
    return own(ask, nowMs);
  });
  await use(85);
  for (let i = 0; i < 3; i++) {
    clock.advance(1_000);
    await turn();
  }
  assert.deepEqual([tries, told], [3, []]);
  isUp = true;
  clock.advance(1_000);
  await turn();
  assert.deepEqual([tries, told, clock.waiting()], [4, ['key:a'], 0]);
});

test('no more than a thousand budgets are looked at in one second', () => {
  const clock = settableClock();
  const counters = createModelCounters();
  const plan = createLimitPlan({ defaults: {}, rules: [] }, counters, createCalendar('UTC', clock));
  let asked = 0;
  const standing: Counters['standing'] = (ask, nowMs) => {
    asked++;
    return counters.standing(ask, nowMs);
  };
  const warnings = createBudgetWarnings(() => undefined, { plan, clock, counters: { standing } });
  for (let i = 0; i < 1_500; i++) warnings.used(who, [counted({ ...budget, subject: `key:${i}` })], [1]);
  clock.advance(1_000);
  assert.equal(asked, 1_000);
});
