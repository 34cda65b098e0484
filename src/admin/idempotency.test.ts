import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIdempotentAnswers } from './idempotency.ts';

const clock = { nowMs: () => 0, monotonicMs: () => 0, after: () => ({ cancel() {}, refresh() {} }) };
const isGood = () => true;

test('keeps 1000 answers and forgets the oldest for one more', async () => {
  const answers = createIdempotentAnswers<{ n: number }>(clock);
  let n = 0;
  const once = (key: string) => answers.once(key, 'me', 'same', isGood, () => Promise.resolve({ n: ++n }));
  for (let i = 0; i < 1000; i += 1) await once(`k${i}`);
  assert.deepEqual(await once('k0'), { n: 1 });
  await once('k1000');
  assert.deepEqual(await once('k1'), { n: 2 });
  assert.deepEqual(await once('k0'), { n: 1002 });
});

test('an error reaches everyone who waits, and the next one tries again', async () => {
  const answers = createIdempotentAnswers<object>(clock);
  const fail = () => Promise.reject(new Error('down'));
  const both = await Promise.allSettled([
    answers.once('k', 'me', 'same', isGood, fail),
    answers.once('k', 'me', 'same', isGood, fail),
  ]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.deepEqual(await answers.once('k', 'me', 'same', isGood, () => Promise.resolve({ ok: true })), { ok: true });
});
