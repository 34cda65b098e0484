import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeUpstream } from '../../test/support/exchange.ts';
import { loadConfig } from '../config/load.ts';
import type { EngineLoad } from '../vllm/engine-load.ts';
import { watchLoads } from './load-watch.ts';

const PAGE = 'vllm:num_requests_running 3\nvllm:num_requests_waiting 1\n';

function setUp(isBusy = true) {
  const loaded = loadConfig({ env: {}, overrides: { upstreams: [{ name: 'main', apiKey: 'its-key' }] } });
  assert.ok(loaded.ok);
  const upstream = fakeUpstream();
  const seen: (EngineLoad | undefined)[] = [];
  const watch = watchLoads(loaded.config, {
    upstreams: [upstream],
    userAgent: 'sallyport/0',
    isBusy: () => isBusy,
    onLoad: (_index, load) => seen.push(load),
  });
  const look = async (status = 200, text = PAGE): Promise<void> => {
    const looking = watch.look();
    const call = upstream.calls.at(-1);
    call?.listener.head({ status, header: () => undefined });
    call?.listener.chunk(Buffer.from(text));
    call?.listener.end();
    await looking;
  };
  return { upstream, seen, watch, look };
}

test('a busy upstream is asked for its load under the name of the gateway, with the key of the upstream', async (t) => {
  const it = setUp();
  t.after(() => it.watch.stop());
  await it.look();
  assert.deepEqual(it.seen, [{ running: 3, waiting: 1, cacheUsage: undefined }]);
  const { request } = it.upstream.calls[0] ?? assert.fail('it was not asked');
  assert.deepEqual([request.method, request.path], ['GET', '/metrics']);
  assert.deepEqual(request.headers.slice(0, 2), ['user-agent', 'sallyport/0']);
  assert.ok(request.headers.includes('Bearer its-key'));
});

test('one that has nothing to do is not asked', async (t) => {
  const it = setUp(false);
  t.after(() => it.watch.stop());
  await it.watch.look();
  assert.deepEqual([it.upstream.calls.length, it.seen], [0, [undefined]]);
});

test('one that is late with its answer is not asked a second time', async (t) => {
  const it = setUp();
  t.after(() => it.watch.stop());
  const late = it.watch.look();
  await it.watch.look();
  assert.equal(it.upstream.calls.length, 1);
  it.upstream.calls[0]?.listener.fault('timeout');
  await late;
  assert.deepEqual(it.seen, [undefined]);
});

test('what an upstream says after the watch was stopped is told to nobody', async () => {
  const it = setUp();
  const late = it.watch.look();
  it.watch.stop();
  it.upstream.calls[0]?.listener.fault('timeout');
  await late;
  assert.deepEqual(it.seen, []);
});

for (const { name, status, text } of [
  { name: 'answers another status', status: 404, text: PAGE },
  { name: 'does not tell', status: 200, text: 'go_goroutines 3\n' },
]) {
  test(`one that ${name} is left in peace for thirty looks`, async (t) => {
    const it = setUp();
    t.after(() => it.watch.stop());
    await it.look(status, text);
    for (let i = 0; i < 30; i++) await it.watch.look();
    assert.equal(it.upstream.calls.length, 1);
    await it.look();
    assert.deepEqual([it.upstream.calls.length, it.seen.at(-1)?.running], [2, 3]);
  });
}
