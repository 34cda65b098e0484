import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { settableClock } from '../../test/support/clock.ts';
import { CHALLENGE_MS, createChallenges } from './challenges.ts';

const made = () => {
  const clock = settableClock();
  return { clock, challenges: createChallenges(clock, randomBytes) };
};

test('a challenge is used once', () => {
  const { challenges } = made();
  const challenge = challenges.make('browser');
  assert.equal(challenges.use('browser', challenge), true);
  assert.equal(challenges.use('browser', challenge), false);
});

test('a challenge of another browser is none, and is not used up by trying', () => {
  const { challenges } = made();
  const challenge = challenges.make('browser');
  assert.equal(challenges.use('another', challenge), false);
  assert.equal(challenges.use('browser', challenge), true);
});

test('a challenge counts up to its last millisecond', () => {
  for (const [ms, isGood] of [
    [CHALLENGE_MS - 1, true],
    [CHALLENGE_MS, false],
  ] as const) {
    const { clock, challenges } = made();
    const challenge = challenges.make('browser');
    clock.advance(ms);
    assert.equal(challenges.use('browser', challenge), isGood);
  }
});

test('a challenge that was changed in any byte is none', () => {
  const { challenges } = made();
  const good = Buffer.from(challenges.make('browser'), 'base64url');
  for (let at = 0; at < good.length; at += 1) {
    const changed = Buffer.from(good);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(challenges.use('browser', changed.toString('base64url')), false, `byte ${at}`);
  }
  assert.equal(challenges.use('browser', ''), false);
});

test('a challenge of another process is none', () => {
  const { challenges } = made();
  assert.equal(challenges.use('browser', made().challenges.make('browser')), false);
});

test('where too many were used at once, one more is refused until the first are over', () => {
  const clock = settableClock();
  const challenges = createChallenges(clock, randomBytes, 100);
  for (let i = 0; i < 100; i += 1) challenges.use('browser', challenges.make('browser'));
  assert.equal(challenges.use('browser', challenges.make('browser')), false);
  clock.advance(CHALLENGE_MS);
  assert.equal(challenges.use('browser', challenges.make('browser')), true);
});
