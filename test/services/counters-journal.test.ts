import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../support/http.ts';
import { usedIn } from './valkey/fleet.ts';
import { startInstances, type Instance } from './valkey/products.ts';

/** Processes that are killed, on a server that is away or loses all; docs/reference/limits-faults.md has what is seen here. */

const TOKENS = 100_000;
const LIMITS = {
  requestsPerMinute: 'none',
  tokensPerMinute: 'none',
  concurrency: 'none',
  budget: { tokens: TOKENS, per: 'month' },
};
/** What is the promise: at most the last second is forgiven. */
const PROMISE_MS = 1_000;
/** To a server that answers it is told at once. */
const UNDER_WAY_MS = 100;

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function spend(instance: Instance, times: number): Promise<number> {
  const answers: Answer[] = [];
  for (let i = 0; i < times; i++) answers.push(await instance.ask());
  assert.ok(answers.every(({ status }) => status === 200));
  return usedIn(answers);
}

const usedOf = async (instance: Instance): Promise<number> => (await instance.standing())['budget']?.used ?? -1;

test('what an instance spends while the server is away is told after a kill of the instance, once', async (t) => {
  await using it = await startInstances(2, LIMITS);
  const [first, second] = it.all;
  assert.ok(first !== undefined && second !== undefined);
  let used = (await spend(first, 5)) + (await spend(second, 5));
  for (const workers of [2, 1, 2]) {
    it.server.pause();
    await Promise.all(it.all.map((one) => one.until('down')));
    used += (await spend(first, 12)) + (await spend(second, 3));
    await later(PROMISE_MS);
    await first.kill();
    // Started while the server is still away: by the journal it knows that it is one of two.
    await first.start(workers);
    used += await spend(first, 4);
    it.server.resume();
    await Promise.all(it.all.map((one) => one.until('up')));
    // Rows that nobody has any more are told in the background.
    const endMs = Date.now() + 5_000;
    while ((await usedOf(second)) < used && Date.now() < endMs) await later(50);
    await later(500);
    t.diagnostic(`${await usedOf(second)} counted, ${used} used`);
    assert.equal(await usedOf(second), used);
    assert.equal(await usedOf(first), used);
  }
});

test('a server and all instances that are lost at once forget nothing of a budget that is older than a second', async (t) => {
  await using it = await startInstances(2, LIMITS);
  const [first, second] = it.all;
  assert.ok(first !== undefined && second !== undefined);
  const used = (await spend(first, 9)) + (await spend(second, 9)) + (await spend(first, 4));
  await later(PROMISE_MS);
  await Promise.all([it.server.kill(), first.kill(), second.kill()]);
  await it.server.start();
  await Promise.all([first.start(), second.start()]);
  await Promise.all(it.all.map((one) => one.until('up')));
  t.diagnostic(`${await usedOf(second)} counted, ${used} used`);
  assert.equal(await usedOf(second), used);
});

test('an instance killed in the midst of its work tells nothing twice, and forgives no more than the last second', async (t) => {
  await using it = await startInstances(1, LIMITS);
  const [only] = it.all;
  assert.ok(only !== undefined);
  let least = 0;
  let most = 0;
  for (let round = 0; round < 6; round++) {
    const isAway = round % 3 === 2;
    let isOver = false;
    const answered: { atMs: number; tokens: number }[] = [];
    const caller = async (): Promise<void> => {
      while (!isOver) {
        const answer = await only.ask().catch(() => undefined);
        if (answer?.status === 200) answered.push({ atMs: performance.now(), tokens: usedIn([answer]) });
      }
    };
    // It remembers the last ones alone, which on a quick machine are fewer than all rounds have.
    it.simulator.clearReceived();
    const work = Promise.all(Array.from({ length: 4 }, caller));
    await later(700);
    if (isAway) it.server.pause();
    await later(1_300);
    const killedMs = performance.now();
    isOver = true;
    await only.kill();
    await work;
    if (isAway) it.server.resume();
    await only.start();
    await only.until('up');
    const each = answered[0]?.tokens ?? 0;
    most += it.simulator.received().length * each;
    const forgivenMs = isAway ? PROMISE_MS : UNDER_WAY_MS;
    const old = answered.filter(({ atMs }) => atMs < killedMs - forgivenMs);
    least += old.reduce((sum, { tokens }) => sum + tokens, 0);
    const used = await usedOf(only);
    t.diagnostic(`${isAway ? 'away: ' : ''}${least} <= ${used} <= ${most}`);
    assert.ok(used >= least && used <= most, `${least} <= ${used} <= ${most}`);
    [least, most] = [used, used];
  }
});
