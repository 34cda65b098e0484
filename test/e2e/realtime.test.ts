import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { createCa, createLeaf } from '../../src/adapters/tls/self-signed.ts';
import { SCOPES } from '../../src/kernel/scope.ts';
import type { MisbehaviourOrder } from '../../src/simulator/misbehaviour.ts';
import { frame } from '../contracts/socket.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { startProduct } from '../support/product.ts';
import { openRealtime, pcm, Refused, type RealtimeAsk, type RealtimeClient } from '../support/web-socket.ts';

const PATH = '/v1/realtime';
const ORIGIN = 'https://app.example';
const UPDATE = { type: 'session.update', model: 'tiny' };
const COMMIT = { type: 'input_audio_buffer.commit' };
const FINAL = { ...COMMIT, final: true };
const append = (value = 0) => ({ type: 'input_audio_buffer.append', audio: pcm(160, value) });

let it: TestGateway;
/** May have as many sockets as it likes. */
let key: string;
before(async () => {
  it = await startTestGateway({
    plain: true,
    workers: 2,
    config: {
      listen: { cors: { origins: [ORIGIN] } },
      limits: { perIp: { requestsPerMinute: 'none', failuresPerMinute: 'none' } },
    },
  });
  ({ key } = await it.issue({ scopes: ['inference:realtime'], models: ['tiny'], caps: { sockets: 50 } }));
});
after(() => it[Symbol.asyncDispose]());
beforeEach(() => {
  it.simulator.clearReceived();
  it.simulator.clearMisbehaviours();
});

/** What upstream was asked, of the route alone. */
const arrived = () => it.simulator.received().filter(({ path }) => path.startsWith(PATH));
const framesUp = () => arrived().flatMap(({ frames = [] }) => frames.map((text) => JSON.parse(text) as object));

/** Nothing of any session is held any more: not here, not upstream. */
async function isQuiet(of = it): Promise<void> {
  const connections = () => of.simulator.running();
  for (let i = 0; i < 500 && (of.gateway.testing.held() > 0 || connections() > 0); i++) await setTimeout(10);
  assert.deepEqual([of.gateway.testing.held(), connections()], [0, 0]);
}

async function refusal(asked: RealtimeAsk): Promise<Refused> {
  const error: unknown = await openRealtime(it, asked).catch((problem: unknown) => problem);
  assert.ok(error instanceof Refused, 'the socket was opened');
  return error;
}

/** The one line of the log that tells of a session. */
async function lineOf(client: RealtimeClient): Promise<string> {
  const requestId = String(client.events[0]?.['id']).replace('sess-', '');
  let lines: string[] = [];
  for (let i = 0; i < 500 && lines.length === 0; i++) {
    await setTimeout(10);
    lines = it.log.filter((line) => line.includes(requestId));
  }
  assert.equal(lines.length, 1);
  return lines[0] ?? '';
}

/** The last event of a session that was refused, and the code of its close. */
async function endOf(client: RealtimeClient): Promise<{ code: unknown; param: unknown; close: number }> {
  const close = await client.closed;
  const last = client.events.at(-1);
  assert.equal(last?.type, 'error', JSON.stringify(client.events));
  const error = last['error'] as Record<string, unknown>;
  assert.equal(error['code'], last['code']);
  assert.match(String(error['request_id']), /^[0-9a-f-]{36}$/);
  return { code: last['code'], param: error['param'], close };
}

test('audio becomes text, in the events of vLLM and with an id of the gateway', async () => {
  await using client = await openRealtime(it, { key });
  const created = await client.next('session.created');
  assert.match(String(created['id']), /^sess-[0-9a-f-]{36}$/);
  for (const event of [UPDATE, COMMIT, append(1), append(2), append(3), FINAL]) client.send(event);
  const done = await client.next('transcription.done');
  const deltas = client.events.filter(({ type }) => type === 'transcription.delta').map(({ delta }) => delta);
  assert.equal(deltas.length, 3);
  assert.equal(done['text'], deltas.join(''));
  assert.deepEqual(done['usage'], { prompt_tokens: 3, total_tokens: 6, completion_tokens: 3 });
  assert.deepEqual(framesUp(), [UPDATE, { ...COMMIT, final: false }, append(1), append(2), append(3), FINAL]);
  // A second one on the same socket.
  for (const event of [COMMIT, append(1), FINAL]) client.send(event);
  assert.equal((await client.next('transcription.done'))['text'], deltas[0]);
});

test('upstream gets a handshake of our own: neither credential, nor origin, nor query, nor anything else of the caller', async () => {
  const headers = { origin: ORIGIN, 'x-request-id': 'mine', 'user-agent': 'callers', cookie: 'a=b' };
  await using client = await openRealtime(it, { key, path: `${PATH}?model=foreign&x=y`, headers });
  client.send(UPDATE);
  client.send(FINAL);
  await client.next('transcription.done');
  const [request, ...others] = arrived();
  assert.ok(request !== undefined && others.length === 0);
  assert.equal(request.path, PATH);
  assert.deepEqual(request.headers.map(([name]) => name.toLowerCase()).sort(), [
    'connection',
    'host',
    'sec-websocket-key',
    'sec-websocket-version',
    'upgrade',
    'x-request-id',
  ]);
  assert.doesNotMatch(JSON.stringify(request.headers), /mine|callers|app\.example/);
});

test('over TLS, before an upstream that speaks TLS and wants a key, and with the stock OpenAI SDK', async () => {
  const nowMs = Date.now();
  const ca = await createCa(nowMs);
  const leaf = await createLeaf(ca, ['127.0.0.1'], nowMs);
  const tls = { cert: leaf.certPem, key: leaf.keyPem };
  const upstream = await startSimulator({ host: '127.0.0.1', port: 0, tls, apiKey: 'upstream-key', keepBodies: true });
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-realtime-'));
  const caFile = join(dir, 'ca.pem');
  writeFileSync(caFile, ca.certPem);
  await using own = await startTestGateway({
    upstreams: [{ name: 'tls', url: upstream.url, apiKey: 'upstream-key', tls: { caFile } }],
  });
  const issued = await own.issue({ scopes: ['inference:realtime'] });
  await using client = await openRealtime(own, { key: issued.key });
  client.send(UPDATE);
  for (const event of [COMMIT, append(), FINAL]) client.send(event);
  assert.match(String((await client.next('transcription.done'))['text']), /^\w+$/);
  client.socket.close();
  await client.closed;
  await isQuiet(own);
  // The SDK speaks TLS only.
  const sdk = new OpenAI({ baseURL: `${own.url}/v1`, apiKey: issued.key, maxRetries: 0 });
  const socket = await OpenAIRealtimeWS.create(sdk, { model: 'tiny', options: { ca: own.ca ?? '' } });
  const refused = new Promise<string>((resolve) => socket.on('error', ({ message }) => resolve(message)));
  await new Promise((resolve) => socket.on('session.created', resolve));
  socket.send({ type: 'response.create' });
  assert.match(await refused, /session\.update/);
  socket.close();
  await upstream.close();
  rmSync(dir, { recursive: true });
});

// Before the socket: ordinary answers, in the order of the contract.

for (const [name, asked, status, code] of [
  ['without a credential', {}, 401, 'missing_credential'],
  ['with a wrong credential', { key: `sp_Ab12cd_${'x'.repeat(38)}` }, 401, 'invalid_credential'],
  [
    'with a key in a subprotocol',
    { protocols: ['realtime', 'openai-insecure-api-key.sp_x'] },
    401,
    'missing_credential',
  ],
  [
    'without a credential and with a foreign origin',
    { headers: { origin: 'https://evil.example' } },
    401,
    'missing_credential',
  ],
] as const) {
  test(`a handshake ${name} is ${status} ${code}`, async () => {
    const error = await refusal(asked);
    assert.deepEqual([error.status, JSON.parse(error.body).error.code], [status, code]);
    assert.equal(arrived().length, 0);
  });
}

test('a key in a subprotocol is no credential even where it is a valid one, and stands in no log', async () => {
  const error = await refusal({ protocols: ['realtime', `openai-insecure-api-key.${key}`] });
  assert.equal(error.status, 401);
  assert.doesNotMatch(it.log.join('\n'), new RegExp(key));
});

test('a key without the scope is 403 insufficient_scope, whatever the handshake', async () => {
  const { key: other } = await it.issue({ scopes: SCOPES.filter((one) => one !== 'inference:realtime') });
  for (const headers of [{}, { origin: 'https://evil.example' }]) {
    const error = await refusal({ key: other, headers });
    assert.deepEqual([error.status, JSON.parse(error.body).error.code], [403, 'insufficient_scope']);
    assert.match(String(error.headers['www-authenticate']), /scope="inference:realtime"/);
  }
});

test('a page of a foreign origin opens no socket, one of a listed origin does', async () => {
  for (const origin of ['https://evil.example', 'null', `${ORIGIN}.evil.example`]) {
    const error = await refusal({ key, headers: { origin } });
    assert.deepEqual([error.status, JSON.parse(error.body).error.code], [400, 'invalid_request']);
  }
  await using client = await openRealtime(it, { key, headers: { origin: ORIGIN } });
  await client.next('session.created');
});

test('the subprotocol realtime is spoken, no other one is', async () => {
  await using client = await openRealtime(it, { key, protocols: ['realtime', 'openai-beta.realtime-v1'] });
  assert.equal(client.socket.protocol, 'realtime');
  assert.equal(client.socket.extensions, '');
});

test('without an upgrade it is 426 with the protocol that is spoken; another method is 405', async () => {
  const plain = await ask(it, { method: 'GET', path: PATH, key });
  assert.deepEqual([plain.status, plain.code], [426, 'upgrade_required']);
  assert.equal(plain.headers.upgrade, 'websocket');
  assert.equal(plain.headers['sec-websocket-version'], '13');
  assert.match(plain.headers.connection ?? '', /upgrade/);
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const answer = await ask(it, { method, path: PATH, key, body: '{}' });
    assert.deepEqual([answer.status, answer.code, answer.headers.allow], [405, 'method_not_allowed', 'GET']);
  }
});

test('an API key has one socket by default, over all workers, and a new one once the old one has ended', async () => {
  const { key: own } = await it.issue({ scopes: ['inference:realtime'] });
  const first = await openRealtime(it, { key: own });
  for (let i = 0; i < 6; i++) {
    const error = await refusal({ key: own });
    assert.deepEqual([error.status, JSON.parse(error.body).error.code], [429, 'concurrency_limited']);
    assert.equal(error.headers['retry-after'], '1');
  }
  first.socket.close();
  await first.closed;
  await isQuiet();
  const second = await openRealtime(it, { key: own });
  second.socket.terminate();
  await isQuiet();
  const third = await openRealtime(it, { key: own });
  third.socket.terminate();
  await isQuiet();
});

test('of many handshakes at once as many pass as the key has sockets', async () => {
  const { key: own } = await it.issue({ scopes: ['inference:realtime'], caps: { sockets: 3 } });
  const all = await Promise.all(
    Array.from({ length: 20 }, () => openRealtime(it, { key: own }).catch((error: unknown) => error)),
  );
  const open = all.filter((one) => !(one instanceof Error)) as RealtimeClient[];
  assert.equal(open.length, 3);
  for (const client of open) client.socket.terminate();
  await isQuiet();
});

test('a session holds one of the concurrency as long as it lasts', async () => {
  const { key: own } = await it.issue({
    scopes: ['inference:realtime', 'models:read'],
    limits: { requestsPerMinute: undefined, concurrency: 1 },
  });
  const client = await openRealtime(it, { key: own });
  const answer = await ask(it, { method: 'GET', path: '/v1/models', key: own });
  assert.deepEqual([answer.status, answer.code], [429, 'concurrency_limited']);
  client.socket.close();
  await client.closed;
  await isQuiet();
  assert.equal((await ask(it, { method: 'GET', path: '/v1/models', key: own })).status, 200);
});

// Raw handshakes.

const HEAD = (own = key) =>
  `GET ${PATH} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${own}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

const answersIn = (text: string): number => text.match(/HTTP\/1\.1 \d{3} /g)?.length ?? 0;

/** Sends bytes; what came until the gateway closed, or until it is as wished. */
function exchange(bytes: string | Buffer, isEnough: (text: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = connect(it.port, '127.0.0.1');
    let text = '';
    socket.on('data', (part: Buffer) => {
      text += part.toString('latin1');
      if (isEnough(text)) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    socket.write(bytes);
  });
}

for (const [name, change, status] of [
  ['without version', [/Sec-WebSocket-Version.*\r\n/, ''], 426],
  ['of version 8', ['Version: 13', 'Version: 8'], 426],
  ['with two versions', ['Version: 13\r\n', 'Version: 13\r\nSec-WebSocket-Version: 8\r\n'], 426],
  ['to h2c', ['websocket\r', 'h2c\r'], 426],
  ['over HTTP/1.0', ['HTTP/1.1', 'HTTP/1.0'], 426],
  ['without the connection option', [/Connection.*\r\n/, ''], 400],
  ['without key', [/Sec-WebSocket-Key.*\r\n/, ''], 400],
  ['with a short key', ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZQ=='], 400],
  ['with two keys', [/(Sec-WebSocket-Key.*\r\n)/, '$1$1'], 400],
  ['with two upgrades', ['Upgrade: websocket\r\n', 'Upgrade: websocket\r\nUpgrade: websocket\r\n'], 400],
  ['with a length', ['\r\n\r\n', '\r\nContent-Length: 3\r\n\r\nabc'], 400],
  ['with chunks', ['\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'], 400],
  ['by POST', ['GET', 'POST'], 405],
  ['on /v1/models', [PATH, '/v1/models'], 426],
  ['on /v1/responses', [PATH, '/v1/responses'], 426],
  ['on /metrics', [PATH, '/metrics'], 403],
  ['on another spelling of the path', [PATH, `${PATH}/`], 404],
] as const) {
  test(`a handshake ${name} is ${status}, ends the connection, and nothing behind it is read`, async () => {
    const models = await it.issue({ scopes: ['inference:realtime', 'models:read', 'inference:responses'] });
    const [from, to] = change;
    const behind = `GET /v1/models HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${models.key}\r\n\r\n`;
    const text = await exchange(
      HEAD(models.key).replace(from, to) + behind + frame(1, JSON.stringify(UPDATE)).toString(),
    );
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.equal(answersIn(text), 1, text);
    assert.equal(arrived().length, 0);
  });
}

test('frames that come with the handshake are the session, and a request there is no request', async () => {
  const frames = [UPDATE, COMMIT, append(), FINAL].map((event) => frame(1, JSON.stringify(event)));
  const text = await exchange(Buffer.concat([Buffer.from(HEAD()), ...frames]), (heard) =>
    heard.includes('transcription.done'),
  );
  assert.match(text, /^HTTP\/1\.1 101 /);
  assert.equal(framesUp().length, 4);
  it.simulator.clearReceived();
  const smuggled = await exchange(
    `${HEAD()}POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n`,
  );
  assert.match(smuggled, /^HTTP\/1\.1 101 /);
  assert.equal(answersIn(smuggled), 1);
  assert.match(smuggled, /"code":"invalid_request"/);
  assert.equal(it.simulator.received().length, 0);
  await isQuiet();
});

test('an answer to a handshake has our headers', async () => {
  const text = await exchange(HEAD(), (heard) => heard.includes('session.created'));
  for (const name of ['x-request-id', 'x-content-type-options', 'cache-control', 'ratelimit'])
    assert.match(text, new RegExp(`\r\n${name}: `), name);
});

// Inside the socket.

for (const [name, send, code, close] of [
  ['audio before a model', append(), 'model_not_allowed', 1008],
  ['a model that was not granted', { ...UPDATE, model: 'other' }, 'model_not_allowed', 1008],
  ['no model', { type: 'session.update' }, 'model_not_allowed', 1008],
  ['an event of OpenAI that vLLM does not know', { type: 'response.create' }, 'invalid_field', 1008],
  ['an unknown field', { ...UPDATE, priority: 1 }, 'unknown_field', 1008],
  ['text that is no JSON', 'hello', 'invalid_json', 1008],
  ['a key twice', '{"type":"session.update","model":"tiny","model":"other"}', 'duplicate_key', 1008],
  ['half a surrogate', '{"type":"session.update","model":"\\ud800"}', 'invalid_encoding', 1008],
  ['a list', '[{"type":"session.update"}]', 'invalid_json', 1008],
  ['a binary frame', Buffer.from('{}'), 'unsupported_media_type', 1003],
  ['a frame beyond 64 KiB', 'x'.repeat(64 * 1024 + 1), 'body_too_large', 1009],
] as const) {
  test(`${name} is ${code}, then the socket closes with ${close}, and upstream hears nothing`, async () => {
    const client = await openRealtime(it, { key });
    client.send(send);
    const end = await endOf(client);
    assert.deepEqual([end.code, end.close], [code, close]);
    assert.equal(arrived().length, 0);
    await isQuiet();
  });
}

for (const [name, bytes, code, close] of [
  ['an unmasked frame', frame(1, '{}', { isMasked: false }), 'invalid_request', 1002],
  ['a reserved bit', frame(1, '{}', { reserved: 0x40 }), 'invalid_request', 1002],
  ['a ping of 126 bytes', frame(9, 'a'.repeat(126)), 'invalid_request', 1002],
  ['bytes that are not UTF-8', frame(1, Buffer.from('ff', 'hex')), 'invalid_encoding', 1007],
] as const) {
  test(`${name} on the wire is ${code}, then a close with ${close}`, async () => {
    const text = await exchange(Buffer.concat([Buffer.from(HEAD()), bytes]));
    assert.match(text, new RegExp(`"code":"${code}"`));
    assert.equal(Buffer.from(text.slice(-2), 'latin1').readUInt16BE(), close);
    await isQuiet();
  });
}

for (const audio of ['AAA', 'AAAA', 'A*AA', '', 'AAB=']) {
  test(`the audio ${JSON.stringify(audio)} is invalid_field at audio`, async () => {
    const client = await openRealtime(it, { key });
    client.send(UPDATE);
    client.send({ type: 'input_audio_buffer.append', audio });
    const end = await endOf(client);
    assert.deepEqual([end.code, end.param, end.close], ['invalid_field', 'audio', 1008]);
    assert.ok(!JSON.stringify(framesUp()).includes('append'));
    await isQuiet();
  });
}

test('audio faster than the rate is rate_limited, over a second socket of the key, too', async () => {
  const { key: own } = await it.issue({ scopes: ['inference:realtime'], caps: { sockets: 2 } });
  const client = await openRealtime(it, { key: own });
  const other = await openRealtime(it, { key: own });
  client.send(UPDATE);
  const event = { type: 'input_audio_buffer.append', audio: Buffer.alloc(48_000).toString('base64') };
  const text = JSON.stringify(event);
  for (let i = 0; i < 180; i++) client.send(text);
  assert.deepEqual(await endOf(client), { code: 'rate_limited', param: null, close: 1008 });
  other.send(UPDATE);
  for (let i = 0; i < 20 && other.socket.readyState === other.socket.OPEN; i++) other.send(text);
  assert.equal((await endOf(other)).code, 'rate_limited');
  await isQuiet();
});

test('a revoked key ends its running session on whatever worker, another one goes on', async () => {
  const { key: own, record } = await it.issue({ scopes: ['inference:realtime'] });
  const [client, bystander] = [await openRealtime(it, { key: own }), await openRealtime(it, { key })];
  client.send(UPDATE);
  bystander.send(UPDATE);
  const change = { ...record, state: 'revoked' as const, version: record.version + 1 };
  await it.gateway.admin.commit([{ kind: 'api-key', record: change, expectedVersion: record.version }]);
  assert.deepEqual(await endOf(client), { code: 'revoked_credential', param: null, close: 1008 });
  for (const event of [COMMIT, append(), FINAL]) bystander.send(event);
  await bystander.next('transcription.done');
  bystander.socket.close();
  await isQuiet();
});

for (const [taken, change, code] of [
  ['model', { models: ['other'] }, 'model_not_allowed'],
  ['scope', { scopes: ['models:read'] }, 'insufficient_scope'],
] as const) {
  test(`a ${taken} that was taken from a key is not used by its running session any more`, async () => {
    const { key: own, record } = await it.issue({ scopes: ['inference:realtime'] });
    const client = await openRealtime(it, { key: own });
    for (const event of [UPDATE, COMMIT, append(), FINAL]) client.send(event);
    await client.next('transcription.done');
    const changed = { ...record, ...change, version: record.version + 1 };
    await it.gateway.admin.commit([{ kind: 'api-key', record: changed, expectedVersion: record.version }]);
    client.send(COMMIT);
    assert.equal((await endOf(client)).code, code);
    await isQuiet();
  });
}

test('policies are judged at the handshake, when a model is named, and for each frame of a session that runs', async () => {
  const { key: own, record } = await it.issue({ scopes: ['inference:realtime'], models: ['tiny'] });
  const about = {
    tenants: [],
    groups: [],
    roles: [],
    keys: [record.id],
    users: [],
    issuers: [],
    scopes: [],
    models: [],
  };
  const set = async (version: number, effect: 'deny' | 'require', models: string[], addresses: string[]) => {
    const policy = { id: 'realtime', effect, target: { ...about, models }, conditions: { addresses }, createdAtMs: 0 };
    const change = {
      kind: 'policy',
      record: { ...policy, state: 'active', version },
      expectedVersion: version - 1,
    } as const;
    await it.gateway.admin.commit([change]);
  };
  await set(1, 'require', [], ['198.51.100.0/24']);
  assert.equal((await refusal({ key: own })).status, 403);
  await set(2, 'require', ['tiny'], ['198.51.100.0/24']);
  const named = await openRealtime(it, { key: own });
  named.send(UPDATE);
  assert.equal((await endOf(named)).code, 'condition_failed');
  await set(3, 'require', [], ['127.0.0.0/8']);
  const running = await openRealtime(it, { key: own });
  for (const event of [UPDATE, COMMIT, append(), FINAL]) running.send(event);
  await running.next('transcription.done');
  await set(4, 'deny', [], ['127.0.0.0/8']);
  running.send(COMMIT);
  assert.equal((await endOf(running)).code, 'condition_failed');
  await isQuiet();
});

test('a caller that vanishes ends the session upstream', async () => {
  const client = await openRealtime(it, { key });
  client.send(UPDATE);
  client.send(COMMIT);
  for (let i = 0; i < 500 && framesUp().length < 2; i++) await setTimeout(10);
  assert.equal(it.simulator.running(), 1);
  client.socket.terminate();
  await isQuiet();
});

// What upstream does wrong.

for (const [kind, code, close] of [
  ['garbage-sse', 'upstream_error', 1011],
  ['html', 'upstream_error', 1011],
  ['gzip', 'upstream_error', 1011],
  ['huge-event', 'upstream_error', 1011],
  ['cut-stream', 'upstream_error', 1011],
  ['early-close', 'upstream_error', 1011],
  ['reset', 'upstream_error', 1011],
  ['garbage', 'upstream_error', 1011],
  ['error-500', 'upstream_error', 1011],
  ['error-401', 'upstream_error', 1011],
  ['scaling-503', 'overloaded', 1011],
  ['error-404-model', 'unknown_model', 1008],
] as const satisfies readonly (readonly [MisbehaviourOrder['kind'], string, number])[]) {
  test(`an upstream that does "${kind}" is ${code} in our words, then the socket closes with ${close}`, async () => {
    it.simulator.misbehave({ kind, path: PATH });
    const client = await openRealtime(it, { key });
    for (const event of [UPDATE, COMMIT, append(), append(), append(), append()]) client.send(event);
    const end = await endOf(client);
    assert.deepEqual([end.code, end.close], [code, close]);
    await isQuiet();
    const line = await lineOf(client);
    assert.match(line, new RegExp(`"status":101,"code":"${code}","outcome":"fault","upstream":"simulator"`));
  });
}

test('errors of vLLM come in our words, and what nobody knows is dropped', async () => {
  for (const kind of ['leak-path-error', 'odd-headers'] as const) {
    it.simulator.misbehave({ kind, path: PATH });
    await using client = await openRealtime(it, { key });
    for (const event of [UPDATE, COMMIT, append(), FINAL]) client.send(event);
    await client.next(kind === 'odd-headers' ? 'transcription.done' : 'error');
    const types = new Set(client.events.map(({ type }) => type));
    assert.ok(types.isSubsetOf(new Set(['session.created', 'transcription.delta', 'transcription.done', 'error'])));
    assert.doesNotMatch(JSON.stringify(client.events), /0x7f|secret|Traceback|10\.0\.0\.1|processing_error/);
  }
});

test('an upstream that is not there is upstream_unreachable inside the socket', async () => {
  await using own = await startTestGateway({ plain: true, upstreams: [{ url: 'http://127.0.0.1:9' }] });
  const issued = await own.issue({ scopes: ['inference:realtime'] });
  const client = await openRealtime(own, { key: issued.key });
  client.send(UPDATE);
  const end = await endOf(client);
  assert.deepEqual([end.code, end.close], ['upstream_unreachable', 1011]);
  await isQuiet(own);
});

// The end of each session, and of the gateway.

test('a session is one line of the log and one count, without a word of what was said', async () => {
  const client = await openRealtime(it, { key });
  for (const event of [UPDATE, COMMIT, append(77), FINAL]) client.send(event);
  const { text } = await client.next('transcription.done');
  client.socket.close();
  await client.closed;
  await isQuiet();
  const line = JSON.parse(await lineOf(client)) as Record<string, unknown>;
  const { method, route, model, status, outcome, promptTokens, completionTokens, upstream } = line;
  assert.deepEqual([method, route, model, status, outcome], ['GET', 'realtime', 'tiny', 101, 'answer']);
  assert.deepEqual([promptTokens, completionTokens, upstream], [1, 1, 'simulator']);
  assert.ok(Number(line['durationMs']) > 0 && Number(line['firstByteMs']) > 0);
  assert.ok(!it.log.join('\n').includes(`"${String(text)}"`) && !it.log.join('\n').includes(append(77).audio));
  assert.match(it.gateway.admin.metrics(), /route="realtime"[^\n]*model="tiny"[^\n]*status="101"/);
});

test('a worker that dies takes its sessions and gives back what they held', async () => {
  await using own = await startTestGateway({ plain: true, workers: 1 });
  const issued = await own.issue({ scopes: ['inference:realtime'] });
  const client = await openRealtime(own, { key: issued.key });
  client.send(UPDATE);
  own.gateway.testing.killWorker(0);
  await client.closed;
  await isQuiet(own);
  for (let i = 0; i < 500 && own.gateway.testing.readyWorkers() < 1; i++) await setTimeout(10);
  const again = await openRealtime(own, { key: issued.key });
  again.socket.terminate();
});

test('a gateway that goes down lets a session be for its grace, then tells it so: draining, 1001', async () => {
  const own = await startTestGateway({ plain: true, config: { shutdown: { grace: '300ms' } } });
  const issued = await own.issue({ scopes: ['inference:realtime'], caps: { sockets: 2 } });
  const [quick, slow] = [await openRealtime(own, { key: issued.key }), await openRealtime(own, { key: issued.key })];
  for (const client of [quick, slow]) client.send(UPDATE);
  const stopped = own[Symbol.asyncDispose]();
  for (const event of [COMMIT, append(), FINAL]) quick.send(event);
  await quick.next('transcription.done');
  quick.socket.close();
  assert.deepEqual(await endOf(slow), { code: 'draining', param: null, close: 1001 });
  await stopped;
});

test('explain tells whether a caller may open a session', async () => {
  const asked = { method: 'GET', path: PATH, address: '192.0.2.1', headers: {}, body: '' };
  const decisions = async (id: string) =>
    (await it.gateway.admin.explain({ ...asked, key: id }))?.stages.map(
      ({ stage, code = 'allow' }) => `${stage} ${code}`,
    );
  const { record: good } = await it.issue({ scopes: ['inference:realtime'] });
  const begin = ['network allow', 'authenticate allow', 'rate-limit allow'];
  assert.deepEqual(await decisions(good.id), [...begin, 'route allow', 'conditions allow', 'upgrade allow']);
  const { record: other } = await it.issue();
  assert.deepEqual(await decisions(other.id), [...begin, 'route insufficient_scope']);
});

test('the product itself, in its sandbox and over its own TLS: a session, and its end with the process', async () => {
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, chunkIntervalMs: 0 });
  const product = await startProduct(['--upstream', simulator.url]);
  const made = product.command(
    'keys',
    'create',
    '--name',
    'x',
    '--scopes',
    'inference:realtime',
    '--models',
    '*',
    '--json',
  );
  const own = (JSON.parse(made) as { key: string }).key;
  const client = await openRealtime({ url: product.url, ca: readFileSync(product.caFile, 'utf8') }, { key: own });
  for (const event of [UPDATE, COMMIT, append(), FINAL]) client.send(event);
  assert.match(String((await client.next('transcription.done'))['text']), /^\w+$/);
  client.socket.close();
  await client.closed;
  assert.equal(await product.end(), 0);
  assert.equal(product.lines.filter((line) => line.includes('"route":"realtime"')).length, 1);
  await simulator.close();
});
