import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, CHAT } from '../support/http.ts';

const OPEN = {
  limits: { default: { requestsPerMinute: 'none', concurrency: 'none' }, perIp: { requestsPerMinute: 'none' } },
};
const STREAM = { ...CHAT, stream: true };

/** Opens a stream that upstream leaves hanging; resolves once its first event is there. */
function openStream(it: TestGateway, key: string): Promise<{ ended: Promise<string>; abort: () => void }> {
  const controller = new AbortController();
  return new Promise((resolve) => {
    let text = '';
    const ended = ask(it, {
      key,
      body: STREAM,
      signal: controller.signal,
      onData(part) {
        text += part;
        resolve({ ended, abort: () => controller.abort() });
      },
    }).then(
      (answer) => answer.text,
      () => text,
    );
  });
}

const revoke = async (it: TestGateway, id: string, state: 'revoked' | 'disabled' | 'active') => {
  const record = it.gateway.admin.directory.apiKeys.get(id);
  assert.ok(record);
  return it.gateway.admin.commit([
    { kind: 'api-key', record: { ...record, state, version: record.version + 1 }, expectedVersion: record.version },
  ]);
};

test('a revoked key is refused on every worker from the next request on', async () => {
  await using it = await startTestGateway({ workers: 3, plain: true, config: OPEN });
  const { key, record } = await it.issue();
  for (let i = 0; i < 12; i++) assert.equal((await ask(it, { key })).status, 200);
  assert.deepEqual(await revoke(it, record.id, 'revoked'), { confirmed: 3, replaced: 0 });
  const answers = await Promise.all(Array.from({ length: 24 }, () => ask(it, { key })));
  assert.deepEqual([...new Set(answers.map(({ code }) => code))], ['revoked_credential']);
});

for (const state of ['revoked', 'disabled'] as const) {
  test(`the running streams of a key that is ${state} end with revoked_credential, those of others go on`, async () => {
    await using it = await startTestGateway({ workers: 2, plain: true, config: OPEN });
    const [one, other] = [await it.issue(), await it.issue()];
    it.simulator.misbehave({ kind: 'hang-stream', times: 5 });
    const streams = await Promise.all(Array.from({ length: 4 }, () => openStream(it, one.key)));
    const bystander = await openStream(it, other.key);
    await revoke(it, one.record.id, state);
    for (const { ended } of streams) {
      const last = (await ended).trimEnd().split('\n\n').at(-1) ?? '';
      assert.match(last, /"code":"revoked_credential"/);
    }
    assert.equal(it.simulator.running(), 1, 'upstream was aborted for the revoked key alone');
    bystander.abort();
    assert.doesNotMatch(await bystander.ended, /error/);
  });
}

test('a disabled key that is enabled again is let in', async () => {
  await using it = await startTestGateway({ plain: true, config: OPEN });
  const { key, record } = await it.issue();
  await revoke(it, record.id, 'disabled');
  assert.equal((await ask(it, { key })).code, 'revoked_credential');
  await revoke(it, record.id, 'active');
  assert.equal((await ask(it, { key })).status, 200);
});

test('disabling a tenant shuts out its keys and ends their streams', async () => {
  await using it = await startTestGateway({ plain: true, config: OPEN });
  const { key } = await it.issue();
  it.simulator.misbehave({ kind: 'hang-stream' });
  const stream = await openStream(it, key);
  const tenant = it.gateway.admin.directory.tenants.get('default');
  assert.ok(tenant);
  await it.gateway.admin.commit([
    {
      kind: 'tenant',
      record: { ...tenant, isDisabled: true, version: tenant.version + 1 },
      expectedVersion: tenant.version,
    },
  ]);
  assert.match(await stream.ended, /revoked_credential/);
  assert.equal((await ask(it, { key })).code, 'revoked_credential');
});

test('a worker that dies under load is replaced; the streams of the others go on and every counter returns to zero', async () => {
  await using it = await startTestGateway({
    workers: 3,
    plain: true,
    config: OPEN,
    simulator: { chunkIntervalMs: 20 },
  });
  const { key } = await it.issue();
  const body = { ...STREAM, max_tokens: 30 };
  const streams = Array.from({ length: 24 }, () =>
    ask(it, { key, body }).then(
      (answer) => answer.text,
      () => 'cut',
    ),
  );
  while (it.simulator.running() < 24) await new Promise((resolve) => setImmediate(resolve));
  it.gateway.testing.killWorker(1);
  const texts = await Promise.all(streams);
  const whole = texts.filter((text) => text.endsWith('data: [DONE]\n\n'));
  const cut = texts.length - whole.length;
  assert.ok(whole.length > 0, 'streams of the other workers went on');
  assert.ok(cut > 0 && cut < 24, `${cut} streams ran on the dead worker`);
  while (it.gateway.testing.readyWorkers() < 3) await new Promise((resolve) => setImmediate(resolve));
  const again = await Promise.all(Array.from({ length: 24 }, () => ask(it, { key })));
  assert.deepEqual([...new Set(again.map(({ status }) => status))], [200]);
  while (it.simulator.running() > 0 || it.gateway.testing.held() > 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(it.log.some((line) => line.includes('worker_replaced')));
});

test('a key that is made while a worker is being replaced is known to the new one', async () => {
  await using it = await startTestGateway({ workers: 2, plain: true, config: OPEN });
  it.gateway.testing.killWorker(0);
  const { key } = await it.issue();
  while (it.gateway.testing.readyWorkers() < 2) await new Promise((resolve) => setImmediate(resolve));
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(it, { key })));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
});

test('a clock that is not believed yet opens no window of a budget to a reload or a worker that is replaced', async (t) => {
  const DAY = 86_400_000;
  // The control plane began half a day ahead, so that every worker begins with a clock that it doubts.
  const wrong = t.mock.method(Date, 'now', () => Math.round(performance.timeOrigin + performance.now()) + DAY / 2);
  await using it = await startTestGateway({ workers: 1, plain: true, config: OPEN });
  const { key } = await it.issue({ limits: { budget: { tokens: 1_000, per: 'day' } } });
  wrong.mock.restore();
  assert.equal((await ask(it, { key })).status, 200);
  async function resetsInMs(): Promise<number> {
    const { json } = await ask(it, { key, method: 'GET', path: '/v1/usage' });
    const limits = json?.['limits'] as { name: string; resets_at: string }[];
    return Date.parse(limits.find(({ name }) => name === 'budget')?.resets_at ?? '') - Date.now();
  }
  async function isDoubted(): Promise<void> {
    const [found, expected] = [await resetsInMs(), DAY - ((Date.now() + DAY / 2) % DAY)];
    assert.ok(Math.abs(found - expected) < 5_000, `${found} rather than ${expected}`);
  }
  await isDoubted();
  await it.gateway.reload(it.config);
  await isDoubted();
  it.gateway.testing.killWorker(0);
  while (!it.log.some((line) => line.includes('worker_replaced')) || it.gateway.testing.readyWorkers() < 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await isDoubted();
});

test('after a reload that asks for another listener, a worker that is replaced listens as its siblings do', async () => {
  await using it = await startTestGateway({ workers: 1, plain: true, config: OPEN });
  const { key } = await it.issue();
  const next = loadConfig({
    env: {},
    overrides: {
      listen: { host: '0.0.0.0', port: 1, publicUrl: 'https://other.example' },
      admin: { port: 0 },
      upstreams: [{ name: 'simulator', url: it.simulator.url }],
      ...OPEN,
    },
  });
  assert.ok(next.ok);
  const needsRestart = await it.gateway.reload(next.config);
  assert.deepEqual(needsRestart, ['listen.host', 'listen.port', 'listen.tls', 'listen.publicUrl', 'workers']);
  it.gateway.testing.killWorker(0);
  while (!it.log.some((line) => line.includes('worker_replaced')) || it.gateway.testing.readyWorkers() < 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((await ask(it, { key })).status, 200);
  const elsewhere = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  if (elsewhere === undefined) return;
  await assert.rejects(ask({ ...it, url: `http://${elsewhere.address}:${it.port}` }, { key }), /ECONNREFUSED/);
});

test('a key that is revoked while a body arrives starts nothing', async () => {
  await using it = await startTestGateway({ workers: 1, plain: true });
  const { key, record } = await it.issue();
  const body = JSON.stringify(STREAM);
  const socket = connect(it.port, '127.0.0.1');
  let heard = '';
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('data', (part: Buffer) => (heard += part.toString()));
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, -1)}`,
  );
  // The counters tell that its head was let in: its connection, twice, and its unit of the concurrency.
  while (it.gateway.testing.held() < 3) await new Promise((resolve) => setImmediate(resolve));
  await revoke(it, record.id, 'revoked');
  socket.write(body.slice(-1));
  await closed;
  assert.match(heard, /revoked_credential/);
  assert.deepEqual(
    it.simulator.received().filter(({ method }) => method === 'POST'),
    [],
  );
});

test('a reload that names a file which is gone by then changes nothing', async (t) => {
  await using it = await startTestGateway({ plain: true, config: OPEN });
  const { key } = await it.issue();
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-reload-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const caFile = join(dir, 'ca.pem');
  writeFileSync(caFile, '');
  const next = loadConfig({
    env: {},
    overrides: { upstreams: [{ name: 'other', url: 'https://127.0.0.1:1', tls: { caFile } }] },
  });
  assert.ok(next.ok, JSON.stringify(next));
  rmSync(caFile);
  const before = it.gateway.admin.config();
  await assert.rejects(it.gateway.reload(next.config), /ca\.pem/);
  assert.deepEqual(it.gateway.admin.config(), before);
  assert.deepEqual(
    it.gateway.admin.upstreams().map(({ name, state }) => [name, state]),
    [['simulator', 'up']],
  );
  assert.equal((await ask(it, { key })).status, 200);
});
