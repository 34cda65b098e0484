import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { amountAt, GRACE_MS, MOST_UNITS, NOTHING, reserve, roomIn, settle, type Amount, type Bound } from './amount.ts';

const rate: Bound = { kind: 'rate', limit: 60, windowMs: 60_000 };
const day = (index: number): Bound => ({
  kind: 'budget',
  limit: 100,
  window: { startMs: index * 1_000, endMs: (index + 1) * 1_000, endsAtMs: (index + 1) * 1_000 },
});

for (const { name, cost, conforms } of [
  { name: 'exactly what is left', cost: 60, conforms: true },
  { name: 'one more than is left', cost: 61, conforms: false },
]) {
  test(`a reservation of ${name} ${conforms ? 'conforms' : 'takes nothing'}`, () => {
    const result = reserve({ ...rate, limit: 61 }, { used: 1, sinceMs: 0, untilMs: 0, reserved: 0 }, cost, 0);
    assert.equal(result.conforms, conforms);
    assert.equal(result.amount.reserved, conforms ? cost : 0);
  });
}

test('what was reserved does not drain, and what was used does', () => {
  const reserved = reserve(rate, NOTHING, 60, 0);
  assert.ok(reserved.conforms);
  assert.equal(roomIn(rate, amountAt(rate, reserved.amount, 60_000)), 0);
  const used = settle(rate, reserved.amount, 60, 60, 0);
  assert.equal(roomIn(rate, amountAt(rate, used, 30_000)), 30);
  assert.equal(roomIn(rate, amountAt(rate, used, 60_000)), 60);
});

test('a refund long after its reservation is worth no more than what was reserved', () => {
  // All is reserved, a minute passes, nothing was used: there is room for one minute and not for two.
  const reserved = reserve(rate, NOTHING, 60, 0);
  assert.ok(reserved.conforms);
  const back = settle(rate, reserved.amount, 60, 0, 60_000);
  const again = reserve(rate, back, 60, 60_000);
  assert.ok(again.conforms);
  assert.equal(reserve(rate, again.amount, 1, 60_000).conforms, false);
});

test('a refused amount of a rate is let in after the time that it was told', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 200 }), (cost, used) => {
      const amount: Amount = { used, sinceMs: 0, untilMs: 0, reserved: 0 };
      const refused = reserve(rate, amount, cost, 0);
      if (refused.conforms) return;
      assert.equal(reserve(rate, amount, cost, refused.retryAfterMs).conforms, true);
      if (refused.retryAfterMs > 1) assert.equal(reserve(rate, amount, cost, refused.retryAfterMs - 2).conforms, false);
    }),
  );
});

test('a budget comes back at the end of its window, and not what is still reserved', () => {
  const before = settle(day(1), { used: 90, sinceMs: 1_000, untilMs: 2_000, reserved: 15 }, 5, 5, 1_500);
  assert.deepEqual(before, { used: 95, sinceMs: 1_000, untilMs: 2_000, reserved: 10 });
  assert.equal(roomIn(day(1), amountAt(day(1), before, 1_500)), 0);
  assert.equal(roomIn(day(2), amountAt(day(2), before, 2_000)), 90);
  const refused = reserve(day(1), before, 1, 1_400);
  assert.ok(!refused.conforms);
  assert.equal(refused.retryAfterMs, 600);
});

test('a clock that goes back by a window neither forgives what was used nor opens the window before once more', () => {
  const used: Amount = { used: 100, sinceMs: 5_000, untilMs: 6_000, reserved: 0 };
  assert.equal(reserve(day(4), used, 1, 4_500).conforms, false);
  assert.equal(reserve(day(5), used, 1, 5_500).conforms, false);
});

test('a window far ahead, of a clock that was wrong, locks nobody out for longer than its length and the grace', () => {
  // By the monotonic clock it ends at 5_300.
  const ahead: Amount = { used: 100, sinceMs: 99_000_000, untilMs: 5_300, reserved: 0 };
  assert.equal(reserve(day(5), ahead, 1, 5_299 + GRACE_MS).conforms, false);
  assert.equal(reserve(day(5), ahead, 1, 5_300 + GRACE_MS).conforms, true);
});

test('where callers disagree about the time, only the clock that is ahead opens windows', () => {
  // Callers whose clocks are so many milliseconds ahead of each other, for ever.
  const skews = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 2, maxLength: 4 });
  const steps = fc.array(fc.record({ gapMs: fc.nat(60), who: fc.nat(3), isBack: fc.boolean() }), {
    ...{ minLength: 100, maxLength: 200, size: 'max' },
  });
  fc.assert(
    fc.property(skews, steps, (all, asked) => {
      let [amount, nowMs, total]: [Amount, number, number] = [NOTHING, 0, 0];
      for (const { gapMs, who, isBack } of asked) {
        nowMs += gapMs;
        const wallMs = nowMs + (all[who % all.length] ?? 0);
        const startMs = Math.floor(wallMs / 1_000) * 1_000;
        const bound: Bound = {
          ...{ kind: 'budget', limit: 100 },
          window: { startMs, endMs: startMs + 1_000, endsAtMs: nowMs + startMs + 1_000 - wallMs },
        };
        const result = reserve(bound, amount, 40, nowMs);
        if (!result.conforms) continue;
        const units = isBack ? 0 : 40;
        amount = settle(bound, result.amount, 40, units, nowMs);
        total += units;
      }
      // Besides, each clock may be the first to open one, before it has met those that are ahead of it.
      assert.ok(total <= 80 * (Math.ceil(nowMs / 1_000) + 1 + all.length), `${total} in ${nowMs} ms`);
    }),
  );
});

test('who counts in a later window waits for its end, and once that is over for the end of the grace', () => {
  const later: Amount = { used: 100, sinceMs: 99_000_000, untilMs: 5_300, reserved: 0 };
  for (const [nowMs, expected] of [
    [5_200, 100],
    [5_300, GRACE_MS],
    [5_400, GRACE_MS - 100],
  ] as const) {
    const refused = reserve(day(5), later, 1, nowMs);
    assert.equal(!refused.conforms && refused.retryAfterMs, expected);
  }
});

test('what began before the clock was put right does not shorten its window', () => {
  const now: Amount = { used: 99, sinceMs: 1_000, untilMs: 9_000, reserved: 1 };
  assert.deepEqual(settle(day(1), now, 1, 1, 1_500), { ...now, used: 100, reserved: 0 });
});

test('what was counted too much in a window that is over is not taken off the one that is now', () => {
  const now: Amount = { used: 70, sinceMs: 2_000, untilMs: 3_000, reserved: 10 };
  assert.deepEqual(settle(day(1), now, 10, -50, 2_100), { ...now, reserved: 0 });
});

test('sums stop at the largest exact number, which refuses', () => {
  const full = settle(
    day(1),
    { used: MOST_UNITS - 5, sinceMs: 1_000, untilMs: 2_000, reserved: 0 },
    0,
    MOST_UNITS,
    1_000,
  );
  assert.equal(full.used, MOST_UNITS);
  assert.equal(reserve(day(1), full, 1, 1_000).conforms, false);
});

test('what was counted too much comes back, and never more than there is', () => {
  assert.equal(settle(day(1), { used: 7, sinceMs: 1_000, untilMs: 2_000, reserved: 0 }, 0, -5, 1_000).used, 2);
  assert.equal(settle(day(1), { used: 7, sinceMs: 1_000, untilMs: 2_000, reserved: 0 }, 0, -8, 1_000).used, 0);
});

test('over any history of a rate no more is used than its limit and what drains meanwhile', () => {
  const step = fc.record({
    gapMs: fc.nat(5_000),
    cost: fc.integer({ min: 1, max: 60 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let [amount, nowMs, total]: [Amount, number, number] = [NOTHING, 0, 0];
      for (const { gapMs, cost, part } of steps) {
        nowMs += gapMs;
        const result = reserve(rate, amount, cost, nowMs);
        if (!result.conforms) continue;
        const actual = Math.floor(cost * part);
        amount = settle(rate, result.amount, cost, actual, nowMs);
        total += actual;
      }
      assert.ok(total <= 60 + nowMs / 1_000 + 1e-6, `${total} in ${nowMs} ms`);
    }),
  );
});

test('what began in a window long over is counted in the one that is now, and forgets nothing of it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 50 }), fc.nat(100), fc.nat(20), fc.nat(20), (later, used, held, actual) => {
      const now: Amount = { used, sinceMs: later * 1_000, untilMs: (later + 1) * 1_000, reserved: held };
      const settled = settle(day(1), now, held, actual, later * 1_000 + 1);
      assert.deepEqual(settled, { ...now, used: used + actual, reserved: 0 });
      const more = reserve(day(1), now, 1, later * 1_000 + 1, true);
      assert.deepEqual([more.conforms, more.amount.used], [used + held < 100, used]);
    }),
  );
});
