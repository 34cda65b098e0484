import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { banLengthMs, denyBanned, nextNumber, REMEMBERED_FOR_MS, type Ban } from './bans.ts';

const spans = { firstMs: 60_000, maxMs: 3_600_000 };

test('a ban is twice as long as the one before, up to the longest', () => {
  const minutes = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => banLengthMs(spans, number) / 60_000);
  assert.deepEqual(minutes, [1, 2, 4, 8, 16, 32, 60, 60]);
});

test('however many came before, a ban is neither shorter than the first nor longer than the longest', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.integer({ min: 1, max: 1e9 }),
      fc.nat(1e9),
      (number, firstMs, moreMs) => {
        const length = banLengthMs({ firstMs, maxMs: firstMs + moreMs }, number);
        assert.ok(length >= firstMs && length <= firstMs + moreMs);
      },
    ),
  );
});

test('bans count in a row up to a day after the end of the last', () => {
  assert.deepEqual([nextNumber(3, REMEMBERED_FOR_MS), nextNumber(3, REMEMBERED_FOR_MS + 1)], [4, 1]);
});

const ban: Ban = { network: '192.0.2.7', reason: 'scan', number: 1, sinceMs: 0, untilMs: 60_000 };

for (const { name, monotonicMs, nowMs, until, retryAfterMs } of [
  {
    name: 'in the seconds of the wall clock',
    monotonicMs: 30_000,
    nowMs: 0,
    until: '1970-01-01T00:00:30Z',
    retryAfterMs: 30_000,
  },
  { name: 'never before the end', monotonicMs: 59_001, nowMs: 1, until: '1970-01-01T00:00:01Z', retryAfterMs: 999 },
  {
    name: 'with the same wait after the wall clock was set by a day',
    monotonicMs: 30_000,
    nowMs: 86_400_000,
    until: '1970-01-02T00:00:30Z',
    retryAfterMs: 30_000,
  },
])
  test(`who is banned is told until when, ${name}`, () => {
    const denial = denyBanned(ban, monotonicMs, nowMs);
    assert.equal(denial.code, 'ip_denied');
    assert.equal(denial.retryAfterMs, retryAfterMs);
    assert.ok(denial.message.includes(` until ${until} `), denial.message);
    assert.doesNotMatch(denial.message, /scan|192/);
  });
