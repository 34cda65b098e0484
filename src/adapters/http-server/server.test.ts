import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { systemClock } from '../../kernel/clock.ts';
import { createAlpnCertificate } from '../acme/challenges/tls-alpn-01.ts';
import { createCa, createLeaf } from '../tls/self-signed.ts';
import { createBodyBudget, createBodyMemory } from './body-budget.ts';
import { createSocketOpener } from '../web-socket/server-socket.ts';
import { createPublicServer } from './server.ts';

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** A listener with TLS that counts the connections which it believes to be open. */
async function startTls(
  headMs: number,
  proxyProtocol: 'off' | 'v1' | 'v2' = 'off',
  isPlain = false,
  { writeMs = 5_000, answer = 'ok' } = {},
) {
  const ca = await createCa(Date.now());
  const { certPem, keyPem } = await createLeaf(ca, ['127.0.0.1'], Date.now());
  const counted = { open: 0, seen: 0, clients: 0 };
  const addresses: string[] = [];
  const server = createPublicServer(
    {
      tls: isPlain ? undefined : { cert: certPem, key: keyPem },
      proxyProtocol,
      maxHeadBytes: 16_384,
      headMs,
      bodyMs: 5_000,
      idleMs: 5_000,
      writeMs,
      minBodyRate: 0,
      openSocket: createSocketOpener({ maxFrameBytes: 65_536, closeMs: 2_000 }),
      budget: createBodyBudget(createBodyMemory(1), () => 1_000_000, 0),
      clock: systemClock,
    },
    {
      request(x) {
        addresses.push(x.peerAddress);
        x.answer(200, [], answer);
      },
      brokenHead: () => 'HTTP/1.1 400 Bad Request\r\n\r\n',
      connection() {
        counted.open++;
        counted.seen++;
        return () => void counted.open--;
      },
      client(address) {
        if (address === '198.51.100.66') return undefined;
        counted.clients++;
        return () => void counted.clients--;
      },
    },
  );
  const port = await freePort();
  await server.listen('127.0.0.1', port);
  return { server, port, counted, addresses, caPem: ca.certPem };
}

/** Connections of another process, each with the beginning of a handshake and then no more; waits for its end. */
function connectFromElsewhere(port: number, count: number, how: 'reset' | 'end'): void {
  const script = `
    const net = require('node:net');
    const tls = require('node:tls');
    for (let i = 0; i < ${count}; i++) {
      const socket = net.connect(${port}, '127.0.0.1');
      tls.connect({ socket }).on('error', () => undefined);
      socket.on('connect', () => setTimeout(() => socket.${how === 'reset' ? 'resetAndDestroy' : 'destroy'}(), 50));
    }`;
  execFileSync(process.execPath, ['-e', script]);
}

for (const how of ['reset', 'end'] as const) {
  test(`a peer whose TLS handshake ends by ${how}, even before it is accepted, is let go at once`, async () => {
    const { server, port, counted } = await startTls(60_000);
    // Nothing is accepted while this thread waits for the other process.
    connectFromElsewhere(port, 8, how);
    const untilMs = Date.now() + 3_000;
    await sleep(50);
    while (counted.open > 0 && Date.now() < untilMs) await sleep(20);
    const { open } = counted;
    const drained = server.drain();
    server.destroy();
    await drained;
    assert.equal(open, 0);
    assert.ok(how === 'reset' || counted.seen === 8);
  });
}

test('a peer over TLS that takes its answer in longer than it may leave it unread is not cut', async () => {
  const bytes = 16_000_000;
  const { server, port } = await startTls(5_000, 'off', false, { writeMs: 400, answer: 'x'.repeat(bytes) });
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  let read = 0;
  socket.on('error', () => undefined);
  socket.on('data', (piece: Buffer) => {
    read += piece.length;
    socket.pause();
    setTimeout(() => socket.resume(), 1);
  });
  socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  const startedMs = Date.now();
  while (read <= bytes && !socket.destroyed) await sleep(5);
  const tookMs = Date.now() - startedMs;
  socket.destroy();
  const drained = server.drain();
  server.destroy();
  await drained;
  assert.ok(read > bytes, `${read} bytes after ${tookMs} ms`);
  assert.ok(tookMs > 400, 'it was slow enough to tell');
});

/** Connects, writes the pieces one after the other with a pause between, then asks over TLS or in the clear. */
async function askBehind(
  { port, caPem }: { port: number; caPem: string },
  pieces: readonly Buffer[],
  isPlain: boolean,
): Promise<string> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  for (const piece of pieces) {
    socket.write(piece);
    await sleep(5);
  }
  const carrier = isPlain ? socket : connectTls({ socket, ca: caPem, host: '127.0.0.1' });
  carrier.on('error', () => undefined);
  carrier.write('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  let text = '';
  carrier.on('data', (part: Buffer) => (text += part.toString()));
  await closed;
  return text;
}

const V1 = Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 54321 443\r\n');
const V2 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207c0000201d43101bb', 'hex');

for (const isPlain of [false, true]) {
  const way = isPlain ? 'in the clear' : 'before TLS';
  for (const [version, header] of [
    ['v1', V1],
    ['v2', V2],
  ] as const) {
    test(`the address that a PROXY header of ${version} tells ${way} is the peer's, wherever its bytes are split`, async () => {
      const it = await startTls(5_000, version, isPlain);
      for (const at of [0, 1, 11, header.length - 1, header.length]) {
        const pieces = [header.subarray(0, at), header.subarray(at)].filter(({ length }) => length > 0);
        assert.match(await askBehind(it, pieces, isPlain), /^HTTP\/1\.1 200 /, `split at ${at}`);
      }
      assert.deepEqual(
        it.addresses,
        Array.from({ length: 5 }, () => '192.0.2.7'),
      );
      while (it.counted.open > 0) await sleep(5);
      assert.equal(it.counted.clients, 0);
      await it.server.drain();
    });
  }

  test(`a connection without its PROXY header ${way} is closed unanswered`, async () => {
    const it = await startTls(5_000, 'v1', isPlain);
    assert.equal(await askBehind(it, [], isPlain), '');
    assert.equal(await askBehind(it, [V2], isPlain), '');
    assert.deepEqual(it.addresses, []);
    await it.server.drain();
  });
}

test('a client that has too many connections is closed though its proxy may have more', async () => {
  const it = await startTls(5_000, 'v1', true);
  const banned = Buffer.from('PROXY TCP4 198.51.100.66 192.0.2.1 1 2\r\n');
  assert.equal(await askBehind(it, [banned], true), '');
  assert.match(await askBehind(it, [V1], true), /^HTTP/);
  await it.server.drain();
});

test('a header that behaves as if there were a second one is the first request, and none', async () => {
  const it = await startTls(5_000, 'v1', true);
  assert.match(
    await askBehind(it, [V1, Buffer.from('PROXY TCP4 192.0.2.8 192.0.2.1 1 2\r\n')], true),
    /^HTTP\/1\.1 400 /,
  );
  await it.server.drain();
});

test('a connection that sends no PROXY header has no longer than a head', async () => {
  const it = await startTls(200, 'v2', false);
  const socket = connectTcp(it.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(V2.subarray(0, 14));
  await once(socket, 'close');
  while (it.counted.open > 0) await sleep(5);
  await it.server.drain();
});

test('a client that ends in the midst of its header is let go at once', async () => {
  const it = await startTls(60_000, 'v2', false);
  const socket = connectTcp(it.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.end(V2.subarray(0, 14));
  await once(socket, 'close');
  while (it.counted.open > 0) await sleep(5);
  await it.server.drain();
});

/** What a TLS client that offers these protocols for a name gets. */
async function handshake(port: number, servername: string, ALPNProtocols: string[]) {
  const socket = connectTls({ port, host: '127.0.0.1', servername, ALPNProtocols, rejectUnauthorized: false });
  const problem = await new Promise<string | undefined>((resolve) => {
    socket.once('secureConnect', () => resolve(undefined));
    socket.once('error', (error: Error & { code?: string }) => resolve(error.code));
  });
  if (problem !== undefined) return { problem };
  const names = socket.getPeerX509Certificate()?.subjectAltName;
  const protocol = socket.alpnProtocol;
  const isEnded = await Promise.race([once(socket, 'end').then(() => true), sleep(300).then(() => false)]);
  socket.destroy();
  return { names, protocol, isEnded };
}

test('only a CA that asks for the name of a pending challenge sees its certificate, and nothing behind it', async () => {
  const it = await startTls(5_000);
  const answer = await createAlpnCertificate(
    { name: 'llm.example.org', token: 't', keyAuthorization: 't.k' },
    Date.now(),
  );
  const usual = { names: 'IP Address:127.0.0.1', isEnded: false };
  const acme = ['acme-tls/1'];
  assert.equal((await handshake(it.port, 'llm.example.org', acme)).problem !== undefined, true);
  it.server.setAlpn([answer]);
  const seen = await handshake(it.port, 'LLM.example.org', acme);
  assert.deepEqual(seen, { names: 'DNS:llm.example.org', protocol: 'acme-tls/1', isEnded: true });
  for (const [name, protocols] of [
    ['llm.example.org', ['http/1.1']],
    ['llm.example.org', ['http/1.1', 'acme-tls/1']],
    ['llm.example.org', ['acme-tls/1', 'http/1.1']],
  ] as const) {
    assert.deepEqual(await handshake(it.port, name, [...protocols]), { ...usual, protocol: 'http/1.1' });
  }
  assert.equal((await handshake(it.port, 'other.example.org', acme)).problem !== undefined, true);
  assert.match(await askBehind(it, [], false), /^HTTP\/1\.1 200 /);
  it.server.setAlpn([]);
  assert.equal((await handshake(it.port, 'llm.example.org', acme)).problem !== undefined, true);
  while (it.counted.open > 0) await sleep(5);
  await it.server.drain();
});

test('a CA reaches the certificate of a challenge through a proxy that tells its address', async () => {
  const it = await startTls(5_000, 'v2');
  it.server.setAlpn([
    await createAlpnCertificate({ name: 'llm.example.org', token: 't', keyAuthorization: 't.k' }, Date.now()),
  ]);
  const socket = connectTcp(it.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(V2);
  const secure = connectTls({
    socket,
    servername: 'llm.example.org',
    ALPNProtocols: ['acme-tls/1'],
    rejectUnauthorized: false,
  });
  await once(secure, 'secureConnect');
  assert.equal(secure.alpnProtocol, 'acme-tls/1');
  secure.destroy();
  while (it.counted.open > 0) await sleep(5);
  await it.server.drain();
});
