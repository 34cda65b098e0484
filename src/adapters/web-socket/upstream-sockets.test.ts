import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type AddressInfo, type Socket as Connection } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { test } from 'node:test';
import { WebSocketServer, type WebSocket } from 'ws';
import type { UpstreamAddress } from '../tls/endpoint.ts';
import { createCa, createLeaf } from '../tls/self-signed.ts';
import type { Socket, SocketRefusal, UpstreamSocketListener } from '../../kernel/transport.ts';
import { createUpstreamSockets } from './upstream-sockets.ts';

const NO_TLS = { caPem: undefined, serverName: undefined, certPem: undefined, keyPem: undefined };
const PATIENT = { connectMs: 2_000, firstByteMs: 5_000 };
const MAX_FRAME_BYTES = 1024;
const acceptOf = (head: string): string =>
  createHash('sha1')
    .update(`${/sec-websocket-key: (\S+)/i.exec(head)?.[1]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
const switching = (head: string, more = ''): string =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(head)}\r\n${more}\r\n`;

/** A server that answers the head of a handshake with bytes of the test's own. */
async function rawServer(answer: (head: string, connection: Connection) => void, tls?: { cert: string; key: string }) {
  const heads: string[] = [];
  const connections = new Set<Connection>();
  let wake: () => void = () => undefined;
  const accept = (connection: Connection): void => {
    connections.add(connection);
    connection.on('close', () => {
      connections.delete(connection);
      wake();
    });
    connection.on('error', () => undefined);
    connection.once('data', (bytes: Buffer) => {
      heads.push(bytes.toString('latin1'));
      answer(bytes.toString('latin1'), connection);
    });
  };
  const server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    heads,
    connections,
    async gone() {
      while (connections.size > 0) await new Promise<void>((resolve) => (wake = resolve));
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Opens a socket; what it tells, as words. */
function open(
  url: string,
  {
    tls = NO_TLS,
    timeouts = PATIENT,
    path = '/v1/realtime',
  }: { tls?: UpstreamAddress['tls']; timeouts?: typeof PATIENT; path?: string } = {},
) {
  const told: string[] = [];
  let wake: () => void = () => undefined;
  const tell = (word: string): void => {
    told.push(word);
    wake();
  };
  const listener: UpstreamSocketListener = {
    opened: () => tell('opened'),
    refused: (refusal: SocketRefusal) =>
      tell(refusal.kind === 'fault' ? `fault ${refusal.fault}` : `status ${refusal.status}`),
    text: (bytes) => tell(`text ${bytes.toString()}`),
    control: () => tell('control'),
    fault: (fault) => tell(`broken ${fault}`),
    drained: () => tell('drained'),
    closed: (isClean) => tell(`closed ${isClean}`),
  };
  const socket: Socket = createUpstreamSockets({ url, tls }, timeouts, {
    maxFrameBytes: MAX_FRAME_BYTES,
    closeMs: 2_000,
  }).open(path, ['x-request-id', 'id-1', 'authorization', 'Bearer upstream-key'], listener);
  return {
    socket,
    told,
    until: async (count: number) => {
      while (told.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return told;
    },
  };
}

test('a handshake has our headers and its own, and nothing else: no origin, no extensions, no agent', async () => {
  await using server = await rawServer((head, connection) => connection.write(switching(head)));
  const { until, socket } = open(server.url);
  assert.deepEqual(await until(1), ['opened']);
  const [line, ...headers] = server.heads[0]?.trimEnd().split('\r\n') ?? [];
  assert.equal(line, 'GET /v1/realtime HTTP/1.1');
  assert.deepEqual(headers.map((header) => header.replace(/:.*/, '').toLowerCase()).sort(), [
    'authorization',
    'connection',
    'host',
    'sec-websocket-key',
    'sec-websocket-version',
    'upgrade',
    'x-request-id',
  ]);
  assert.ok(headers.includes(`Host: ${new URL(server.url).host}`), headers.join());
  socket.destroy();
});

for (const [name, answer, told] of [
  ['403', () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', 'status 403'],
  ['200', () => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'status 200'],
  [
    'a redirect, which is not followed',
    () => 'HTTP/1.1 307 Go\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n',
    'status 307',
  ],
  ['bytes that are no HTTP', () => 'SSH-2.0-x\r\n\r\n', 'fault reset'],
  ['a wrong accept', (head: string) => switching(head).replace(/Accept: ./, 'Accept: _'), 'fault reset'],
  ['no accept', (head: string) => switching(head).replace(/Sec-WebSocket-Accept.*\r\n/, ''), 'fault reset'],
  [
    'an extension that nobody offered',
    (head: string) => switching(head, 'Sec-WebSocket-Extensions: permessage-deflate\r\n'),
    'fault reset',
  ],
  [
    'a subprotocol that nobody offered',
    (head: string) => switching(head, 'Sec-WebSocket-Protocol: realtime\r\n'),
    'fault reset',
  ],
  ['another protocol', (head: string) => switching(head).replace('websocket', 'h2c'), 'fault reset'],
  ['an end', () => '', 'fault reset'],
] as const) {
  test(`a handshake that is answered with ${name} is refused once: ${told}`, async () => {
    await using server = await rawServer((head, connection) => connection.end(answer(head), 'latin1'));
    const { until, told: heard } = open(server.url);
    assert.deepEqual(await until(1), [told]);
    await server.gone();
    assert.deepEqual(heard, [told]);
  });
}

test('a port where nobody listens is a connect fault', async () => {
  const server = await rawServer(() => undefined);
  await server[Symbol.asyncDispose]();
  assert.deepEqual(await open(server.url).until(1), ['fault connect']);
});

test('an upstream that never answers the handshake is a timeout fault, and its connection is closed', async () => {
  await using server = await rawServer(() => undefined);
  assert.deepEqual(await open(server.url, { timeouts: { connectMs: 25, firstByteMs: 25 } }).until(1), [
    'fault timeout',
  ]);
  await server.gone();
});

test('a socket that is destroyed while it opens tells nothing and leaves no connection', async () => {
  let reached: () => void = () => undefined;
  const isReached = new Promise<void>((resolve) => (reached = resolve));
  await using server = await rawServer(() => reached());
  const { socket, told } = open(server.url);
  await isReached;
  socket.destroy();
  await server.gone();
  assert.deepEqual(told, []);
});

test('over TLS the key of upstream goes only to a server whose certificate is accepted', async () => {
  const nowMs = Date.now();
  const ca = await createCa(nowMs);
  const leaf = await createLeaf(ca, ['127.0.0.1', 'gpu.example'], nowMs);
  const tls = { cert: leaf.certPem, key: leaf.keyPem };
  await using server = await rawServer((head, connection) => connection.write(switching(head)), tls);
  const trusting = { ...NO_TLS, caPem: ca.certPem };
  for (const [trust, told] of [
    [NO_TLS, 'fault connect'],
    [{ ...trusting, serverName: 'other.example' }, 'fault connect'],
    [trusting, 'opened'],
    [{ ...trusting, serverName: 'gpu.example' }, 'opened'],
  ] as const) {
    server.heads.length = 0;
    const { until, socket } = open(server.url, { tls: trust });
    assert.deepEqual(await until(1), [told]);
    assert.equal(server.heads.length, told === 'opened' ? 1 : 0);
    socket.destroy();
  }
});

/** A server of `ws` that says what a test wants. */
async function talking(talk: (socket: WebSocket) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  server.on('connection', talk);
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

for (const [name, talk, told] of [
  ['a text', (socket: WebSocket) => socket.send('a'), 'text a'],
  ['a ping', (socket: WebSocket) => socket.ping(), 'control'],
  ['a binary frame', (socket: WebSocket) => socket.send(Buffer.from('a')), 'broken binary'],
  ['a frame beyond the limit', (socket: WebSocket) => socket.send('a'.repeat(MAX_FRAME_BYTES + 1)), 'broken too-big'],
  ['a close', (socket: WebSocket) => socket.close(1000), 'closed true'],
  ['a cut', (socket: WebSocket) => socket.terminate(), 'closed false'],
] as const) {
  test(`${name} of upstream is told as "${told}"`, async () => {
    await using server = await talking(talk);
    const { until, socket } = open(server.url);
    assert.deepEqual(await until(2), ['opened', told]);
    socket.destroy();
  });
}

test('texts go to upstream in order, masked, and a close behind them', async () => {
  const heard: string[] = [];
  let ended: (code: number) => void = () => undefined;
  const end = new Promise<number>((resolve) => (ended = resolve));
  await using server = await talking((socket) => {
    socket.on('message', (data: Buffer) => void heard.push(data.toString()));
    socket.on('close', ended);
  });
  const { until, socket, told } = open(server.url);
  await until(1);
  for (let i = 0; i < 100; i++) socket.send(`${i}`);
  socket.close(1000);
  assert.equal(await end, 1000);
  assert.deepEqual(
    heard,
    Array.from({ length: 100 }, (_, i) => `${i}`),
  );
  assert.deepEqual(told, ['opened']);
});
