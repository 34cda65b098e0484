import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSteadyTime, LEAP_MS } from './steady-time.ts';

const START_MS = 1_900_000_000_000;

test('goes on with the told time, and not back by records that come late', () => {
  const time = createSteadyTime();
  for (const [told, expected] of [
    [0, 0],
    [5_000, 5],
    [4_000, 5],
    [9_000, 9],
  ] as const) {
    assert.equal(time.follow(START_MS + told), 0);
    assert.equal(time.nowS, START_MS / 1_000 + expected);
  }
});

test('a step of ten minutes is followed, one of a millisecond more is a leap', () => {
  const time = createSteadyTime();
  time.follow(START_MS);
  assert.equal(time.follow(START_MS + LEAP_MS), 0);
  assert.equal(time.nowS, (START_MS + LEAP_MS) / 1_000);
  assert.equal(time.follow(START_MS + 2 * LEAP_MS + 1), LEAP_MS + 1);
  assert.equal(time.nowS, (START_MS + LEAP_MS) / 1_000);
  assert.equal(time.skewS, LEAP_MS / 1_000);
  assert.equal(time.follow(START_MS - 1), -2 * LEAP_MS - 2);
  assert.equal(time.nowS, (START_MS + LEAP_MS) / 1_000);
});

test('goes on where a snapshot ended, however long that is ago', () => {
  const time = createSteadyTime();
  time.resume(1_000);
  assert.equal(time.follow(START_MS), 0);
  assert.equal(time.nowS, 1_000);
  time.follow(START_MS + 7_000);
  assert.equal(time.nowS, 1_007);
});

test('whatever is told, it never goes back and never leaps', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4e12 })), (tolds) => {
      const time = createSteadyTime();
      let before = time.nowS;
      tolds.forEach((told, i) => {
        time.follow(told);
        assert.ok(i === 0 || (time.nowS >= before && time.nowS - before <= LEAP_MS / 1_000 + 1));
        before = time.nowS;
      });
    }),
  );
});
