import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import type {
  Upstream,
  UpstreamCall,
  UpstreamFault,
  UpstreamHead,
  UpstreamTimeouts,
} from '../../src/kernel/transport.ts';

/** Opens an adapter of the port at an address. */
export type OpenUpstream = (url: string, timeouts: UpstreamTimeouts) => Upstream;

const PATIENT: UpstreamTimeouts = { connectMs: 2_000, firstByteMs: 5_000, betweenChunksMs: 5_000, totalMs: 10_000 };

/** A server that says exactly the bytes it is told, and keeps what it hears. */
interface RawServer extends AsyncDisposable {
  readonly url: string;
  readonly heard: string[];
  readonly sockets: Set<Socket>;
}

async function rawServer(onRequest: (socket: Socket, nth: number) => void): Promise<RawServer> {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (end < 0 || text.length < end + 4 + length) return;
      heard.push(text);
      text = '';
      onRequest(socket, requests++);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Heard {
  head?: UpstreamHead;
  body: string;
  fault?: UpstreamFault;
  /** Calls in order: `head`, `chunk`, `end`, `fault`. */
  readonly calls: string[];
}

function send(
  upstream: Upstream,
  hooks: { onChunk?: (call: UpstreamCall, bytes: Buffer) => boolean; path?: string } = {},
): { call: UpstreamCall; done: Promise<Heard> } {
  const heard: Heard = { body: '', calls: [] };
  let call: UpstreamCall | undefined;
  const done = new Promise<Heard>((resolve) => {
    call = upstream.send(
      {
        method: 'POST',
        path: hooks.path ?? '/v1/x',
        headers: ['content-type', 'application/json'],
        body: Buffer.from('{"a":1}'),
      },
      {
        head(head) {
          heard.calls.push('head');
          heard.head = head;
        },
        chunk(bytes) {
          if (heard.calls.at(-1) !== 'chunk') heard.calls.push('chunk');
          heard.body += bytes.toString('latin1');
          return call === undefined ? true : (hooks.onChunk?.(call, bytes) ?? true);
        },
        end() {
          heard.calls.push('end');
          resolve(heard);
        },
        fault(fault) {
          heard.calls.push('fault');
          heard.fault = fault;
          resolve(heard);
        },
      },
    );
  });
  if (call === undefined) throw new Error('send returned nothing');
  return { call, done };
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n';

const WHOLE: readonly { title: string; bytes: string; closes?: boolean; status?: number; body: string }[] = [
  { title: 'a body with a length', bytes: `${OK}Content-Length: 5\r\n\r\nhello`, body: 'hello' },
  { title: 'an empty body', bytes: `${OK}Content-Length: 0\r\n\r\n`, body: '' },
  {
    title: 'a chunked body',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n`,
    body: 'hello world',
  },
  {
    title: 'chunks with trailers',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nX-Late: 1\r\n\r\n`,
    body: '0123456789',
  },
  { title: 'a body that ends with the connection', bytes: `${OK}\r\nhello`, closes: true, body: 'hello' },
  {
    title: 'an interim response first',
    bytes: `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    body: 'ok',
  },
  { title: 'an error status', bytes: 'HTTP/1.1 503 Nope\r\nContent-Length: 2\r\n\r\nno', status: 503, body: 'no' },
  { title: 'no body with 204', bytes: 'HTTP/1.1 204 No Content\r\n\r\n', status: 204, body: '' },
  {
    title: 'a connection that closes after it',
    bytes: `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nok`,
    closes: true,
    body: 'ok',
  },
];

const BROKEN: readonly { title: string; bytes: string; faults: readonly UpstreamFault[] }[] = [
  { title: 'bytes that are not HTTP', bytes: 'SSH-2.0-OpenSSH\r\n\r\n', faults: ['malformed'] },
  { title: 'a connection that ends before a head', bytes: '', faults: ['reset'] },
  { title: 'a head that is cut', bytes: 'HTTP/1.1 200 OK\r\nContent-', faults: ['reset', 'malformed'] },
  { title: 'a body that is cut', bytes: `${OK}Content-Length: 50\r\n\r\nhello`, faults: ['reset', 'malformed'] },
  {
    title: 'chunks that are cut',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`,
    faults: ['reset', 'malformed'],
  },
  {
    title: 'chunks without an end',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    faults: ['reset', 'malformed'],
  },
  {
    title: 'a chunk size that is no number',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello`,
    faults: ['malformed', 'reset'],
  },
  {
    title: 'a length that is no number',
    bytes: `${OK}Content-Length: 5x\r\n\r\nhello`,
    faults: ['malformed', 'reset'],
  },
  {
    title: 'two lengths that differ',
    bytes: `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
    faults: ['malformed', 'reset'],
  },
  {
    title: 'a length and chunks',
    bytes: `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    faults: ['malformed', 'reset'],
  },
  {
    title: 'a head without end',
    bytes: `HTTP/1.1 200 OK\r\n${'X-Pad: '.padEnd(70_000, 'x')}\r\n\r\n`,
    faults: ['malformed'],
  },
];

/** The suite that every adapter of `Upstream` passes. */
export function upstreamContract(name: string, open: OpenUpstream): void {
  for (const { title, bytes, closes = false, status = 200, body } of WHOLE) {
    test(`${name}: hears ${title}, whole and byte by byte`, async () => {
      for (const pieces of [[bytes], [...bytes]]) {
        await using server = await rawServer((socket) => {
          socket.setNoDelay(true);
          void (async () => {
            for (const piece of pieces) {
              socket.write(piece, 'latin1');
              if (pieces.length > 1) await new Promise((resolve) => setImmediate(resolve));
            }
            if (closes) socket.end();
          })();
        });
        const upstream = open(server.url, PATIENT);
        const heard = await send(upstream).done;
        assert.equal(heard.fault, undefined);
        assert.equal(heard.head?.status, status);
        assert.equal(heard.body, body);
        assert.deepEqual(heard.calls, body === '' ? ['head', 'end'] : ['head', 'chunk', 'end']);
        upstream.close();
      }
    });
  }

  for (const { title, bytes, faults } of BROKEN) {
    test(`${name}: takes ${title} for a fault, and never for an end`, async () => {
      await using server = await rawServer((socket) => socket.end(bytes, 'latin1'));
      const upstream = open(server.url, PATIENT);
      const heard = await send(upstream).done;
      assert.ok(heard.fault !== undefined && faults.includes(heard.fault), `${heard.fault}`);
      assert.equal(heard.calls.includes('end'), false);
      upstream.close();
    });
  }

  test(`${name}: sends one request with its own framing, and nothing else`, async () => {
    await using server = await rawServer((socket) => socket.write(`${OK}Content-Length: 0\r\n\r\n`));
    const upstream = open(server.url, PATIENT);
    await send(upstream).done;
    const [head = '', body] = (server.heard[0] ?? '').split('\r\n\r\n');
    const [line, ...headers] = head.split('\r\n');
    assert.equal(line, 'POST /v1/x HTTP/1.1');
    assert.deepEqual(headers.map((header) => header.split(':')[0]?.toLowerCase()).sort(), [
      'connection',
      'content-length',
      'content-type',
      'host',
    ]);
    assert.equal(body, '{"a":1}');
    upstream.close();
  });

  test(`${name}: uses a connection again after a whole answer, one request at a time`, async () => {
    let most = 0;
    await using server = await rawServer((socket) => {
      most = Math.max(most, server.sockets.size);
      socket.write(`${OK}Content-Length: 2\r\n\r\nok`);
    });
    const upstream = open(server.url, PATIENT);
    for (let i = 0; i < 5; i++) {
      await send(upstream).done;
      // A connection is free again once the turn in which its answer ended is over.
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(most, 1);
    await Promise.all(Array.from({ length: 3 }, () => send(upstream).done));
    assert.ok(most >= 2);
    upstream.close();
  });

  test(`${name}: bytes after the end of an answer are not taken for the next one`, async () => {
    const stray = `${OK}Content-Length: 5\r\n\r\nEVIL!`;
    await using server = await rawServer((socket, nth) =>
      socket.write(nth === 0 ? `${OK}Content-Length: 2\r\n\r\nok${stray}` : `${OK}Content-Length: 2\r\n\r\nme`),
    );
    const upstream = open(server.url, PATIENT);
    assert.notEqual((await send(upstream).done).body, 'EVIL!');
    const second = await send(upstream).done;
    assert.notEqual(second.body, 'EVIL!');
    upstream.close();
  });

  test(`${name}: an abort closes the connection, and nothing is heard after it`, async () => {
    await using server = await rawServer((socket) => socket.write(`${OK}Content-Length: 50\r\n\r\nhello`));
    const upstream = open(server.url, PATIENT);
    const closed = new Promise<void>((resolve) => {
      const { call, done } = send(upstream, {
        onChunk(self) {
          for (const socket of server.sockets) socket.once('close', () => resolve());
          self.abort();
          self.abort();
          return true;
        },
      });
      void call;
      void done.then(() => assert.fail('something was heard after the abort'));
    });
    await closed;
    upstream.close();
  });

  test(`${name}: an abort before the connection stands sends nothing`, async () => {
    await using server = await rawServer((socket) => socket.write(`${OK}Content-Length: 0\r\n\r\n`));
    const upstream = open(server.url, PATIENT);
    send(upstream).call.abort();
    await send(upstream, { path: '/second' }).done;
    assert.deepEqual(
      server.heard.map((text) => text.split(' ')[1]),
      ['/second'],
    );
    upstream.close();
  });

  test(`${name}: a listener that asks to pause gets the rest only after resume`, async () => {
    const size = 3_000_000;
    await using server = await rawServer((socket) =>
      socket.write(`${OK}Content-Length: ${size}\r\n\r\n${'x'.repeat(size)}`),
    );
    const upstream = open(server.url, PATIENT);
    let paused = 0;
    let isPaused = false;
    const heard = await send(upstream, {
      onChunk(call) {
        assert.equal(isPaused, false, 'a chunk came while paused');
        isPaused = true;
        paused++;
        setImmediate(() => {
          isPaused = false;
          call.resume();
        });
        return false;
      },
    }).done;
    assert.equal(heard.body.length, size);
    assert.ok(paused > 1);
    upstream.close();
  });

  test(`${name}: a port where nobody listens is a connect fault`, async () => {
    const server = await rawServer(() => undefined);
    await server[Symbol.asyncDispose]();
    const upstream = open(server.url, PATIENT);
    const heard = await send(upstream).done;
    assert.equal(heard.fault, 'connect');
    assert.deepEqual(heard.calls, ['fault']);
    upstream.close();
  });

  for (const [title, timeouts, bytes] of [
    ['the first byte', { ...PATIENT, firstByteMs: 50 }, ''],
    ['the next chunk', { ...PATIENT, betweenChunksMs: 50 }, `${OK}Content-Length: 9\r\n\r\nhello`],
  ] as const) {
    test(`${name}: waiting too long for ${title} is a timeout fault`, async () => {
      await using server = await rawServer((socket) => socket.write(bytes));
      const upstream = open(server.url, timeouts);
      assert.equal((await send(upstream).done).fault, 'timeout');
      upstream.close();
    });
  }

  test(`${name}: a server that falls silent while nobody listens is a timeout fault once somebody does`, async () => {
    await using server = await rawServer((socket) => socket.write(`${OK}Content-Length: 9\r\n\r\nhello`));
    const upstream = open(server.url, { ...PATIENT, betweenChunksMs: 50 });
    const { done } = send(upstream, {
      onChunk(call) {
        // Well after the time between chunks has run out, which does not count while we do not read.
        setTimeout(() => call.resume(), 200);
        return false;
      },
    });
    const heard = await done;
    assert.deepEqual([heard.body, heard.fault], ['hello', 'timeout']);
    upstream.close();
  });
}
