import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import type { Spent } from '../../kernel/exchange.ts';
import type { Counters } from '../../limits/counters.ts';
import { createProgress } from './progress.ts';

test('what running streams have used is counted twice a second, and nothing runs once they have ended', () => {
  const clock = settableClock();
  const counted: (readonly number[])[] = [];
  const counters = {
    progress: (_: Spent, actuals: readonly number[]) => void counted.push(actuals),
  } as unknown as Counters;
  const progress = createProgress(counters, clock);
  const spent: Spent = { kind: 'spent', standings: [], holds: [] };
  let tokens = 7;
  progress.begin(spent, () => [tokens]);
  clock.advance(499);
  assert.deepEqual(counted, []);
  clock.advance(1);
  tokens = 9;
  clock.advance(500);
  assert.deepEqual(counted, [[7], [9]]);
  progress.end(spent);
  clock.advance(1_000);
  assert.equal(counted.length, 2);
  assert.equal(clock.waiting(), 0);
});

test('it tells for how long a stream had brought nothing more, from the look that saw the last of it', () => {
  const clock = settableClock();
  const progress = createProgress({ progress: () => undefined } as unknown as Counters, clock);
  const spent: Spent = { kind: 'spent', standings: [], holds: [] };
  let tokens = 7;
  progress.begin(spent, () => [tokens, 3]);
  clock.advance(1_200);
  tokens = 9;
  clock.advance(4_300);
  // Seen at 1,500 ms, and 5,500 ms have passed.
  assert.equal(progress.end(spent), 4_000);
  progress.begin(spent, () => [tokens]);
  clock.advance(2_000);
  tokens = 10;
  assert.equal(progress.end(spent), 0);
  assert.equal(progress.end(spent), 0);
});
