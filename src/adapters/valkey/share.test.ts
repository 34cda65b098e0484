import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { RateAsk } from '../../limits/counters.ts';
import { rateOf, ratePerMinute } from '../../limits/gcra.ts';
import { createCounterMemory, createSharedCounters } from '../memory/counters.ts';
import { createShare } from './share.ts';

const own = () => createSharedCounters(createCounterMemory(64, 1, 'seed'), 0);

test('all shares together let in no more than the limit, or one for each where it is less than that', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 9 }),
      fc.nat(100),
      (limit, count, percent) => {
        const spentMs = (60_000 * percent) / 100;
        let passed = 0;
        for (let i = 0; i < count; i++) {
          const counters = own();
          const share = createShare(
            counters,
            () => spentMs,
            () => count,
          );
          const ask: RateAsk = { kind: 'rate', name: 'r', counter: counters.keyOf('a'), rate: ratePerMinute(limit) };
          while (share.spend([ask], 1_000_000).kind === 'spent') passed++;
        }
        assert.ok(passed <= Math.max(limit - Math.ceil((limit * percent) / 100) + 1, count), String(passed));
      },
    ),
  );
});

test('what the server has let in here counts against the share, never beyond the whole of it', () => {
  const counters = own();
  const share = createShare(
    counters,
    () => 0,
    () => 2,
  );
  const ask: RateAsk = { kind: 'rate', name: 'r', counter: counters.keyOf('a'), rate: ratePerMinute(60) };
  share.note(ask, 10, 0);
  let passed = 0;
  while (share.spend([ask], 0).kind === 'spent') passed++;
  assert.equal(passed, 20);
  share.note(ask, 500, 0);
  assert.equal(share.spend([ask], 1_999).kind, 'refused');
  assert.equal(share.spend([ask], 2_000).kind, 'spent');
});

test('an ask for more than the whole share is refused, and costs the others nothing', () => {
  const counters = own();
  const share = createShare(
    counters,
    () => 0,
    () => 2,
  );
  const counter = counters.keyOf('a');
  const ask = { kind: 'amount', name: 't', counter, bound: { kind: 'rate', limit: 100, windowMs: 60_000 } } as const;
  const refused = share.spend([{ ...ask, cost: 51 }], 0);
  assert.deepEqual(refused.kind === 'refused' && [refused.ask.name, refused.standing.limit], ['t', 50]);
  assert.equal(share.spend([{ ...ask, cost: 50 }], 0).kind, 'spent');
});

test('what was seen of a tighter rate neither locks anybody out of the share nor lets in more than it', () => {
  const counters = own();
  const share = createShare(
    counters,
    () => 86_400_000,
    () => 2,
  );
  const ask: RateAsk = { kind: 'rate', name: 'r', counter: counters.keyOf('a'), rate: ratePerMinute(60) };
  let passed = 0;
  for (let i = 0; i < 100; i++) if (share.spend([ask], 1_000_000).kind === 'spent') passed++;
  assert.equal(passed, 30);
  // Its own counters of the tighter rate do not either.
  const tight = { ...ask, rate: rateOf(1, 86_400_000), counter: counters.keyOf('b') };
  const alone = createShare(
    counters,
    () => 0,
    () => 1,
  );
  assert.equal(alone.spend([tight], 1_000_000).kind, 'spent');
  const loose = { ...ask, counter: tight.counter };
  assert.equal(alone.spend([loose], 1_000_000).kind, 'spent');
  assert.equal(alone.spend([loose], 1_000_000).kind, 'refused');
});
