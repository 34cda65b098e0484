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

test('where somebody was right before, tries from elsewhere do not keep them out', () => {
  const { pace } = paceAt();
  pace.begin('ada', 'home');
  pace.succeeded('ada', 'home');
  for (let i = 0; i < 60; i += 1) pace.begin('ada', `network ${i}`);
  assert.equal(pace.begin('ada', 'new'), 1);
  for (let i = 0; i < 5; i += 1) assert.equal(pace.begin('ada', 'home'), undefined);
  assert.equal(pace.begin('ada', 'home'), 1);
});

test('codes that are tried from everywhere wait for up to an hour: six digits are few', () => {
  const { pace, pass } = paceAt();
  for (let i = 0; i < 50; i += 1) pace.begin('code u_1', `network ${i}`, 'code');
  let waitS: number | undefined = 0;
  for (let i = 0; i < 14; i += 1) {
    waitS = pace.begin('code u_1', `other ${i}`, 'code');
    pass((waitS ?? 0) * 1000);
    pace.begin('code u_1', `other ${i}`, 'code');
  }
  assert.equal(waitS, 3600);
});
