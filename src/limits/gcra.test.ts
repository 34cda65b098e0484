import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rateOf, ratePerMinute, spend } from './gcra.ts';

for (const { name, tatMs, nowMs, conforms } of [
  { name: 'up to the burst', tatMs: 1_000, nowMs: 0, conforms: true },
  { name: 'not 1 ms before its time', tatMs: 2_000, nowMs: 999, conforms: false },
  { name: 'at exactly its time', tatMs: 2_000, nowMs: 1_000, conforms: true },
]) {
  test(`a spend conforms ${name}`, () => {
    assert.equal(spend({ intervalMs: 1_000, burst: 2 }, tatMs, 1, nowMs).conforms, conforms);
  });
}

test('a cost of nothing or above the burst is a bug of the caller', () => {
  const rate = { intervalMs: 1_000, burst: 2 };
  assert.throws(() => spend(rate, undefined, 0, 0), RangeError);
  assert.throws(() => spend(rate, undefined, 3, 0), RangeError);
  assert.equal(spend(rate, undefined, 2, 0).conforms, true);
});

test('an idle caller of N per minute gets exactly N at once, and one more every 60/N s', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 0, max: 2 ** 38 }), (count, nowMs) => {
      const rate = ratePerMinute(count);
      let tatMs: number | undefined;
      for (let i = 0; i < count; i++) {
        const result = spend(rate, tatMs, 1, nowMs);
        assert.equal(result.conforms, true, `request ${i + 1} of ${count}`);
        tatMs = result.tatMs;
      }
      const more = spend(rate, tatMs, 1, nowMs);
      assert.equal(more.conforms, false);
      if (more.conforms) return;
      assert.ok(Math.abs(more.retryAfterMs - rate.intervalMs) < 0.05);
      assert.equal(spend(rate, tatMs, 1, nowMs + more.retryAfterMs).conforms, true);
      assert.equal(spend(rate, tatMs, 1, nowMs + more.retryAfterMs - 0.1).conforms, false);
    }),
  );
});

test('over any span no more pass than the burst and what the span gives back', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 300 }),
      (count, gapsMs) => {
        const rate = ratePerMinute(count);
        let nowMs = 1_000_000;
        let tatMs: number | undefined;
        let passed = 0;
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          const result = spend(rate, tatMs, 1, nowMs);
          tatMs = result.tatMs;
          if (result.conforms) passed++;
        }
        const spanMs = nowMs - 1_000_000;
        assert.ok(passed <= count + Math.floor(spanMs / rate.intervalMs) + 1);
      },
    ),
  );
});

test('a spend that does not conform costs nothing', () => {
  const rate = { intervalMs: 1_000, burst: 1 };
  const first = spend(rate, undefined, 1, 0);
  const refused = spend(rate, first.tatMs, 1, 500);
  assert.equal(refused.conforms, false);
  assert.equal(refused.tatMs, first.tatMs);
});

const anyRate = fc.record({
  count: fc.integer({ min: 1, max: 50 }),
  perMs: fc.constantFrom(1_000, 60_000, 86_400_000),
});

test('whatever rate was in force before, the one that is now lets in no more than its burst and what comes back', () => {
  fc.assert(
    fc.property(
      anyRate,
      anyRate,
      fc.array(fc.record({ gapMs: fc.nat(3_000), cost: fc.integer({ min: 1, max: 50 }) }), { maxLength: 200 }),
      (before, now, asks) => {
        const old = rateOf(before.count, before.perMs);
        let tatMs: number | undefined;
        for (let i = 0; i < before.count; i++) tatMs = spend(old, tatMs, 1, 1_000_000).tatMs;
        const rate = rateOf(now.count, now.perMs);
        let nowMs = 1_000_000;
        let passed = 0;
        for (const { gapMs, cost } of asks) {
          nowMs += gapMs;
          if (cost > rate.burst) continue;
          const result = spend(rate, tatMs, cost, nowMs);
          if (!result.conforms) continue;
          tatMs = result.tatMs;
          passed += cost;
        }
        assert.ok(passed <= rate.burst + (nowMs - 1_000_000) / rate.intervalMs, `${passed}`);
      },
    ),
  );
});

test('a loosened rate lets somebody in again at the latest after a burst of its own and one interval', () => {
  fc.assert(
    fc.property(anyRate, anyRate, (before, now) => {
      const old = rateOf(before.count, before.perMs);
      let tatMs: number | undefined;
      for (let i = 0; i < before.count; i++) tatMs = spend(old, tatMs, 1, 1_000_000).tatMs;
      const rate = rateOf(now.count, now.perMs);
      const lateMs = 1_000_000 + rate.burst * rate.intervalMs + rate.intervalMs;
      assert.equal(spend(rate, tatMs, 1, lateMs).conforms, true);
    }),
  );
});

for (const [bursts, conforms] of [
  [2, false],
  [2.01, true],
] as const) {
  test(`an arrival time ${bursts} bursts ahead ${conforms ? 'was made by another rate' : 'is the rate’s own'}`, () => {
    const rate = { intervalMs: 1_000, burst: 10 };
    assert.equal(spend(rate, bursts * 10_000, 1, 0).conforms, conforms);
  });
}
