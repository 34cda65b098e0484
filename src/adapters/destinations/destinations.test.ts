import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { test, type TestContext } from 'node:test';
import { startSyslog } from '../../../test/support/siem.ts';
import { createCa, createLeaf } from '../tls/self-signed.ts';
import { createHttpsClient } from './https.ts';
import { sendFrames } from './syslog.ts';

const NEVER = new AbortController().signal;
const MESSAGE = '<110>1 - - sallyport - other [sallyport@32473 a="b"] {"x":1234}';
const FRAME = Buffer.from(`${MESSAGE.length} ${MESSAGE}`);

async function listening(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function asked(t: TestContext, listener: RequestListener) {
  const port = await listening(t, createServer(listener));
  const client = createHttpsClient({});
  t.after(() => client.close());
  const ask = { method: 'POST', url: new URL(`http://127.0.0.1:${port}/x`), headers: {}, body: 'b' } as const;
  return client.ask({ ...ask, signal: NEVER });
}

test('frames that a receiver has read to their end are taken', async (t) => {
  const syslog = await startSyslog();
  t.after(() => syslog.close());
  await sendFrames(syslog.url, { ca: syslog.caPem }, FRAME, NEVER);
  assert.deepEqual(syslog.lines, ['{"x":1234}']);
});

test('a receiver whose certificate nobody vouches for, or that has another name, gets nothing', async (t) => {
  const syslog = await startSyslog();
  t.after(() => syslog.close());
  await assert.rejects(sendFrames(syslog.url, {}, FRAME, NEVER), /certificate/);
  const other = syslog.url.replace('localhost', '127.0.0.2');
  await assert.rejects(sendFrames(other, { ca: syslog.caPem }, FRAME, NEVER), /altnames|ECONNREFUSED/);
  assert.deepEqual(syslog.lines, []);
});

test('a receiver that dies with something unread has not taken it', async (t) => {
  const syslog = await startSyslog();
  t.after(() => syslog.close());
  syslog.answer = { status: 0 };
  await assert.rejects(sendFrames(syslog.url, { ca: syslog.caPem }, Buffer.alloc(4 * 1024 * 1024, 0x61), NEVER));
});

test('a receiver that never reads to the end, and one that answers without end, are given up', async (t) => {
  const silent = await listening(t, createTcpServer({ pauseOnConnect: true, allowHalfOpen: true }));
  await assert.rejects(sendFrames(`tcp://127.0.0.1:${silent}`, {}, FRAME, AbortSignal.timeout(100)), /in time/);
  const loud = await listening(
    t,
    createTcpServer((socket) => socket.on('error', () => undefined).end(Buffer.alloc(70_000))),
  );
  await assert.rejects(sendFrames(`tcp://127.0.0.1:${loud}`, {}, FRAME, NEVER), /answers/);
});

test('no redirect is followed, and what is answered is told', async (t) => {
  let asks = 0;
  const answer = await asked(t, (_, response) => {
    asks++;
    response.writeHead(307, { location: '/y', 'retry-after': '7' }).end('gone');
  });
  assert.deepEqual(answer, { status: 307, body: 'gone', afterMs: 7_000 });
  assert.equal(asks, 1);
});

test('an answer of 4 MiB is read, and one byte more is none', async (t) => {
  const most = 4 * 1024 * 1024;
  assert.equal((await asked(t, (_, response) => void response.end(Buffer.alloc(most)))).body.length, most);
  await assert.rejects(
    asked(t, (_, response) => void response.end(Buffer.alloc(most + 1))),
    /too large/,
  );
});

test('a server whose certificate nobody vouches for is sent nothing', async (t) => {
  const ca = await createCa(Date.now());
  const leaf = await createLeaf(ca, ['localhost'], Date.now());
  let asks = 0;
  const server = createHttpsServer({ cert: leaf.certPem, key: leaf.keyPem }, (_, response) => {
    asks++;
    response.end('ok');
  });
  const port = await listening(t, server);
  const ask = (peer: { ca?: string }, host: string) => {
    const client = createHttpsClient(peer);
    t.after(() => client.close());
    const url = new URL(`https://${host}:${port}/`);
    return client.ask({ method: 'POST', url, headers: {}, body: 'b', signal: NEVER });
  };
  await assert.rejects(ask({}, 'localhost'), /certificate/);
  await assert.rejects(ask({ ca: ca.certPem }, '127.0.0.1'), /altnames/);
  assert.equal(asks, 0);
  assert.equal((await ask({ ca: ca.certPem }, 'localhost')).body, 'ok');
});
