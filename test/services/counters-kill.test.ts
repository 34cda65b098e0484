import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHAT } from '../support/http.ts';
import { startInstances, type Instance } from './valkey/products.ts';

/** A whole gateway that is killed while it holds something on the server, and another one that waits for it. */

const BUDGET = 100_000;
/** Less than three streams set aside, of a model with a context of 2,048, and more than all others use. */
const SET_ASIDE = 5_000;
const PER_MINUTE = 6_000;
const LIMITS = {
  requestsPerMinute: PER_MINUTE,
  tokensPerMinute: 'none',
  concurrency: 4,
  budget: { tokens: BUDGET, per: 'month' },
};

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Begins a stream that does not end, with much set aside; resolves once it runs. */
function hold(instance: Instance): Promise<void> {
  return new Promise((resolve, reject) => {
    instance
      .ask({
        body: { ...CHAT, max_tokens: 10_000, stream: true },
        onData: (text) => text.startsWith('data:') && resolve(),
      })
      .then(({ status, code }) => reject(new Error(`ended with ${status} ${code}`)), reject);
  });
}

test('what a killed gateway had running, set aside and spent ahead comes back', async (t) => {
  await using it = await startInstances(2, LIMITS);
  const [dying, living] = it.all;
  assert.ok(dying !== undefined && living !== undefined);
  // Busy enough for units of the rate to be spent ahead.
  const busy = Array.from({ length: 2 }, async () => {
    for (let i = 0; i < 100; i++) assert.equal((await dying.ask()).status, 200);
  });
  await Promise.all(busy);
  it.simulator.misbehave({ kind: 'hang-stream', times: 3 });
  for (let i = 0; i < 3; i++) await hold(dying);
  const before = await living.standing();
  assert.ok((before['budget']?.used ?? 0) > SET_ASIDE, JSON.stringify(before));
  const killedMs = performance.now();
  await dying.kill();
  const full = await Promise.all(Array.from({ length: 4 }, () => living.ask({ body: { ...CHAT, stream: true } })));
  assert.ok(full.some(({ code }) => code === 'concurrency_limited'));
  let now = await living.standing();
  // One is the question itself.
  while ((now['concurrency']?.used ?? 0) > 1 || (now['budget']?.used ?? 0) > SET_ASIDE) {
    await later(50);
    now = await living.standing();
  }
  const backMs = performance.now() - killedMs;
  t.diagnostic(`back after ${Math.round(backMs)} ms: ${JSON.stringify(now)}`);
  // All of these together, less what drained meanwhile; ahead of a rate nothing is spent that stands beside a concurrency.
  assert.ok((now['requests']?.used ?? PER_MINUTE) < 250, JSON.stringify(now['requests']));
});

test('what the only gateway had set aside comes back when it is started again', async () => {
  await using it = await startInstances(1, LIMITS);
  const [only] = it.all;
  assert.ok(only !== undefined);
  it.simulator.misbehave({ kind: 'hang-stream', times: 3 });
  for (let i = 0; i < 3; i++) void hold(only).catch(() => undefined);
  while (((await only.standing())['concurrency']?.used ?? 0) < 4) await later(20);
  await only.kill();
  await only.start();
  await only.until('up');
  // At once: it takes the place of the sessions before it, and waits for nobody to find them dead.
  const now = await only.standing();
  assert.deepEqual([now['concurrency']?.used, (now['budget']?.used ?? BUDGET) < 1_000], [1, true], JSON.stringify(now));
});
