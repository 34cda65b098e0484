import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../support/gateway.ts';
import { ask, CHAT } from '../support/http.ts';

const OPEN = {
  limits: { default: { requestsPerMinute: 'none', concurrency: 'none' }, perIp: { requestsPerMinute: 'none' } },
};
const ENGINE = { maxNumSeqs: 64, prefillMs: 5, chunkIntervalMs: 1 };

const behind = (upstream: Record<string, unknown>, options: TestGatewayOptions = {}): Promise<TestGateway> =>
  startTestGateway({
    workers: 3,
    plain: true,
    config: OPEN,
    upstreams: [{ name: 'main', ...upstream }],
    simulator: ENGINE,
    ...options,
  });

const statusesOf = (answers: readonly { readonly status: number }[]) => [
  ...new Set(answers.map(({ status }) => status)),
];

/** Two keys of two tenants. */
async function tenantsOf(it: TestGateway): Promise<{ flood: string; small: string }> {
  const { admin } = it.gateway;
  for (const id of ['flood', 'small']) {
    const known = admin.directory.tenants.get('default');
    assert.ok(known);
    await admin.commit([{ kind: 'tenant', record: { ...known, id, version: 1 }, expectedVersion: 0 }]);
  }
  const [flood, small] = [await it.issue({ tenant: 'flood' }), await it.issue({ tenant: 'small' })];
  return { flood: flood.key, small: small.key };
}

test('an upstream never gets more than its concurrency, over all workers, and nobody is refused for it', async () => {
  await using it = await behind({ concurrency: 4 });
  const { key } = await it.issue();
  const streams = Array.from({ length: 60 }, (_, i) => ask(it, { key, body: { ...CHAT, stream: i % 2 === 0 } }));
  assert.deepEqual(statusesOf(await Promise.all(streams)), [200]);
  const { peak, running } = it.simulator.load();
  assert.deepEqual([peak, running], [4, 0]);
});

test('a tenant that floods fills the queue, and another one still gets its answers soon', async () => {
  await using it = await behind({ concurrency: 2, queue: { size: 40, deadline: '30s' } });
  const { flood, small } = await tenantsOf(it);
  const ends: string[] = [];
  const floods = Array.from({ length: 42 }, () => ask(it, { key: flood }).then(() => ends.push('flood')));
  while (it.simulator.load().running < 2) await new Promise((resolve) => setImmediate(resolve));
  const answer = await ask(it, { key: small });
  assert.equal(answer.status, 200);
  // Only how many went before it is judged, not the time.
  assert.ok(ends.length < 20, `${ends.length} of the flood went before it`);
  await Promise.all(floods);
});

test('what finds the queue full is refused with the time to try again', async () => {
  await using it = await behind({ concurrency: 1, queue: { size: 1 } });
  const { key } = await it.issue();
  it.simulator.misbehave({ kind: 'hang', times: 1 });
  const stuck = new AbortController();
  const hanging = ask(it, { key, signal: stuck.signal }).catch(() => undefined);
  while (it.simulator.running() < 1) await new Promise((resolve) => setImmediate(resolve));
  const waiting = Array.from({ length: 2 }, () => ask(it, { key }));
  const refused = await Promise.race(waiting);
  assert.deepEqual([refused.status, refused.code], [503, 'overloaded']);
  assert.match(refused.headers['retry-after'] ?? '', /^[1-9]\d*$/);
  stuck.abort();
  await hanging;
  assert.deepEqual(statusesOf(await Promise.all(waiting)).sort(), [200, 503]);
});

test('workers that die give back the places that they held and those that they waited for', async () => {
  await using it = await behind({ concurrency: 3 }, { workers: 2 });
  const { key } = await it.issue();
  it.simulator.misbehave({ kind: 'hang', times: 3 });
  const lost = Array.from({ length: 6 }, () => ask(it, { key }).catch(() => undefined));
  const view = () => it.gateway.admin.upstreams()[0];
  // A place is held before its request is sent: one that died before that would leave its order to the last request.
  const isHanging = () => view()?.waiting === 3 && it.simulator.running() === 3;
  while (view()?.outstanding !== 3 || !isHanging()) await new Promise((resolve) => setImmediate(resolve));
  for (const row of [0, 1]) it.gateway.testing.killWorker(row);
  await Promise.all(lost);
  const replaced = () => it.log.filter((line) => line.includes('worker_replaced')).length;
  while (replaced() < 2 || it.gateway.testing.readyWorkers() < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([view()?.outstanding, view()?.waiting], [0, 0]);
  assert.equal((await ask(it, { key })).status, 200);
});

test('an engine that queues is found out, its requests then wait here, and that is told', async () => {
  await using it = await behind({}, { simulator: { maxNumSeqs: 2, prefillMs: 100, chunkIntervalMs: 20 } });
  const { key } = await it.issue();
  let isOver = false;
  const callers = Array.from({ length: 12 }, async () => {
    while (!isOver) assert.equal((await ask(it, { key, body: { ...CHAT, stream: true } })).status, 200);
  });
  // As many as the engine computes are let in, and the rest waits here.
  for (;;) {
    const [view] = it.gateway.admin.upstreams();
    if (view?.limit !== undefined && view.waiting >= 8 && it.simulator.load().waiting === 0) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(it.gateway.admin.metrics(), /^sallyport_upstream_limit\{upstream="main"\} [234]$/m);
  assert.equal(it.gateway.admin.upstreams()[0]?.engine !== undefined, true);
  isOver = true;
  await Promise.all(callers);
});

test('an upstream that is told not to adapt is asked for nothing and limited by nothing', async () => {
  await using it = await behind({ queue: { adaptive: false } }, { simulator: { maxNumSeqs: 1, prefillMs: 300 } });
  const { key } = await it.issue();
  await Promise.all(Array.from({ length: 6 }, () => ask(it, { key })));
  assert.equal(it.gateway.admin.upstreams()[0]?.limit, undefined);
  assert.ok(it.simulator.received().every(({ path }) => path !== '/metrics'));
});
