import assert from 'node:assert/strict';
import { createServer as createPlainServer, type AddressInfo } from 'node:net';
import { before, test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { createHttpMediaSource, type MediaSourceDeps } from '../../src/adapters/http-client/media-source.ts';
import { createCa, createLeaf, type CertificateAndKey } from '../../src/adapters/tls/self-signed.ts';
import type { MediaUrl } from '../../src/kernel/exchange.ts';
import type { UpstreamTimeouts } from '../../src/kernel/transport.ts';
import type { MediaAnswer } from '../../src/stages/fetch-media/media-source.ts';
import { isPublicAddress } from '../../src/vllm/media/public-address.ts';

const HOST = 'img.example.org';
/** Where the servers of tests listen: nowhere else, so that what is reached is known. */
const AT = '127.0.0.5';
const PATIENT: UpstreamTimeouts = { connectMs: 2_000, firstByteMs: 5_000, betweenChunksMs: 5_000, totalMs: 10_000 };
const OK = 'HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n';
const FAILED: MediaAnswer = { kind: 'failed' };

let ca: CertificateAndKey;
let leaf: CertificateAndKey;
let stranger: CertificateAndKey;
before(async () => {
  ca = await createCa(Date.now());
  [leaf, stranger] = [await createLeaf(ca, [HOST], Date.now()), await createLeaf(ca, ['other.example'], Date.now())];
});

interface Server extends AsyncDisposable {
  readonly port: number;
  /** Heads of requests. */
  readonly heard: string[];
  readonly names: (string | false | null)[];
  connections: number;
  /** Resolves when a connection has closed. */
  readonly closed: Promise<void>;
}

/** A TLS server on loopback that says exactly the bytes it is told. */
async function serve(say: (socket: TLSSocket) => void, certificate = leaf): Promise<Server> {
  const sockets = new Set<TLSSocket>();
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const server = createServer({ key: certificate.keyPem, cert: certificate.certPem }, (socket) => {
    sockets.add(socket);
    it.names.push(socket.servername);
    socket.on('error', () => undefined);
    socket.on('close', () => close());
    socket.once('data', (bytes: Buffer) => {
      it.heard.push(bytes.toString('latin1'));
      say(socket);
    });
  });
  server.on('connection', () => void it.connections++);
  server.on('tlsClientError', () => close());
  await new Promise<void>((resolve) => server.listen(0, AT, resolve));
  const it: Server = {
    port: (server.address() as AddressInfo).port,
    heard: [],
    names: [],
    connections: 0,
    closed,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return it;
}

interface Got {
  readonly answer: MediaAnswer;
  /** Bytes that were taken. */
  readonly taken: number;
}

/** One GET, with the resolver and the judge of addresses that a test puts in place of the real ones. */
async function get(
  port: number,
  change: Partial<MediaSourceDeps> & {
    readonly room?: number;
    readonly memory?: number;
    readonly path?: string;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Got> {
  const {
    room = 1_000_000,
    memory = Infinity,
    path = '/a.png',
    signal = new AbortController().signal,
    ...deps
  } = change;
  const source = createHttpMediaSource({
    resolve: () => Promise.resolve([AT]),
    isPublicAddress: () => true,
    timeouts: PATIENT,
    caPem: ca.certPem,
    ...deps,
  });
  const url: MediaUrl = { host: HOST, port, path, canonical: `https://${HOST}:${port}${path}` };
  let taken = 0;
  const answer = await source.get(url, {
    room: () => room - taken,
    take(bytes) {
      taken += bytes;
      return taken <= memory;
    },
    signal,
  });
  return { answer, taken };
}

const whole = (text: string): MediaAnswer => ({ kind: 'body', bytes: Buffer.from(text) });

for (const [name, say] of [
  ['interim responses', (socket: TLSSocket) => flood(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n')],
  [
    'chunks of one byte',
    (socket: TLSSocket) => {
      socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n`);
      flood(socket, '1\r\na\r\n');
    },
  ],
] as const) {
  test(`hangs up on a host that sends ${name} without end`, async () => {
    await using server = await serve(say);
    const { answer, taken } = await get(server.port);
    assert.deepEqual(answer, FAILED);
    assert.ok(taken <= 64 * 1024, `${taken} bytes were taken`);
    await server.closed;
  });
}

/** Says the same for as long as anybody listens. */
function flood(socket: TLSSocket, text: string): void {
  const many = text.repeat(1000);
  const go = (): void => {
    while (!socket.destroyed && socket.write(many));
  };
  socket.on('drain', go);
  go();
}

test('sends a GET from scratch, to the name that it asks TLS for', async () => {
  await using server = await serve((socket) => socket.end(`${OK}Content-Length: 5\r\n\r\nhello`));
  assert.deepEqual(await get(server.port, { path: '/a.png?b=1' }), { answer: whole('hello'), taken: 5 });
  assert.deepEqual(server.names, [HOST]);
  assert.deepEqual(server.heard, [
    [
      'GET /a.png?b=1 HTTP/1.1',
      `host: ${HOST}:${server.port}`,
      'connection: close',
      'user-agent: sallyport-media',
      'accept: image/png, image/jpeg, image/gif, image/webp',
      'accept-encoding: identity',
      '\r\n',
    ].join('\r\n'),
  ]);
});

for (const [title, bytes, answer] of [
  ['a body in chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, whole('hello')],
  ['a body that ends with the connection', `${OK}\r\nhello`, whole('hello')],
  ['the coding identity', `${OK}Content-Encoding: identity\r\nContent-Length: 2\r\n\r\nok`, whole('ok')],
  ['no more than its length', `${OK}Content-Length: 2\r\n\r\nok and more`, whole('ok')],
  ['less than its length', `${OK}Content-Length: 50\r\n\r\nhello`, FAILED],
  ['the coding gzip', `${OK}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok`, FAILED],
  ['the coding br', `${OK}Content-Encoding: BR\r\nContent-Length: 2\r\n\r\nok`, FAILED],
  ['both framings', `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, FAILED],
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', FAILED],
  ['nothing', '', FAILED],
  ['a part', 'HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\nok', FAILED],
  ['no content', 'HTTP/1.1 204 No Content\r\n\r\n', FAILED],
  ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', FAILED],
  ['that there is none', 'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno', FAILED],
  ['that who asks must say who it is', 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\n', FAILED],
  ['a redirect without a place', 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n', FAILED],
  ['a choice', 'HTTP/1.1 300 Multiple Choices\r\nLocation: /b\r\n\r\n', FAILED],
  [
    'a redirect',
    'HTTP/1.1 307 x\r\nLocation: //evil.example/\r\n\r\n',
    { kind: 'redirect', location: '//evil.example/' },
  ],
] as const) {
  test(`a server that answers with ${title}: ${answer.kind}`, async () => {
    await using server = await serve((socket) => socket.end(bytes));
    assert.deepEqual((await get(server.port)).answer, answer);
  });
}

test('a length beyond the room is refused before a byte is taken, and the connection closed', async () => {
  await using server = await serve((socket) => socket.write(`${OK}Content-Length: 11\r\n\r\n`));
  assert.deepEqual(await get(server.port, { room: 10 }), { answer: { kind: 'too-large' }, taken: 0 });
  await server.closed;
});

for (const framing of ['Transfer-Encoding: chunked\r\n', '']) {
  test(`an endless body ${framing === '' ? 'without length' : 'in chunks'} is cut at the room`, async () => {
    await using server = await serve((socket) => {
      const piece = framing === '' ? 'x'.repeat(1000) : `3e8\r\n${'x'.repeat(1000)}\r\n`;
      socket.write(`${OK}${framing}\r\n`);
      const more = (): void => {
        while (!socket.destroyed && socket.write(piece));
      };
      socket.on('drain', more);
      more();
    });
    const { answer, taken } = await get(server.port, { room: 100_000 });
    assert.equal(answer.kind, 'too-large');
    assert.ok(taken <= 100_000);
    await server.closed;
  });
}

test('where there is no memory nothing more is read', async () => {
  await using server = await serve((socket) => socket.write(`${OK}Content-Length: 900\r\n\r\n${'x'.repeat(800)}`));
  assert.equal((await get(server.port, { memory: 500 })).answer.kind, 'no-room');
  await server.closed;
});

for (const [title, timeouts, bytes] of [
  ['the first byte', { ...PATIENT, firstByteMs: 50 }, ''],
  ['the next one', { ...PATIENT, betweenChunksMs: 50 }, `${OK}Content-Length: 9\r\n\r\nhello`],
] as const) {
  test(`a server that is silent before ${title} is left`, async () => {
    await using server = await serve((socket) => socket.write(bytes));
    assert.deepEqual((await get(server.port, { timeouts })).answer, FAILED);
    await server.closed;
  });
}

test('an abort ends it at once: while it is resolved, before it is asked, and while it answers', async () => {
  const controller = new AbortController();
  await using server = await serve((socket) => {
    socket.write(`${OK}Content-Length: 9\r\n\r\nhello`);
    controller.abort();
  });
  const never = new AbortController();
  const hanging = get(server.port, {
    signal: never.signal,
    resolve() {
      never.abort();
      return new Promise(() => undefined);
    },
  });
  assert.deepEqual((await hanging).answer, FAILED);
  let asked = 0;
  const resolve = () => Promise.resolve([`${asked++}`]);
  assert.deepEqual((await get(server.port, { signal: AbortSignal.abort(), resolve })).answer, FAILED);
  assert.deepEqual([asked, server.connections], [0, 0]);
  assert.deepEqual((await get(server.port, { signal: controller.signal })).answer, FAILED);
  await server.closed;
});

test('resolvers that hang are bounded', async () => {
  const controller = new AbortController();
  let asked = 0;
  const source = createHttpMediaSource({
    resolve() {
      asked++;
      return new Promise(() => undefined);
    },
    isPublicAddress: () => true,
    timeouts: PATIENT,
  });
  const url: MediaUrl = { host: HOST, port: 443, path: '/', canonical: `https://${HOST}/` };
  const again = (signal: AbortSignal) => source.get(url, { room: () => 1, take: () => true, signal });
  const waiting = Array.from({ length: 16 }, () => again(controller.signal));
  assert.deepEqual(await again(new AbortController().signal), { kind: 'no-room' });
  controller.abort();
  await Promise.all(waiting);
  // The threads that resolve are still held, whoever has ceased to wait for them.
  assert.deepEqual(await again(new AbortController().signal), { kind: 'no-room' });
  assert.equal(asked, 16);
});

test('a certificate of another name, and one of an unknown CA, are refused before anything is sent', async () => {
  await using other = await serve((socket) => socket.end(`${OK}Content-Length: 2\r\n\r\nok`), stranger);
  assert.deepEqual((await get(other.port)).answer, FAILED);
  assert.deepEqual(other.heard, []);
  const unknown = await createCa(Date.now());
  await using server = await serve((socket) => socket.end(`${OK}Content-Length: 2\r\n\r\nok`));
  assert.deepEqual((await get(server.port, { caPem: unknown.certPem })).answer, FAILED);
  assert.deepEqual(server.heard, []);
});

test('NODE_TLS_REJECT_UNAUTHORIZED does not open it', async (t) => {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  });
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  await using server = await serve((socket) => socket.end(`${OK}Content-Length: 2\r\n\r\nok`), stranger);
  assert.deepEqual((await get(server.port)).answer, FAILED);
});

test('a server that does not speak TLS gets no request', async () => {
  const heard: Buffer[] = [];
  const plain = createPlainServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes: Buffer) => {
      heard.push(bytes);
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  await new Promise<void>((resolve) => plain.listen(0, AT, resolve));
  assert.deepEqual((await get((plain.address() as AddressInfo).port)).answer, FAILED);
  await new Promise((resolve) => plain.close(resolve));
  assert.equal(Buffer.concat(heard).includes('GET '), false);
});

/** With the real judge: none of these may be connected to. */
for (const addresses of [
  ['127.0.0.1'],
  [AT],
  ['10.0.0.8'],
  ['169.254.169.254'],
  ['100.100.100.200'],
  ['0.0.0.0'],
  ['::1'],
  ['::'],
  ['::ffff:127.0.0.1'],
  ['::ffff:7f00:1'],
  ['64:ff9b::7f00:1'],
  ['64:ff9b::a9fe:a9fe'],
  ['fe80::1%lo'],
  ['fd00:ec2::254'],
  ['2130706433'],
  ['0x7f000001'],
  ['0177.0.0.1'],
  ['127.1'],
  ['localhost'],
  ['93.184.215.14', AT],
  [AT, '93.184.215.14'],
  ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', '::1'],
  [''],
  [],
]) {
  test(`a name that resolves to [${addresses.join(', ')}] is not fetched`, async () => {
    await using server = await serve((socket) => socket.end(`${OK}Content-Length: 2\r\n\r\nok`));
    const { answer } = await get(server.port, { isPublicAddress, resolve: () => Promise.resolve(addresses) });
    assert.deepEqual(answer, FAILED);
    assert.equal(server.connections, 0);
  });
}

test('what the judge lets pass and is no address is not resolved once more', async () => {
  await using server = await serve((socket) => socket.end(`${OK}Content-Length: 2\r\n\r\nok`));
  const { answer } = await get(server.port, { resolve: () => Promise.resolve(['localhost']) });
  assert.deepEqual(answer, FAILED);
  assert.equal(server.connections, 0);
});

test('a name that resolves otherwise the second time is connected to where it was judged', async () => {
  await using server = await serve((socket) => socket.end(`${OK}Content-Length: 2\r\n\r\nok`));
  const judged: string[] = [];
  let asked = 0;
  const { answer } = await get(server.port, {
    resolve: () => Promise.resolve(asked++ === 0 ? [AT] : ['127.0.0.1']),
    isPublicAddress(address) {
      judged.push(address);
      return address === AT;
    },
  });
  assert.deepEqual([answer, asked, judged], [whole('ok'), 1, [AT]]);
});

test('a name that does not resolve is not told from one that is closed', async () => {
  await using server = await serve(() => undefined);
  const unknown = await get(server.port, { resolve: () => Promise.reject(new Error('ENOTFOUND')) });
  await server[Symbol.asyncDispose]();
  const closed = await get(server.port);
  const filtered = await get(server.port, { isPublicAddress: () => false });
  assert.deepEqual([unknown.answer, closed.answer, filtered.answer], [FAILED, FAILED, FAILED]);
});

test('the next address is tried where none listens at the first', async () => {
  await using server = await serve((socket) => socket.end(`${OK}Content-Length: 2\r\n\r\nok`));
  // The server listens on one address alone.
  const { answer } = await get(server.port, { resolve: () => Promise.resolve(['127.0.0.9', AT]) });
  assert.deepEqual(answer, whole('ok'));
});
