import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../kernel/clock.ts';
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
async function startTls(headMs: number, writeMs = 5_000, answer = 'ok') {
  const ca = await createCa(Date.now());
  const { certPem, keyPem } = await createLeaf(ca, ['127.0.0.1'], Date.now());
  const counted = { open: 0, seen: 0 };
  const server = createPublicServer(
    {
      tls: { cert: certPem, key: keyPem },
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
      request: (x) => x.answer(200, [], answer),
      brokenHead: () => 'HTTP/1.1 400 Bad Request\r\n\r\n',
      connection() {
        counted.open++;
        counted.seen++;
        return () => void counted.open--;
      },
    },
  );
  const port = await freePort();
  await server.listen('127.0.0.1', port);
  return { server, port, counted };
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
  const { server, port } = await startTls(5_000, 400, 'x'.repeat(bytes));
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
