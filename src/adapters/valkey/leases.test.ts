import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { AmountAsk, RateAsk } from '../../limits/counters.ts';
import { createLeases } from './leases.ts';

const standing = { name: 'requests', limit: 600, remaining: 500, windowS: 60, resetMs: 0 };
const rate: RateAsk = {
  kind: 'rate',
  name: 'requests',
  counter: { hi: 1, lo: 1, name: 'a' },
  rate: { intervalMs: 100, burst: 600 },
};
const amount: AmountAsk = {
  kind: 'amount',
  name: 'tokens',
  counter: { hi: 2, lo: 2, name: 'b' },
  bound: { kind: 'rate', limit: 1_000, windowMs: 1_000 },
  cost: 10,
};

test('only what is busy is wanted ahead: as much as in the 100 ms before and drains in as long, and by one call at a time', () => {
  const leases = createLeases();
  for (let i = 0; i < 7; i++) assert.equal(leases.wanted(rate, 0), 0);
  assert.equal(leases.wanted(rate, 100), 0, 'seven asks are not busy');
  for (let i = 0; i < 7; i++) leases.wanted(rate, 150);
  assert.equal(leases.wanted(rate, 200), 8 + 1, 'one drains meanwhile');
  assert.equal(leases.wanted(rate, 201), 0, 'it is asked already');
  leases.granted(rate, 0, standing, 200, 202);
  assert.equal(leases.wanted(rate, 203), 9);
  assert.equal(leases.wanted({ kind: 'concurrency', name: 'c', counter: rate.counter, limit: 9 }, 203), 0);
});

test('a lease is spent unit by unit, and of several asks all or none', () => {
  const leases = createLeases();
  leases.granted(amount, 25, standing, 0, 0);
  assert.equal(leases.spend([amount, rate], 0), undefined);
  assert.equal(leases.spend([amount], 0)?.[0]?.remaining, 490);
  assert.equal(leases.spend([amount], 0)?.[0]?.remaining, 480);
  assert.equal(leases.spend([amount], 0), undefined);
  assert.deepEqual(
    leases.takeOlderThan(0, 0).map(({ units }) => units),
    [5],
  );
});

test('units of a rate drain from when they were asked for, and what drained is not given back', () => {
  const leases = createLeases();
  leases.granted(rate, 4, standing, 0, 50);
  assert.notEqual(leases.spend([rate], 250), undefined);
  assert.equal(leases.spend([rate], 250), undefined, 'two and a half have drained');
  assert.deepEqual(
    leases.takeOlderThan(200, 249).map(({ units }) => units),
    [],
  );
  assert.deepEqual(
    leases.takeOlderThan(200, 250).map(({ units }) => units),
    [0.5],
  );
});

test('never more is spent and given back than was granted', () => {
  const step = fc.record({ grant: fc.nat(50), spends: fc.nat(40), ms: fc.nat(500) });
  fc.assert(
    fc.property(fc.array(step), fc.constantFrom(rate, amount), (steps, ask) => {
      const leases = createLeases();
      let [nowMs, granted, spent] = [0, 0, 0];
      for (const { grant, spends, ms } of steps) {
        granted += grant;
        leases.granted(ask, grant, standing, nowMs, nowMs + ms);
        nowMs += ms;
        for (let i = 0; i < spends; i++) if (leases.spend([ask], nowMs) !== undefined) spent += ask.cost ?? 1;
        for (const { units } of leases.takeOlderThan(200, nowMs)) spent += units;
      }
      assert.ok(spent <= granted);
    }),
  );
});
