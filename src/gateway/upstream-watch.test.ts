import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { fakeUpstream } from '../../test/support/exchange.ts';
import { createUpstreamMemory } from '../adapters/memory/upstream-memory.ts';
import { createUpstreamStates } from '../adapters/memory/upstream-states.ts';
import { loadConfig } from '../config/load.ts';
import type { Upstream } from '../kernel/transport.ts';
import { watchUpstreams } from './upstream-watch.ts';

/** A watch of one upstream that answers as it is told. */
function setUp(t: TestContext) {
  const loaded = loadConfig({ env: {}, overrides: { upstreams: [{ name: 'main' }] } });
  assert.ok(loaded.ok);
  const told: string[] = [];
  let status = 200;
  const upstream: Upstream = {
    send({ path }, listener) {
      const text = path === '/version' ? '{"version":"0.33.0"}' : '{"data":[{"id":"tiny"}]}';
      setImmediate(() => {
        listener.head({ status, header: () => undefined });
        listener.chunk(Buffer.from(text));
        listener.end();
      });
      return fakeUpstream().send({ method: 'GET', path, headers: [], body: undefined }, listener);
    },
    close: () => undefined,
  };
  const watch = watchUpstreams(loaded.config, {
    upstreams: [upstream],
    states: createUpstreamStates(createUpstreamMemory(1, 1), 0),
    userAgent: 'sallyport/test',
    everyMs: 3_600_000,
    onNews: (known) => told.push(`news ${known.length}`),
    onDown: (index, why) => told.push(`down ${index}: ${why}`),
    onUp: (index) => told.push(`up ${index}`),
  });
  t.after(() => watch.stop());
  return { told, watch, answer: (next: number) => (status = next) };
}

test('an upstream that fails twice in a row is told once, and once that it answers again', async (t) => {
  const { told, watch, answer } = setUp(t);
  await watch.look();
  answer(500);
  await watch.look();
  assert.deepEqual(told, ['news 1']);
  await watch.look();
  await watch.look();
  assert.deepEqual(told, ['news 1', 'down 0: /v1/models answered 500']);
  answer(200);
  await watch.look();
  await watch.look();
  assert.deepEqual(told, ['news 1', 'down 0: /v1/models answered 500', 'up 0']);
});

test('one look that fails by chance is not told', async (t) => {
  const { told, watch, answer } = setUp(t);
  for (const status of [500, 200, 500, 200]) {
    answer(status);
    await watch.look();
  }
  assert.deepEqual(told, ['news 1']);
});

for (const status of [200, 500]) {
  test(`what a look that ended in ${status} has found after the watch was stopped is told to nobody`, async (t) => {
    const { told, watch, answer } = setUp(t);
    if (status === 500) {
      answer(status);
      await watch.look();
    }
    const looking = watch.look();
    watch.stop();
    await looking;
    assert.deepEqual(told, []);
  });
}
