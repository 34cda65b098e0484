import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveAnswer } from './live.ts';

/** A view of numbers that goes on when it is told to. */
function setUp(values: unknown[]) {
  let ended = 0;
  let go: (() => void) | undefined;
  const view = liveAnswer('numbers', {
    clock: {
      after(_ms, work) {
        go = work;
        return { cancel: () => (go = undefined), refresh: () => undefined };
      },
    },
    look: () => Promise.resolve(values.shift()),
    onEnd: () => (ended += 1),
  });
  const reader = (view.body as ReadableStream<Uint8Array>).getReader();
  const read = async () => {
    const { value, done } = await reader.read();
    return done ? 'end' : Buffer.from(value).toString();
  };
  return { read, reader, tick: () => go?.(), isWaiting: () => go !== undefined, ended: () => ended };
}

test('what is looked at comes as an event at each tick, and ends where it may not be seen any more', async () => {
  const { read, tick, ended } = setUp([{ n: 1 }, { n: 2 }]);
  assert.equal(await read(), 'event: numbers\nid: 1\ndata: {"n":1}\n\n');
  tick();
  assert.equal(await read(), 'event: numbers\nid: 2\ndata: {"n":2}\n\n');
  tick();
  assert.deepEqual([await read(), ended()], ['end', 1]);
});

test('a view that is closed looks no more', async () => {
  const { read, reader, isWaiting, ended } = setUp([1, 2, 3]);
  await read();
  await new Promise((resolve) => setImmediate(resolve));
  await reader.cancel();
  assert.deepEqual([isWaiting(), ended()], [false, 1]);
});

test('one that does not read is not written to', async () => {
  const values = [1, 2, 3, 4];
  const { tick } = setUp(values);
  for (let i = 0; i < 6; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    tick();
  }
  assert.ok(values.length >= 2, String(values));
});

test('a view ends after a quarter of an hour, and is asked for anew', async () => {
  const { read, tick, ended } = setUp(Array.from({ length: 2_000 }, (_, i) => i));
  let events = 0;
  for (; (await read()) !== 'end'; events++) {
    await new Promise((resolve) => setImmediate(resolve));
    tick();
  }
  assert.deepEqual([events, ended()], [900, 1]);
});
