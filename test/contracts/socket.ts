import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect, type Socket as Connection } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import type { Downstream, Handshake, Socket, SocketFault, SocketListener } from '../../src/kernel/transport.ts';

/** Starts a server of the port under test on 127.0.0.1; calls back for each request. */
export type StartSockets = (
  onRequest: (downstream: Downstream) => void,
) => Promise<AsyncDisposable & { readonly port: number }>;

/** Largest message that the server under test takes. */
export const MAX_FRAME_BYTES = 64 * 1024;
/** How long it waits for the peer's close: no test of the suite may have to. */
export const CLOSE_MS = 3_600_000;
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
/** What RFC 6455 §1.3 answers to it. */
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const HANDSHAKE = 'GET /x HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

/** One frame of a client (RFC 6455 §5.2). */
export function frame(
  opcode: number,
  payload: string | Buffer = '',
  { isFinal = true, isMasked = true, reserved = 0 } = {},
): Buffer {
  const bytes = Buffer.from(payload);
  const first = (isFinal ? 0x80 : 0) | reserved | opcode;
  const bit = isMasked ? 0x80 : 0;
  const length =
    bytes.length < 126
      ? Buffer.from([first, bit | bytes.length])
      : bytes.length < 65_536
        ? Buffer.from([first, bit | 126, bytes.length >> 8, bytes.length & 255])
        : Buffer.concat([Buffer.from([first, bit | 127, 0, 0, 0, 0]), uint32(bytes.length)]);
  if (!isMasked) return Buffer.concat([length, bytes]);
  const mask = randomBytes(4);
  return Buffer.concat([length, mask, bytes.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const TEXT = 1;
const CLOSE = 8;

interface Heard {
  readonly texts: string[];
  controls: number;
  fault: SocketFault | undefined;
  isClean: boolean | undefined;
  drains: number;
}

/** The server's side of one connection, and a raw client. */
class Pair {
  readonly heard: Heard = { texts: [], controls: 0, fault: undefined, isClean: undefined, drains: 0 };
  readonly client: Connection;
  socket: Socket | undefined;
  received = Buffer.alloc(0);
  private waiting: (() => void)[] = [];

  constructor(port: number) {
    this.client = connect(port, '127.0.0.1');
    this.client.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.wake();
    });
    this.client.on('error', () => undefined);
    this.client.on('close', () => this.wake());
  }

  /** What the server's socket tells. */
  listener(): SocketListener {
    const { heard } = this;
    const told = (run: () => void) => () => {
      run();
      this.wake();
    };
    return {
      text: (bytes) => told(() => heard.texts.push(bytes.toString()))(),
      control: told(() => heard.controls++),
      fault: (fault) => {
        heard.fault = fault;
        this.socket?.send('told');
        this.wake();
      },
      drained: told(() => heard.drains++),
      closed: (isClean) => told(() => (heard.isClean = isClean))(),
    };
  }

  wake(): void {
    for (const run of this.waiting.splice(0)) run();
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** The head of the answer, once it is there; what came behind it stays. */
  async head(): Promise<string> {
    await this.until(() => this.received.includes('\r\n\r\n'));
    const end = this.received.indexOf('\r\n\r\n') + 4;
    const head = this.received.subarray(0, end).toString('latin1');
    this.received = this.received.subarray(end);
    return head;
  }

  /** The code of the close frame that ends what was received. */
  async closeCode(): Promise<number> {
    await this.until(() => this.client.readableEnded || this.client.destroyed);
    const [kind, length] = [this.received.at(-4), this.received.at(-3)];
    assert.deepEqual([kind, length], [0x80 | CLOSE, 2], this.received.toString('hex').slice(-40));
    return this.received.readUInt16BE(this.received.length - 2);
  }
}

/** The suite that every adapter of `Socket` passes, behind the server that hands it its connections. */
export function socketContract(name: string, start: StartSockets): void {
  async function pair(
    bytes: string | Buffer = HANDSHAKE,
    handshake: Handshake = { key: KEY, protocol: undefined },
    headers: readonly string[] = ['x-request-id', 'id-1'],
  ): Promise<Pair & AsyncDisposable> {
    const waiting: Downstream[] = [];
    let wake: () => void = () => undefined;
    const server = await start((downstream) => {
      waiting.push(downstream);
      wake();
    });
    const both = new Pair(server.port);
    both.client.write(bytes);
    while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    both.socket = waiting[0]?.upgrade(handshake, headers, both.listener());
    return Object.assign(both, {
      async [Symbol.asyncDispose]() {
        both.client.destroy();
        assert.equal(waiting.length, 1, 'what came behind the handshake was read as a request');
        await server[Symbol.asyncDispose]();
      },
    });
  }

  test(`${name}: a handshake is answered as RFC 6455 §1.3 answers it, with our headers and without extensions`, async () => {
    await using it = await pair();
    const head = await it.head();
    assert.match(head, /^HTTP\/1\.1 101 [^\r]+\r\n/);
    assert.ok(head.includes(`Sec-WebSocket-Accept: ${ACCEPT}\r\n`), head);
    assert.match(head, /\r\nx-request-id: id-1\r\n/);
    assert.doesNotMatch(head, /sec-websocket-(extensions|protocol)/i);
  });

  test(`${name}: the subprotocol of the handshake is spoken`, async () => {
    await using it = await pair(HANDSHAKE, { key: KEY, protocol: 'realtime' });
    assert.match(await it.head(), /\r\nSec-WebSocket-Protocol: realtime\r\n/);
  });

  test(`${name}: frames behind the handshake are heard, whatever was sent with it and however it was cut`, async () => {
    const frames = [frame(TEXT, 'a'), frame(TEXT, 'GET /sleep HTTP/1.1\r\nHost: h\r\n\r\n'), frame(TEXT, 'b')];
    const expected = ['a', 'GET /sleep HTTP/1.1\r\nHost: h\r\n\r\n', 'b'];
    await using whole = await pair(Buffer.concat([Buffer.from(HANDSHAKE), ...frames]));
    await whole.until(() => whole.heard.texts.length === 3);
    assert.deepEqual(whole.heard.texts, expected);
    await using parts = await pair();
    parts.client.setNoDelay(true);
    for (const byte of Buffer.concat(frames)) {
      parts.client.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await parts.until(() => parts.heard.texts.length === 3);
    assert.deepEqual(parts.heard.texts, expected);
  });

  test(`${name}: much that waits behind the handshake is heard in order`, async () => {
    const all = Array.from({ length: 3_000 }, (_, i) => `${i}`.padStart(100, '.'));
    await using it = await pair(Buffer.concat([Buffer.from(HANDSHAKE), ...all.map((text) => frame(TEXT, text))]));
    await it.until(() => it.heard.texts.length === all.length);
    assert.deepEqual(it.heard.texts, all);
  });

  test(`${name}: a request behind the handshake is no request`, async () => {
    await using it = await pair(`${HANDSHAKE}GET /sleep HTTP/1.1\r\nHost: h\r\n\r\n`);
    await it.until(() => it.heard.fault !== undefined);
    assert.equal(it.heard.fault, 'protocol');
  });

  const half = 'a'.repeat(MAX_FRAME_BYTES / 2);
  for (const [title, bytes, fault, code] of [
    ['without a mask', frame(TEXT, 'a', { isMasked: false }), 'protocol', 1002],
    ['with a reserved bit', frame(TEXT, 'a', { reserved: 0x40 }), 'protocol', 1002],
    ['of a reserved opcode', frame(3, 'a'), 'protocol', 1002],
    ['of a control opcode that is reserved', frame(11, 'a'), 'protocol', 1002],
    ['of a ping in pieces', frame(9, 'a', { isFinal: false }), 'protocol', 1002],
    ['of a ping of 126 bytes', frame(9, 'a'.repeat(126)), 'protocol', 1002],
    ['that continues nothing', frame(0, 'a'), 'protocol', 1002],
    [
      'that begins anew within a message',
      Buffer.concat([frame(TEXT, 'a', { isFinal: false }), frame(TEXT)]),
      'protocol',
      1002,
    ],
    ['of a close with one byte', frame(CLOSE, 'a'), 'protocol', 1002],
    ['of a close with a code that nobody may send', frame(CLOSE, Buffer.from([3, 0xed])), 'protocol', 1002],
    ['of bytes that are not UTF-8', frame(TEXT, Buffer.from('ff', 'hex')), 'encoding', 1007],
    ['of half a surrogate', frame(TEXT, Buffer.from('eda080', 'hex')), 'encoding', 1007],
    ['of a byte more than the limit', frame(TEXT, `${half}${half}a`), 'too-big', 1009],
    [
      'of more than the limit in pieces',
      Buffer.concat([frame(TEXT, half, { isFinal: false }), frame(0, `${half}a`)]),
      'too-big',
      1009,
    ],
    ['that announces 2^40 bytes', Buffer.from('81ff0000010000000000', 'hex'), 'too-big', 1009],
    ['that is binary', frame(2, 'a'), 'binary', 1003],
    ['that is binary and empty', frame(2), 'binary', 1003],
  ] as const) {
    test(`${name}: a frame ${title} is ${fault}; what is said to it comes before the close ${code}`, async () => {
      await using it = await pair();
      await it.head();
      it.client.write(Buffer.concat([frame(TEXT, 'before'), bytes, frame(TEXT, 'behind')]));
      await it.until(() => it.heard.fault !== undefined);
      assert.equal(it.heard.fault, fault);
      assert.deepEqual(it.heard.texts, ['before']);
      // Its framing is still believed, so the peer's own close is waited for.
      if (fault === 'binary') it.client.write(frame(CLOSE, Buffer.from([3, 0xeb])));
      assert.equal(await it.closeCode(), code);
      assert.ok(it.received.includes('told'));
      assert.equal(it.heard.isClean, undefined);
    });
  }

  test(`${name}: too many pieces of one message are a fault`, async () => {
    await using it = await pair();
    it.client.write(
      Buffer.concat([
        frame(TEXT, 'a', { isFinal: false }),
        ...Array.from({ length: 300 }, () => frame(0, '', { isFinal: false })),
      ]),
    );
    await it.until(() => it.heard.fault !== undefined);
    assert.deepEqual(it.heard.texts, []);
  });

  test(`${name}: a frame that comes in thousands of reads is a fault`, async () => {
    await using it = await pair();
    await it.head();
    const whole = frame(TEXT, half);
    // One read each: the next byte waits until this one was heard.
    for (let at = 0; at < whole.length - 1 && it.heard.fault === undefined; at++) {
      it.client.write(whole.subarray(at, at + 1));
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await it.until(() => it.heard.fault !== undefined);
    assert.equal(it.heard.fault, 'protocol');
    assert.deepEqual(it.heard.texts, []);
  });

  test(`${name}: a message of exactly the limit, and one in pieces with a ping between, are heard whole`, async () => {
    await using it = await pair();
    await it.head();
    it.client.write(frame(TEXT, half + half));
    it.client.write(Buffer.concat([frame(TEXT, 'ä€', { isFinal: false }), frame(9, 'p'), frame(0, 'b')]));
    await it.until(() => it.heard.texts.length === 2);
    assert.deepEqual(it.heard.texts, [half + half, 'ä€b']);
    assert.equal(it.heard.controls, 1);
    await it.until(() => it.received.length >= 3);
    assert.deepEqual(it.received, Buffer.from([0x8a, 1, 'p'.charCodeAt(0)])); // the pong has what the ping had
  });

  test(`${name}: texts go out unmasked, in order, behind them the close; nothing is heard after it`, async () => {
    await using it = await pair();
    await it.head();
    assert.equal(it.socket?.send('a'), true);
    it.socket.send('b');
    it.socket.close(1008);
    it.client.write(frame(TEXT, 'late'));
    it.client.write(frame(CLOSE, Buffer.from([3, 0xf0])));
    assert.equal(await it.closeCode(), 1008);
    assert.equal(it.received.toString('latin1'), '\x81\x01a\x81\x01b\x88\x02\x03\xf0');
    assert.deepEqual(it.heard, { texts: [], controls: 0, fault: undefined, isClean: undefined, drains: 0 });
  });

  test(`${name}: a peer that closes is clean, one that goes away or ends is not; either is told once`, async () => {
    for (const [bye, isClean] of [
      [(client: Connection) => client.write(frame(CLOSE, Buffer.from([3, 0xe8]))), true],
      [(client: Connection) => client.write(frame(CLOSE)), true],
      [(client: Connection) => client.resetAndDestroy(), false],
      [(client: Connection) => client.end(), false],
    ] as const) {
      await using it = await pair();
      await it.head();
      bye(it.client);
      await it.until(() => it.heard.isClean !== undefined);
      assert.equal(it.heard.isClean, isClean);
    }
  });

  test(`${name}: a peer that has gone before it was answered is told as gone`, async () => {
    const waiting: Downstream[] = [];
    let wake: () => void = () => undefined;
    await using server = await start((downstream) => {
      waiting.push(downstream);
      downstream.onDisconnect(() => wake());
    });
    const client = connect(server.port, '127.0.0.1');
    client.write(HANDSHAKE, () => client.resetAndDestroy());
    await new Promise<void>((resolve) => (wake = resolve));
    const both = new Pair(server.port);
    // Its exchange has been told by `onDisconnect`; an upgrade that comes too late must not take anything down.
    assert.throws(() => waiting[0]?.upgrade({ key: KEY, protocol: undefined }, [], both.listener()));
    both.client.destroy();
  });

  test(`${name}: a socket that is destroyed is cut, and tells nothing`, async () => {
    await using it = await pair();
    await it.head();
    it.socket?.destroy();
    await it.until(() => it.client.destroyed || it.client.readableEnded);
    assert.equal(it.heard.isClean, undefined);
  });

  test(`${name}: who writes is asked to wait for a peer that does not read, and told when it has`, async () => {
    await using it = await pair();
    await it.head();
    it.client.pause();
    let written = 0;
    while (it.socket?.send('x'.repeat(64 * 1024)) === true) assert.ok(++written < 1_000);
    assert.equal(it.heard.drains, 0);
    it.client.resume();
    await it.until(() => it.heard.drains === 1);
    assert.equal(it.socket?.send('y'), true);
  });

  test(`${name}: a socket that is paused reads on only when it is resumed`, async () => {
    await using it = await pair();
    await it.head();
    it.socket?.pause();
    it.client.write(frame(TEXT, 'a'));
    await new Promise((resolve) => it.client.write('', resolve));
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(it.heard.texts, []);
    it.socket?.resume();
    await it.until(() => it.heard.texts.length === 1);
  });

  test(`${name}: a paused socket that is closed reads the peer's close, and so ends at once`, async () => {
    await using it = await pair();
    await it.head();
    it.socket?.pause();
    it.socket?.close(1008);
    it.client.write(frame(CLOSE, Buffer.from([3, 0xf0])));
    assert.equal(await it.closeCode(), 1008);
  });

  test(`${name}: compression that a client offers is not taken`, async () => {
    await using it = await pair(HANDSHAKE.replace('Host', 'Sec-WebSocket-Extensions: permessage-deflate\r\nHost'));
    assert.doesNotMatch(await it.head(), /extensions/i);
    it.client.write(frame(TEXT, 'a', { reserved: 0x40 }));
    await it.until(() => it.heard.fault !== undefined);
    assert.equal(it.heard.fault, 'protocol');
  });

  test(`${name}: whatever bytes come, they end in one fault or one close, and never in an error`, async () => {
    const piece = fc.oneof(
      { weight: 4, arbitrary: fc.string({ maxLength: 200 }).map((text) => frame(TEXT, text)) },
      fc
        .record({
          opcode: fc.nat(15),
          payload: fc.uint8Array({ maxLength: 130 }),
          isFinal: fc.boolean(),
          reserved: fc.constantFrom(0, 0, 0, 0x40),
        })
        .map(({ opcode, payload, ...more }) => frame(opcode, Buffer.from(payload), more)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        await using it = await pair(Buffer.concat([Buffer.from(HANDSHAKE), ...pieces]));
        it.client.end();
        await it.until(() => it.heard.fault !== undefined || it.heard.isClean !== undefined);
        assert.ok(it.heard.fault === undefined || it.heard.isClean === undefined);
      }),
    );
  });

  test(`${name}: a request with a body is not upgraded`, async () => {
    const waiting: Downstream[] = [];
    let wake: () => void = () => undefined;
    await using server = await start((downstream) => {
      waiting.push(downstream);
      wake();
    });
    const both = new Pair(server.port);
    both.client.write(HANDSHAKE.replace('Host', 'Content-Length: 5\r\nHost'));
    while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    assert.throws(() => waiting[0]?.upgrade({ key: KEY, protocol: undefined }, [], both.listener()));
    both.client.destroy();
  });

  test(`${name}: a client of another make talks with it`, async () => {
    await using server = await start((downstream) => {
      const key =
        downstream.head.rawHeaders[
          downstream.head.rawHeaders.findIndex((text) => text.toLowerCase() === 'sec-websocket-key') + 1
        ];
      const socket: Socket = downstream.upgrade({ key: key ?? '', protocol: undefined }, [], {
        text: (bytes) => void socket.send(bytes.toString().toUpperCase()),
        control: () => undefined,
        fault: () => undefined,
        drained: () => undefined,
        closed: () => undefined,
      });
    });
    // The runtime's own, which is undici's.
    const client = new globalThis.WebSocket(`ws://127.0.0.1:${server.port}/x`);
    const answer = await new Promise((resolve, reject) => {
      client.addEventListener('open', () => client.send('abc'));
      client.addEventListener('message', ({ data }) => resolve(data));
      client.addEventListener('error', reject);
    });
    assert.equal(answer, 'ABC');
    client.close();
    assert.notEqual(WebSocket, globalThis.WebSocket);
  });
}
