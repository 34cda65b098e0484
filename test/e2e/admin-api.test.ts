import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { ask, CHAT, type Ask } from '../support/http.ts';
import { startTestGateway } from '../support/gateway.ts';

const WORKERS = 2;

const it = await startTestGateway({
  workers: WORKERS,
  plain: true,
  config: {
    limits: { perIp: { requestsPerMinute: 'none', connections: 4096 }, default: { requestsPerMinute: 'none' } },
  },
});
after(() => it[Symbol.asyncDispose]());
const { key: root } = await it.issue({ scopes: ['admin:read', 'admin:write', 'metrics:read'] });
const { key: caller } = await it.issue();

/** Asks the admin listener as an administrator, unless another key is given. */
const admin = (question: Ask) =>
  ask({ url: it.gateway.adminUrl, ca: it.ca, port: 0 }, { method: 'GET', key: root, ...question });

async function create(body: object = {}): Promise<{ id: string; key: string }> {
  const { status, json, text } = await admin({
    method: 'POST',
    path: '/api/v1/api-keys',
    body: { name: 'k', ...body },
  });
  assert.equal(status, 201, text);
  return { id: String(json?.['id']), key: String(json?.['key']) };
}

const models = (key: string) => ask(it, { method: 'GET', path: '/v1/models', key });

/** Runs a job a number of times, some at once. */
async function inLanes(lanes: number, count: number, job: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await job(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** A stream that has begun and will not end by itself. */
async function hangingStream(key: string): Promise<{ readonly answer: ReturnType<typeof ask> }> {
  it.simulator.misbehave({ kind: 'hang-stream' });
  const begun = Promise.withResolvers<void>();
  const answer = ask(it, { key, body: { ...CHAT, stream: true }, onData: () => begun.resolve() });
  await Promise.race([begun.promise, answer]);
  return { answer };
}

test('a thousand keys are made under load, and each can be used the moment its creation is answered', async () => {
  let isLoaded = true;
  const load = inLanes(4, Infinity, async () => {
    if (!isLoaded) throw new Error('done');
    assert.equal((await ask(it, { key: caller })).status, 200);
  }).catch((error: unknown) => error);
  const ids = new Set<string>();
  await inLanes(16, 1000, async () => {
    const { id, key } = await create();
    ids.add(id);
    const { status, text } = await models(key);
    assert.equal(status, 200, text);
  });
  isLoaded = false;
  assert.match(String(await load), /Error: done/);
  assert.equal(ids.size, 1000);
});

test('a revoked key is refused from the next request on, whichever worker gets it', async () => {
  const { id, key } = await create();
  const { headers } = await admin({ method: 'POST', path: `/api/v1/api-keys/${id}/revoke`, body: '' });
  assert.equal(headers['x-sallyport-workers'], `confirmed=${WORKERS}, replaced=0`);
  // Each request is a connection of its own, which the kernel gives to either worker.
  await inLanes(8, 40, async () => assert.equal((await models(key)).code, 'revoked_credential'));
});

for (const [what, path, body] of [
  ['revoking its key', '/revoke', ''],
  ['disabling its key', '/disable', ''],
  ['deleting its key', '', undefined],
] as const) {
  test(`${what} ends a running stream with revoked_credential`, async () => {
    const { id, key } = await create();
    const { answer } = await hangingStream(key);
    const method = path === '' ? 'DELETE' : 'POST';
    await admin({ method, path: `/api/v1/api-keys/${id}${path}`, ...(body === undefined ? {} : { body }) });
    const { status, text } = await answer;
    assert.equal(status, 200);
    assert.match(text, /data: \{"error":\{[^\n]*"code":"revoked_credential"[^\n]*\}\}\n\n/);
    assert.equal(it.simulator.running(), 0);
  });
}

test('disabling a tenant ends the streams of its keys and refuses them, and enabling it lets them in again', async () => {
  assert.equal((await admin({ method: 'POST', path: '/api/v1/tenants', body: { name: 'acme' } })).status, 201);
  const { key } = await create({ tenant: 'acme' });
  const { answer } = await hangingStream(key);
  await admin({ method: 'POST', path: '/api/v1/tenants/acme/disable', body: '' });
  assert.match((await answer).text, /"code":"revoked_credential"/);
  assert.equal((await models(key)).code, 'revoked_credential');
  await admin({ method: 'POST', path: '/api/v1/tenants/acme/enable', body: '' });
  assert.equal((await models(key)).status, 200);
});

test('a key works as it was changed from the next request on', async () => {
  const { id, key } = await create();
  assert.equal((await ask(it, { key })).status, 200);
  const edit = (body: object) => admin({ method: 'PATCH', path: `/api/v1/api-keys/${id}`, body });
  await edit({ models: ['other'] });
  assert.equal((await ask(it, { key })).code, 'model_not_allowed');
  await edit({ scopes: ['models:read'] });
  assert.equal((await ask(it, { key })).code, 'insufficient_scope');
  await edit({ allowIp: ['192.0.2.0/24'] });
  assert.equal((await models(key)).code, 'ip_denied');
});

test('rotation ends the value before at once, or lets both in for the overlap, and never ends a stream', async () => {
  const { id, key: first } = await create();
  const rotate = async (body: object) =>
    String((await admin({ method: 'POST', path: `/api/v1/api-keys/${id}/rotate`, body })).json?.['key']);
  const second = await rotate({ overlap: '1h' });
  assert.deepEqual([(await models(first)).status, (await models(second)).status], [200, 200]);
  const abort = new AbortController();
  it.simulator.misbehave({ kind: 'hang-stream' });
  const begun = Promise.withResolvers<void>();
  let text = '';
  const stream = ask(it, {
    key: second,
    body: { ...CHAT, stream: true },
    signal: abort.signal,
    onData(part) {
      text += part;
      begun.resolve();
    },
  }).catch((error: unknown) => error);
  await begun.promise;
  const third = await rotate({});
  assert.equal((await models(first)).code, 'invalid_credential');
  assert.equal((await models(second)).code, 'invalid_credential');
  assert.equal((await models(third)).status, 200);
  assert.doesNotMatch(text, /error/);
  abort.abort();
  await stream;
});

suite('the admin listener', () => {
  test('asks for a credential, checks its scopes, and takes it in x-api-key, too', async () => {
    const none = await admin({ path: '/api/v1/api-keys', key: undefined });
    assert.equal(none.json?.['code'], 'missing_credential');
    const foreign = await admin({ path: '/api/v1/api-keys', key: caller });
    assert.deepEqual([foreign.status, foreign.json?.['code']], [403, 'insufficient_scope']);
    const header = await admin({ path: '/api/v1/api-keys', key: undefined, headers: { 'x-api-key': root } });
    assert.equal(header.status, 200);
    const both = await admin({ path: '/api/v1/api-keys', headers: { 'x-api-key': caller } });
    assert.equal(both.json?.['code'], 'ambiguous_credential');
  });

  test('lets a revoked administrator in no more', async () => {
    const { id, key } = await create({ scopes: ['admin:read'] });
    assert.equal((await admin({ path: '/api/v1/instances', key })).status, 200);
    await admin({ method: 'POST', path: `/api/v1/api-keys/${id}/revoke`, body: '' });
    assert.equal((await admin({ path: '/api/v1/instances', key })).json?.['code'], 'revoked_credential');
  });

  test('shows the workers, the upstream and the configuration', async () => {
    const instances = await admin({ path: '/api/v1/instances' });
    assert.equal(JSON.parse(instances.text).items[0].workers.length, WORKERS);
    const upstreams = await admin({ path: '/api/v1/upstreams' });
    assert.deepEqual(JSON.parse(upstreams.text).items[0].models, ['tiny']);
    const config = await admin({ path: '/api/v1/config' });
    assert.equal(JSON.parse(config.text).workers, WORKERS);
  });

  test('shows metrics to who has metrics:read', async () => {
    const { status, text } = await admin({ path: '/metrics' });
    assert.equal(status, 200);
    assert.match(text, /^# TYPE /m);
    assert.equal((await admin({ path: '/metrics', key: caller })).status, 403);
    const { name } = JSON.parse((await admin({ path: '/api/v1/upstreams' })).text).items[0] as { name: string };
    const engine = await admin({ path: `/metrics/upstreams/${name}` });
    assert.match(engine.text, new RegExp(`^vllm:num_requests_running\\{upstream="${name}",`, 'm'));
    assert.equal((await admin({ path: `/metrics/upstreams/${name}`, key: caller })).status, 403);
    assert.equal((await admin({ path: '/metrics/upstreams/nobody' })).status, 404);
  });

  test('refuses a body that is too large without reading it to its end', async () => {
    const answer = await admin({ method: 'POST', path: '/api/v1/api-keys', body: 'x'.repeat(200_000) });
    assert.deepEqual([answer.status, answer.json?.['code']], [413, 'body_too_large']);
  });
});

test('every change is in the log with who made it, and no value of a key is', async () => {
  const { id, key } = await create();
  const line = it.log.find((one) => one.includes('admin_change') && one.includes(id)) ?? '';
  assert.match(line, /"actor":"key:[0-9A-Za-z]{6}","action":"api-keys.create"/);
  assert.ok(!it.log.some((one) => one.includes(key.slice(10))));
});

test('the socket is for this user alone', () => {
  assert.equal(statSync(join(it.stateDir, 'admin.sock')).mode & 0o777, 0o600);
});
