import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSignInPace } from './sign-in-pace.ts';

function paceAt() {
  let nowMs = 1_000_000;
  const pace = createSignInPace({
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after: () => ({ cancel() {}, refresh() {} }),
  });
  return { pace, pass: (ms: number) => void (nowMs += ms) };
}

test('five tries are free, then the wait doubles up to a minute', () => {
  const { pace, pass } = paceAt();
  for (let i = 0; i < 5; i += 1) assert.equal(pace.begin('ada', 'here'), undefined);
  for (const waitS of [1, 2, 4, 8, 16, 32, 60, 60]) {
    assert.equal(pace.begin('ada', 'here'), waitS);
    pass(waitS * 1000 - 1);
    assert.equal(pace.begin('ada', 'here'), 1);
    pass(1);
    assert.equal(pace.begin('ada', 'here'), undefined);
  }
});

test('who is right starts anew, and whoever sits elsewhere does not wait for others so soon', () => {
  const { pace } = paceAt();
  for (let i = 0; i < 5; i += 1) pace.begin('ada', 'here');
  assert.equal(pace.begin('ada', 'there'), undefined);
  assert.equal(pace.begin('bob', 'here'), undefined);
  pace.succeeded('ada', 'here');
  assert.equal(pace.begin('ada', 'here'), undefined);
});

test('a name that is tried from many networks is slowed down everywhere', () => {
  const { pace } = paceAt();
  for (let i = 0; i < 50; i += 1) assert.equal(pace.begin('ada', `network ${i}`), undefined);
  assert.equal(pace.begin('ada', 'yet another'), 1);
});
