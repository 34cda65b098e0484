import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { createReplayMemory, createReplaySet, type ReplayMemory } from './replay-set.ts';

const NOW = 1_790_000_000_000;
const newSet = (cells = 256) => createReplaySet(createReplayMemory(cells, 's'));

test('an id is new once, until its time is over, and then again', () => {
  const set = newSet();
  assert.equal(set.add('a', NOW + 5_000, NOW), true);
  assert.equal(set.add('a', NOW + 5_000, NOW), false);
  assert.equal(set.add('b', NOW + 5_000, NOW), true);
  assert.equal(set.add('a', NOW + 9_000, NOW + 5_999), false);
  assert.equal(set.add('a', NOW + 9_000, NOW + 6_000), true);
});

test('DP-13 where a bucket is full of what still counts nothing more is accepted, until something is over', () => {
  const set = newSet(16);
  for (let i = 0; i < 16; i++) assert.equal(set.add(`id ${i}`, NOW + 5_000 + i * 1_000, NOW), true);
  assert.equal(set.add('one more', NOW + 5_000, NOW), false);
  for (let i = 0; i < 16; i++) assert.equal(set.add(`id ${i}`, NOW + 60_000, NOW), false);
  assert.equal(set.add('one more', NOW + 60_000, NOW + 6_000), true);
  assert.equal(set.add('yet one', NOW + 60_000, NOW + 6_000), false);
});

test('the place of an id cannot be worked out without the seed', () => {
  const [a, b] = ['s', 't'].map((seed) => createReplayMemory(1024, seed));
  assert.ok(a && b);
  createReplaySet(a).add('id', NOW + 5_000, NOW);
  createReplaySet(b).add('id', NOW + 5_000, NOW);
  const placeIn = ({ buffer }: ReplayMemory): number => new BigUint64Array(buffer).findIndex((cell) => cell !== 0n);
  assert.notEqual(placeIn(a), placeIn(b));
});

test('any order of uses is answered as a list of all ids would answer it', () => {
  const step = fc.record({ id: fc.integer({ min: 0, max: 24 }), waitS: fc.integer({ min: 0, max: 3 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const set = newSet(16);
      const model = new Map<number, number>();
      let nowS = NOW / 1000;
      for (const { id, waitS } of steps) {
        nowS += waitS;
        for (const [one, untilS] of model) if (untilS < nowS) model.delete(one);
        const expected = !model.has(id) && model.size < 16;
        assert.equal(set.add(String(id), (nowS + 6) * 1000, nowS * 1000), expected);
        if (expected) model.set(id, nowS + 6);
      }
    }),
  );
});

/**
 * Another thread's whole use of the same id at the k-th step of ours on the shared cells, its clock ahead of ours: the
 * one way in which the two can find different cells free.
 */
test('DP-05 an id that another thread uses in the middle of our use of it is let in once, wherever the middle is', () => {
  const { load, compareExchange } = Atomics;
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 40 }),
      fc.array(fc.integer({ min: -1, max: 3 }), { minLength: 0, maxLength: 15 }),
      fc.integer({ min: 0, max: 2 }),
      (at, others, aheadS) => {
        const memory = createReplayMemory(16, 's');
        const [ours, theirs] = [createReplaySet(memory), createReplaySet(memory)];
        for (const [i, endsInS] of others.entries()) ours.add(`other ${i}`, NOW + endsInS * 1000, NOW - 5_000);
        let left = at;
        let second: boolean | undefined;
        const step = (): void => {
          if (left-- !== 0) return;
          second = theirs.add('id', NOW + 60_000, NOW + aheadS * 1000);
        };
        try {
          Atomics.load = ((...words: Parameters<typeof load>) => {
            step();
            return load(...words);
          }) as typeof load;
          Atomics.compareExchange = ((...words: Parameters<typeof compareExchange>) => {
            step();
            return compareExchange(...words);
          }) as typeof compareExchange;
          const first = ours.add('id', NOW + 60_000, NOW);
          second ??= theirs.add('id', NOW + 60_000, NOW + aheadS * 1000);
          assert.equal(Number(first) + Number(second), 1);
        } finally {
          Object.assign(Atomics, { load, compareExchange });
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

/** Adds the same ids as other threads do, each at the same moment as they; how often each was new here. */
function addInThread(memory: ReplayMemory, work: object): Promise<number[]> {
  const source = `
    import { workerData, parentPort } from 'node:worker_threads';
    const { memory, gate, threads, rounds, replaySet, nowMs, jitterS, row } = workerData;
    const { createReplaySet } = await import(replaySet);
    const set = createReplaySet(memory);
    const arrived = new Int32Array(gate);
    const passed = [];
    for (let round = 0; round < rounds; round++) {
      Atomics.add(arrived, round, 1);
      while (Atomics.load(arrived, round) < threads);
      // A second a round, so that cells of rounds before fall free; a clock that is off finds others free than its neighbour.
      const now = nowMs + round * 1000 + (jitterS * ((row + round) % 3)) * 1000;
      if (set.add('round ' + round, now + 9_000, now)) passed.push(round);
    }
    parentPort.postMessage(passed);`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
      workerData: { memory, replaySet: new URL('./replay-set.ts', import.meta.url).href, nowMs: NOW, ...work },
    });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

for (const { jitterS, least } of [
  { jitterS: 0, least: 1 },
  { jitterS: 1, least: 0 },
]) {
  const much = jitterS === 0 ? 'exactly once' : 'at most once where their clocks differ';
  test(`DP-05 an id that threads use at the same moment is new ${much}`, async () => {
    const [threads, rounds] = [3, 400];
    const memory = createReplayMemory(16, 's');
    const gate = new SharedArrayBuffer(rounds * 4);
    const passed = await Promise.all(
      Array.from({ length: threads }, (_, row) => addInThread(memory, { gate, threads, rounds, jitterS, row })),
    );
    const counts = Array.from({ length: rounds }, (_, round) => passed.flat().filter((one) => one === round).length);
    assert.ok(Math.max(...counts) <= 1, 'one was let in twice');
    assert.ok(Math.min(...counts) >= least, 'one was let in nowhere');
    assert.ok(counts.filter((count) => count === 1).length > rounds / 2);
  });
}
