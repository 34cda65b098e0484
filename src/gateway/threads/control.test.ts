import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBodyMemory } from '../../adapters/http-server/body-budget.ts';
import { createBanMemory } from '../../adapters/memory/ban-cells.ts';
import { createCounterMemory, createSharedCounters } from '../../adapters/memory/counters.ts';
import { createReplayMemory } from '../../adapters/memory/replay-set.ts';
import { createUpstreamMemory } from '../../adapters/memory/upstream-memory.ts';
import { createMetricsMemory } from '../../observers/metrics/series.ts';
import { startWorkers, type Workers } from './control.ts';
import type { WorkerStart } from './messages.ts';

const SHORT = {
  confirmMs: 60,
  stuckMs: 150,
  checkMs: 20,
  entry: new URL('../../../test/support/stubborn-worker.ts', import.meta.url),
};

async function setUp(orders: readonly string[]) {
  const rows = orders.length + 1;
  const memory = {
    bans: createBanMemory(8, 's', 0),
    counters: createCounterMemory(64, rows, 's'),
    bodies: createBodyMemory(rows),
    metrics: createMetricsMemory(rows),
    replays: createReplayMemory(16, 's'),
    heartbeats: new SharedArrayBuffer(rows * 4),
  };
  const upstreamMemory = createUpstreamMemory(1, rows);
  const replaced: number[] = [];
  // The stubborn worker reads nothing else of its start.
  const startOf = (row: number) =>
    ({ row, memory, seq: 0, logFormat: orders[row], settings: { upstreamMemory } }) as unknown as WorkerStart;
  const workers = await startWorkers(
    orders.length,
    startOf,
    {
      lines: () => undefined,
      recordPort: () => undefined,
      uses: () => undefined,
      usage: () => undefined,
      budget: () => undefined,
      tokenUses: () => undefined,
      permissionUses: () => undefined,
      askIssuer: () => Promise.resolve(),
      series: () => undefined,
      places: () => undefined,
      counters: () => undefined,
      journal: () => undefined,
      replaced: (row) => void replaced.push(row),
      ended: () => undefined,
    },
    SHORT,
  );
  return { workers, memory, replaced };
}

const readyAgain = async (workers: Workers, count: number): Promise<void> => {
  while (workers.states().filter(({ isReady }) => isReady).length < count)
    await new Promise((resolve) => setImmediate(resolve));
};

test('a change is acknowledged once every live worker has confirmed it', async () => {
  const { workers, replaced } = await setUp(['good', 'good', 'good']);
  assert.deepEqual(await workers.change([]), { confirmed: 3, replaced: 0 });
  assert.equal(workers.seq(), 1);
  assert.deepEqual(
    workers.states().map(({ confirmedSeq }) => confirmedSeq),
    [1, 1, 1],
  );
  await workers.drain(0);
  assert.deepEqual(replaced, []);
});

for (const order of ['mute', 'stuck', 'dies'] as const) {
  test(`a worker that is ${order} at a change is replaced by one that knows it, and the answer says so`, async () => {
    const { workers, replaced, memory } = await setUp(['good', order]);
    const counters = createSharedCounters(memory.counters, 1);
    counters.acquire(counters.keyOf('held by the bad one'), 5, Date.now());
    assert.equal(counters.held(), 1);
    assert.deepEqual(await workers.change([]), { confirmed: 1, replaced: 1 });
    assert.deepEqual(replaced, [1]);
    await readyAgain(workers, 2);
    assert.equal(counters.held(), 0, 'what it held is given back');
    assert.deepEqual(await workers.change([]), { confirmed: 2, replaced: 0 });
    await workers.drain(0);
  });
}

test('a worker whose heart does not beat is replaced without any change', async () => {
  const { workers, replaced, memory } = await setUp(['good', 'good']);
  const beats = new Int32Array(memory.heartbeats);
  // As a stuck one would: its beat stays old, whatever it still writes is overwritten at once.
  const hold = setInterval(() => Atomics.store(beats, 0, -10_000), 1);
  while (replaced.length === 0) await new Promise((resolve) => setImmediate(resolve));
  clearInterval(hold);
  assert.equal(replaced[0], 0);
  await readyAgain(workers, 2);
  await workers.drain(0);
});

test('many changes at once are each acknowledged, and arrive in order', async () => {
  const { workers } = await setUp(['good', 'good']);
  const all = await Promise.all(Array.from({ length: 200 }, () => workers.change([])));
  assert.deepEqual([...new Set(all.map(({ confirmed }) => confirmed))], [2]);
  assert.equal(workers.seq(), 200);
  await workers.drain(0);
});
