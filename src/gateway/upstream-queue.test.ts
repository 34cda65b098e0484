import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../test/support/clock.ts';
import { createUpstreamMemory, renumbered } from '../adapters/memory/upstream-memory.ts';
import { createUpstreamPlaces } from '../adapters/memory/upstream-places.ts';
import { loadConfig } from '../config/load.ts';
import { startUpstreamQueue } from './upstream-queue.ts';

const configOf = (overrides: Record<string, unknown>) => {
  const loaded = loadConfig({ env: {}, overrides });
  assert.ok(loaded.ok);
  return loaded.config;
};

function setUp(upstreams: readonly Record<string, unknown>[], limits: Record<string, unknown> = {}) {
  const config = configOf({ upstreams, limits });
  const clock = settableClock();
  const memory = createUpstreamMemory(upstreams.length, 3);
  const places = createUpstreamPlaces(memory);
  const told: string[] = [];
  const queue = startUpstreamQueue(config, memory, {
    tell: (row, message) => void told.push(`${row}:${message.id} ${message.kind}`),
    clock,
  });
  const take = (row: number, tenant = 'a', upstream = 0) => places.take(row, upstream, tenant, clock.nowMs());
  const wait = (row: number, id: number, tenant = 'a', upstreams = [0]) =>
    queue.hear(row, { kind: 'wait', asked: { id, upstreams, tenant, priority: 'interactive' } });
  return { clock, memory, places, told, queue, take, wait };
}

test('the configured limit holds from the start', (t) => {
  const it = setUp([{ name: 'main', concurrency: 2 }]);
  t.after(() => it.queue.stop());
  assert.deepEqual([it.take(0), it.take(1), it.take(0)], [true, true, false]);
  assert.deepEqual(it.queue.load(0), { waiting: 0, limit: 2, engine: undefined, firstByteMs: undefined });
});

test('what a thread that ended gave back goes to those who wait in others, and its own are forgotten', (t) => {
  const it = setUp([{ name: 'main', concurrency: 1 }]);
  t.after(() => it.queue.stop());
  it.take(0);
  it.wait(0, 1);
  it.wait(1, 1);
  it.places.reclaim(0);
  it.queue.ended(0);
  assert.deepEqual([it.told, it.places.waiting(0)], [['1:1 granted'], 0]);
});

test('a tenant has as many turns as its configured weight says', (t) => {
  const it = setUp([{ name: 'main', concurrency: 1 }], { weights: { heavy: 3 } });
  t.after(() => it.queue.stop());
  it.take(0, 'other');
  for (let id = 1; id <= 4; id++) it.wait(0, id, 'heavy');
  for (let id = 1; id <= 4; id++) it.wait(1, id, 'light');
  for (const tenant of ['other', 'heavy', 'light', 'heavy', 'heavy']) {
    const before = it.told.length;
    it.places.giveBack(0, 0, tenant);
    it.queue.hear(0, { kind: 'freed', upstream: 0 });
    assert.equal(it.told.length, before + 1);
  }
  assert.equal(it.told.filter((line) => line.startsWith('0:')).length, 4);
});

test('a higher limit lets in who waits as soon as it is configured', (t) => {
  const it = setUp([{ name: 'main', concurrency: 1 }]);
  t.after(() => it.queue.stop());
  it.take(0);
  it.wait(0, 1);
  it.queue.configure(configOf({ upstreams: [{ name: 'main', concurrency: 2 }] }), it.memory);
  assert.deepEqual(it.told, ['0:1 granted']);
});

test('who waits for an upstream that left the configuration goes on to wait for it', (t) => {
  const it = setUp([{ name: 'old', concurrency: 1 }]);
  t.after(() => it.queue.stop());
  it.take(0);
  it.wait(0, 1);
  const next = renumbered(it.memory, ['old'], ['new']);
  assert.ok(next !== undefined);
  it.queue.configure(configOf({ upstreams: [{ name: 'new' }] }), next);
  it.places.giveBack(0, 0, 'a');
  it.queue.hear(0, { kind: 'freed', upstream: 0 });
  assert.deepEqual(it.told, ['0:1 granted']);
});

test('an upstream that has the number of one that left begins with nothing of what was found of it', (t) => {
  const it = setUp([{ name: 'old' }]);
  t.after(() => it.queue.stop());
  for (let i = 0; i < 6; i++) it.take(0);
  for (let i = 0; i < 3; i++) it.queue.loadSeen(0, { running: 2, waiting: 4, cacheUsage: undefined });
  assert.notEqual(it.queue.load(0).limit, undefined);
  for (let i = 0; i < 6; i++) it.places.giveBack(0, 0, 'a');
  const next = renumbered(it.memory, ['old'], ['new']);
  assert.deepEqual(next?.numbers, [0]);
  it.queue.configure(configOf({ upstreams: [{ name: 'new' }] }), next);
  const { limit, engine } = it.queue.load(0);
  assert.deepEqual([limit, engine], [undefined, undefined]);
});

test('where the memory is another one who waits is refused, for nobody would ever grant it a place', (t) => {
  const it = setUp([{ name: 'main', concurrency: 1 }]);
  t.after(() => it.queue.stop());
  it.take(0);
  it.wait(0, 1);
  it.queue.configure(configOf({ upstreams: [{ name: 'other' }] }), createUpstreamMemory(1, 3));
  assert.deepEqual(it.told, ['0:1 refused']);
});

test('an engine that queues gets less, never more than is configured, and what it says is shown', (t) => {
  const it = setUp([{ name: 'main', concurrency: 6 }]);
  t.after(() => it.queue.stop());
  for (let i = 0; i < 6; i++) it.take(0);
  assert.equal(it.queue.isBusy(0), true);
  const engine = { running: 3, waiting: 3, cacheUsage: 0.5 };
  it.queue.loadSeen(0, engine);
  assert.deepEqual([it.queue.load(0).limit, it.queue.load(0).engine], [3, engine]);
  for (let i = 0; i < 60; i++) it.queue.loadSeen(0, { running: 6, waiting: 0, cacheUsage: 0.5 });
  assert.equal(it.queue.load(0).limit, 6);
});

test('one that runs alone is not worth a question, and where adapting is off nothing is', (t) => {
  const it = setUp([{ name: 'main' }, { name: 'off', queue: { adaptive: false } }]);
  t.after(() => it.queue.stop());
  it.take(0);
  for (let i = 0; i < 5; i++) it.take(0, 'a', 1);
  assert.deepEqual([it.queue.isBusy(0), it.queue.isBusy(1)], [false, false]);
  it.queue.loadSeen(1, { running: 1, waiting: 9, cacheUsage: 1 });
  assert.equal(it.queue.load(1).limit, undefined);
});

test('while another one asks much, the places that it needed and one more are kept for a tenant that asks little', (t) => {
  const it = setUp([{ name: 'main', concurrency: 8 }]);
  t.after(() => it.queue.stop());
  for (const tenant of ['b', 'b', 'a', 'a', 'a', 'a']) assert.equal(it.take(0, tenant), true);
  it.queue.configure(configOf({ upstreams: [{ name: 'main', concurrency: 8 }] }), it.memory);
  it.places.giveBack(0, 0, 'b');
  assert.deepEqual(
    [1, 2].map(() => it.take(0, 'a')),
    [true, false],
  );
  assert.deepEqual(
    [1, 2, 3].map(() => it.take(1, 'b')),
    [true, true, false],
  );
});
