import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../test/support/clock.ts';
import { createCounterMemory, createSharedCounters } from '../adapters/memory/counters.ts';
import { createFailures } from './failures.ts';

const counters = () => createSharedCounters(createCounterMemory(64, 1, 's'), 0);

test('an address has room until its rate is spent, others are not touched, and it comes back', () => {
  const clock = settableClock();
  const failures = createFailures(2, counters(), clock);
  assert.deepEqual([failures.count('a'), failures.hasRoom('a'), failures.count('a')], [undefined, true, undefined]);
  assert.equal(failures.hasRoom('a'), false);
  assert.equal(failures.count('a')?.retryAfterMs, 30_000);
  assert.equal(failures.hasRoom('b'), true);
  clock.advance(30_000);
  assert.equal(failures.hasRoom('a'), true);
});

test('tries that are not judged yet take room as if they had failed', () => {
  const failures = createFailures(2, counters(), settableClock());
  assert.deepEqual(
    [failures.hasRoom('a', 1), failures.hasRoom('a', 2), failures.hasRoom('a', 3)],
    [true, false, false],
  );
  failures.count('a');
  assert.deepEqual([failures.hasRoom('a', 0), failures.hasRoom('a', 1)], [true, false]);
});

test('all that count failures of an address count them together', () => {
  const [clock, shared] = [settableClock(), counters()];
  const [gate, tokens] = [createFailures(1, shared, clock), createFailures(1, shared, clock)];
  gate.count('a');
  assert.equal(tokens.hasRoom('a'), false);
});

test('without a limit nothing is counted', () => {
  const failures = createFailures('none', counters(), settableClock());
  for (let i = 0; i < 100; i += 1) assert.equal(failures.count('a'), undefined);
  assert.equal(failures.hasRoom('a'), true);
});
