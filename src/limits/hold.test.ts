import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { amountAt, NOTHING, settle, type Amount, type Bound } from './amount.ts';
import type { AmountAsk } from './counters.ts';
import { Hold } from './hold.ts';

const RATE: Bound = { kind: 'rate', limit: 60, windowMs: 60_000 };
const askOf = (bound: Bound, cost: number): AmountAsk => ({
  ...{ kind: 'amount', name: 'tokens', bound, cost },
  counter: { hi: 1, lo: 1, name: 'x' },
});

class TestHold extends Hold {}

test('of a budget all that was counted too much comes back', () => {
  const window = { startMs: 0, endMs: 1_000, endsAtMs: 1_000 };
  const hold = new TestHold(askOf({ kind: 'budget', limit: 100, window }, 50));
  assert.deepEqual(hold.progress(40, 10), { given: 40, more: 40 });
  assert.deepEqual(hold.end(5, 900), { given: 10, more: -35 });
});

test('of a rate only what has not drained since it was counted', () => {
  const hold = new TestHold(askOf(RATE, 50));
  assert.deepEqual(hold.progress(40, 0), { given: 40, more: 40 });
  assert.deepEqual(hold.end(5, 10_000), { given: 10, more: -30 });
});

test('what was used beyond what was counted is counted at the end', () => {
  const hold = new TestHold(askOf(RATE, 50));
  assert.equal(hold.progress(0, 0), undefined);
  hold.progress(20, 10);
  assert.deepEqual(hold.end(45, 500_000), { given: 30, more: 25 });
});

test('streams that are counted too high for a while never make more room than their limit has', () => {
  const step = fc.record({
    gapMs: fc.nat(20_000),
    counted: fc.integer({ min: 1, max: 60 }),
    used: fc.integer({ min: 0, max: 60 }),
    lastsMs: fc.nat(60_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      // One after another over a bucket: what was really used never exceeds it and what drains meanwhile.
      let [amount, nowMs, total]: [Amount, number, number] = [NOTHING, 0, 0];
      const move = (reserved: number, actual: number): void =>
        void (amount = settle(RATE, amount, reserved, actual, nowMs));
      for (const { gapMs, counted, used, lastsMs } of steps) {
        nowMs += gapMs;
        if (amountAt(RATE, amount, nowMs).used + counted > 60) continue;
        const hold = new TestHold(askOf(RATE, counted));
        const early = hold.progress(counted, nowMs);
        if (early !== undefined) move(0, early.more);
        nowMs += lastsMs;
        const real = Math.min(used, counted);
        move(0, hold.end(real, nowMs).more);
        total += real;
      }
      assert.ok(total <= 60 + nowMs / 1_000 + 1e-6, `${total} in ${nowMs} ms`);
    }),
  );
});
