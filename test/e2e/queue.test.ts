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

test('a worker that dies gives back the places that it held, and those who wait in the others get them', async () => {
  await using it = await behind({ concurrency: 3 }, { workers: 2 });
  const { key } = await it.issue();
  it.simulator.misbehave({ kind: 'hang', times: 3 });
  const hanging = Array.from({ length: 3 }, () => ask(it, { key }).catch(() => undefined));
  while (it.simulator.running() < 3) await new Promise((resolve) => setImmediate(resolve));
  const [view] = it.gateway.admin.upstreams();
  assert.equal(view?.outstanding, 3);
  const waiting = Array.from({ length: 6 }, () =>
    ask(it, { key }).then(
      ({ status }) => status,
      () => 0,
    ),
  );
  for (const row of [0, 1]) it.gateway.testing.killWorker(row);
  await Promise.all([...hanging, ...waiting]);
  while (it.gateway.testing.readyWorkers() < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await ask(it, { key })).status, 200);
  assert.equal(it.gateway.admin.upstreams()[0]?.outstanding, 0);
});
