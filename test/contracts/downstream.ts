import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import type { BodyRead, Downstream } from '../../src/kernel/transport.ts';

/** A server of the port under test, on a port of 127.0.0.1. */
export interface ServerUnderTest extends AsyncDisposable {
  readonly port: number;
}

/** Limits that a test sets. */
export interface ServerLimits {
  readonly bodyMs?: number;
  readonly minBytesPerSecond?: number;
  readonly budgetBytes?: number;
  readonly writeMs?: number;
}

/** Starts an adapter of the port; calls back for each request. */
export type StartServer = (
  onRequest: (downstream: Downstream) => void,
  limits?: ServerLimits,
) => Promise<ServerUnderTest>;

/** A raw connection that collects what it hears. */
class Wire {
  text = '';
  readonly socket: Socket;
  readonly closed: Promise<void>;
  private waiting: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes) => {
      this.text += bytes.toString('latin1');
      for (const wake of this.waiting.splice(0)) wake();
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    void this.closed.then(() => this.waiting.splice(0).forEach((wake) => wake()));
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) {
      assert.ok(!this.socket.destroyed, `closed before ${pattern}: ${this.text}`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    return this.text;
  }
}

const POST = 'POST /x HTTP/1.1\r\nHost: h\r\n';
const ok = (x: Downstream, body = 'ok'): void => x.answer(200, [], body);

/** The suite that every adapter of `Downstream` passes. */
export function downstreamContract(name: string, start: StartServer): void {
  const BODIES: readonly { title: string; bytes: string; max?: number; read: BodyRead['kind']; text?: string }[] = [
    { title: 'a body with a length', bytes: `${POST}Content-Length: 5\r\n\r\nhello`, read: 'body', text: 'hello' },
    { title: 'no body', bytes: `${POST}\r\n`, read: 'body', text: '' },
    {
      title: 'a chunked body',
      bytes: `${POST}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n`,
      read: 'body',
      text: 'hello',
    },
    {
      title: 'chunks with trailers',
      bytes: `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nAuthorization: x\r\n\r\n`,
      read: 'body',
      text: 'hello',
    },
    {
      title: 'a length at the limit',
      bytes: `${POST}Content-Length: 5\r\n\r\nhello`,
      max: 5,
      read: 'body',
      text: 'hello',
    },
    { title: 'a length above the limit', bytes: `${POST}Content-Length: 6\r\n\r\nhello!`, max: 5, read: 'too-large' },
    {
      title: 'chunks above the limit',
      bytes: `${POST}Transfer-Encoding: chunked\r\n\r\n6\r\nhello!\r\n`,
      max: 5,
      read: 'too-large',
    },
  ];
  for (const { title, bytes, max = 1000, read, text } of BODIES) {
    test(`${name}: reads ${title}`, async () => {
      let got: BodyRead | undefined;
      await using server = await start((x) => void x.readBody(max).then((body) => ((got = body), ok(x))));
      const wire = new Wire(server.port).send(bytes);
      await wire.until(/\r\n\r\nok$/);
      assert.equal(got?.kind, read);
      if (text !== undefined) assert.equal(got.kind === 'body' ? got.bytes.toString() : undefined, text);
      // What was not read would be taken for the next request.
      if (read === 'too-large') await wire.closed;
      wire.socket.destroy();
    });
  }

  test(`${name}: a body that is broken or cut ends as broken`, async () => {
    for (const bytes of [
      `${POST}Content-Length: 50\r\n\r\nhello`,
      `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`,
    ]) {
      let done: (read: BodyRead) => void = () => undefined;
      const read = new Promise<BodyRead>((resolve) => (done = resolve));
      await using server = await start((x) => void x.readBody(1000).then(done));
      const wire = new Wire(server.port).send(bytes);
      await new Promise((resolve) => setTimeout(resolve, 20));
      wire.socket.destroy();
      assert.equal((await read).kind, 'broken');
    }
  });

  test(`${name}: a body that takes too long, or comes too slowly, ends as timeout`, async () => {
    let got: BodyRead | undefined;
    await using server = await start((x) => void x.readBody(1000).then((body) => ((got = body), ok(x))), {
      bodyMs: 40,
    });
    const wire = new Wire(server.port).send(`${POST}Content-Length: 50\r\n\r\nhello`);
    await wire.until(/ok$/);
    assert.equal(got?.kind, 'timeout');
    await wire.closed;
  });

  test(`${name}: bodies beyond the budget end as no-room, and give back what they took`, async () => {
    const reads: string[] = [];
    await using server = await start((x) => void x.readBody(1000).then((body) => (reads.push(body.kind), ok(x))), {
      budgetBytes: 8,
    });
    for (const length of [8, 9, 8]) {
      const wire = new Wire(server.port).send(`${POST}Content-Length: ${length}\r\n\r\n${'x'.repeat(length)}`);
      await wire.until(/ok$/);
      wire.socket.destroy();
      await wire.closed;
    }
    assert.deepEqual(reads, ['body', 'no-room', 'body']);
  });

  test(`${name}: a body that fits the budget takes no more than its own size, however it is cut`, async () => {
    const reads: string[] = [];
    await using server = await start((x) => void x.readBody(1_000).then((body) => (reads.push(body.kind), ok(x))), {
      budgetBytes: 100,
    });
    const wire = new Wire(server.port).send(`${POST}Content-Length: 90\r\n\r\n${'x'.repeat(60)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    wire.send('x'.repeat(30));
    await wire.until(/ok$/);
    assert.deepEqual(reads, ['body']);
    wire.socket.destroy();
  });

  test(`${name}: gives the head as it was sent`, async () => {
    let head: Downstream['head'] | undefined;
    await using server = await start((x) => ((head = x.head), ok(x)));
    const wire = new Wire(server.port).send('GET /a?b=%20c HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nx-one: 2\r\n\r\n');
    await wire.until(/ok$/);
    assert.deepEqual(head, {
      method: 'GET',
      target: '/a?b=%20c',
      httpVersion: '1.1',
      rawHeaders: ['Host', 'h', 'X-One', '1', 'x-one', '2'],
    });
    wire.socket.destroy();
  });

  test(`${name}: answers Expect: 100-continue only when the body is wanted`, async () => {
    await using server = await start((x) => (x.head.target === '/x' ? void x.readBody(10).then(() => ok(x)) : ok(x)));
    const wanted = new Wire(server.port).send(`${POST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
    await wanted.until(/100 Continue\r\n\r\n$/);
    wanted.send('hi');
    await wanted.until(/200 OK[^]*ok$/);
    wanted.socket.destroy();
    const refused = new Wire(server.port).send(
      'POST /y HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n',
    );
    await refused.until(/ok$/);
    assert.doesNotMatch(refused.text, /100 Continue/);
    await refused.closed;
  });

  test(`${name}: a stream is chunked in HTTP/1.1 and ends with the connection in HTTP/1.0`, async () => {
    await using server = await start((x) => {
      x.writeHead(200, ['content-type', 'text/plain'], undefined);
      x.write('one');
      x.write(Buffer.from('two'));
      x.end();
    });
    const modern = new Wire(server.port).send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    await modern.until(/0\r\n\r\n$/);
    assert.match(modern.text, /transfer-encoding: chunked/i);
    assert.equal(modern.text.split('\r\n\r\n').slice(1).join('\r\n\r\n'), '3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n');
    modern.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    await modern.until(/0\r\n\r\nHTTP\/1.1 200[^]*0\r\n\r\n$/);
    modern.socket.destroy();
    const old = new Wire(server.port).send('GET / HTTP/1.0\r\n\r\n');
    await old.closed;
    assert.doesNotMatch(old.text, /transfer-encoding/i);
    assert.ok(old.text.endsWith('\r\n\r\nonetwo'));
  });

  test(`${name}: pipelined requests are handed over one after the other, and answered in order`, async () => {
    let running = 0;
    const order: string[] = [];
    await using server = await start((x) => {
      assert.equal(++running, 1);
      order.push(x.head.target);
      setImmediate(() => {
        running--;
        ok(x, x.head.target);
      });
    });
    const wire = new Wire(server.port).send(
      ['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`).join(''),
    );
    await wire.until(/\/1[^]*\/2[^]*\/3$/);
    assert.deepEqual(order, ['/1', '/2', '/3']);
    wire.socket.destroy();
  });

  test(`${name}: a peer that pipelines a great many requests leaves others their turn`, async () => {
    const order: string[] = [];
    await using server = await start((x) => (order.push(x.head.target), ok(x)));
    const many = new Wire(server.port).send('GET /many HTTP/1.1\r\nHost: h\r\n\r\n');
    const one = new Wire(server.port).send('GET /one HTTP/1.1\r\nHost: h\r\n\r\n');
    await Promise.all([many.until(/ok$/), one.until(/ok$/)]);
    many.send('GET /many HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(1_000));
    one.send('GET /one HTTP/1.1\r\nHost: h\r\n\r\n');
    while (order.length < 1_003) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(order.lastIndexOf('/one') < 500, `the other was answered at ${order.lastIndexOf('/one')}`);
    many.socket.destroy();
    one.socket.destroy();
  });

  test(`${name}: what is pipelined stays with its peer, however many answers it has had`, async () => {
    let answers = 0;
    await using server = await start((x) => void setImmediate(() => (answers++, ok(x))));
    const wire = new Wire(server.port);
    // 37 MB: more than the kernel's buffers hold, less than a read for each answer would take.
    wire.send('GET /many HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(1_200_000));
    while (answers < 2_000) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(wire.socket.writableLength > 0);
    wire.socket.destroy();
  });

  test(`${name}: a body that nobody read closes the connection after the answer`, async () => {
    const seen: string[] = [];
    await using server = await start((x) => (seen.push(x.head.target), ok(x)));
    const wire = new Wire(server.port).send(
      `${POST}Content-Length: 40\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n`,
    );
    await wire.until(/ok$/);
    await wire.closed;
    assert.match(wire.text, /connection: close/i);
    assert.deepEqual(seen, ['/x']);
  });

  test(`${name}: tells of a peer that does not read, and again when it does`, async () => {
    let sent = 0;
    let drains = 0;
    await using server = await start((x) => {
      x.writeHead(200, [], undefined);
      const fill = (): void => {
        while (sent < 200 && x.write('x'.repeat(65_536))) sent++;
        if (sent < 200) sent++;
        else x.end();
      };
      x.onDrain(() => (drains++, fill()));
      fill();
    });
    const wire = new Wire(server.port);
    wire.socket.pause();
    wire.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    while (sent === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(sent < 200, 'the writer was told to wait');
    wire.socket.resume();
    await wire.until(/0\r\n\r\n$/);
    assert.ok(drains > 0);
    wire.socket.destroy();
  });

  test(`${name}: tells once of a peer that goes away before the end, and not of one after it`, async () => {
    let gone = 0;
    let requests = 0;
    await using server = await start((x) => {
      requests++;
      x.onDisconnect((isCut) => (isCut ? assert.fail('it left by itself') : gone++));
      if (x.head.target === '/whole') ok(x);
      else (x.writeHead(200, [], undefined), x.write('a'));
    });
    const whole = new Wire(server.port).send('GET /whole HTTP/1.1\r\nHost: h\r\n\r\n');
    await whole.until(/ok$/);
    whole.socket.destroy();
    const cut = new Wire(server.port).send('GET /cut HTTP/1.1\r\nHost: h\r\n\r\n');
    await cut.until(/1\r\na\r\n/);
    cut.socket.destroy();
    while (gone === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(requests, 2);
    assert.equal(gone, 1);
  });

  test(`${name}: tells at once of a peer that had gone before anyone asked`, async () => {
    let tell: () => void = () => undefined;
    const told = new Promise<void>((resolve) => (tell = resolve));
    await using server = await start((x) => void x.readBody(1_000).then(() => x.onDisconnect(tell)));
    const wire = new Wire(server.port).send(`${POST}Content-Length: 50\r\n\r\nhello`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    wire.socket.destroy();
    await told;
  });

  test(`${name}: tells of a peer that goes away, though it has sent more behind its request`, async () => {
    let tell: () => void = () => undefined;
    const told = new Promise<void>((resolve) => (tell = resolve));
    await using server = await start((x) => x.onDisconnect(tell));
    const wire = new Wire(server.port);
    for (const piece of ['GET / HTTP/1.1\r\nHost: h\r\n\r\n', '\r\n', '\r\n', 'GET /2 HTTP/1.1\r\n']) {
      wire.send(piece);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    wire.socket.destroy();
    await told;
  });

  test(`${name}: a head without an answer body for HEAD`, async () => {
    await using server = await start((x) => ok(x, 'hello'));
    const wire = new Wire(server.port).send('HEAD / HTTP/1.1\r\nHost: h\r\n\r\n');
    await wire.until(/\r\n\r\n$/);
    assert.match(wire.text, /content-length: 5/i);
    wire.socket.destroy();
  });

  test(`${name}: memory for answers is that of bodies, and is given back when they have left`, async () => {
    const held: boolean[] = [];
    await using server = await start(
      (x) => {
        held.push(x.holdAnswer(6), x.holdAnswer(6));
        ok(x);
      },
      { budgetBytes: 10 },
    );
    for (let i = 0; i < 2; i++) {
      const wire = new Wire(server.port).send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
      await wire.until(/ok$/);
      wire.socket.destroy();
      await wire.closed;
    }
    assert.deepEqual(held, [true, false, true, false]);
  });

  test(`${name}: memory for an answer that is not held any more is there for others`, async () => {
    const held: boolean[] = [];
    await using server = await start(
      (x) => {
        held.push(x.holdAnswer(8), x.holdAnswer(8));
        x.keepAnswer(2);
        x.keepAnswer(6); // more than is held takes nothing
        held.push(x.holdAnswer(8), x.holdAnswer(1));
        ok(x);
      },
      { budgetBytes: 10 },
    );
    for (let i = 0; i < 2; i++) {
      const wire = new Wire(server.port).send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
      await wire.until(/ok$/);
      wire.socket.destroy();
      await wire.closed;
    }
    assert.deepEqual(held, [true, false, true, false, true, false, true, false]);
  });

  test(`${name}: memory for the answer to a peer that has gone is given back`, async () => {
    const held: boolean[] = [];
    await using server = await start((x) => void held.push(x.holdAnswer(6)), { budgetBytes: 10 });
    for (let i = 0; i < 2; i++) {
      const wire = new Wire(server.port).send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
      while (held.length <= i) await new Promise((resolve) => setImmediate(resolve));
      wire.socket.destroy();
      await wire.closed;
      // The server hears of it in a turn of its own.
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(held, [true, true]);
  });

  test(`${name}: memory by which a body grows is that of bodies, kept like it, and given back`, async () => {
    const held: boolean[] = [];
    await using server = await start(
      (x) =>
        void x.readBody(100).then(() => {
          held.push(x.growBody(6), x.growBody(3));
          x.keepBody(4);
          held.push(x.growBody(7));
          x.keepBody(2);
          held.push(x.growBody(7));
          if (held.length <= 4) ok(x);
        }),
      { budgetBytes: 10 },
    );
    for (const end of [/ok$/, undefined]) {
      const wire = new Wire(server.port).send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}');
      if (end === undefined) while (held.length < 8) await new Promise((resolve) => setImmediate(resolve));
      else await wire.until(end);
      wire.socket.destroy();
      await wire.closed;
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    const once = [true, false, false, true];
    assert.deepEqual(held, [...once, ...once]);
  });

  test(`${name}: a peer that has gone gets no more memory`, async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    await using server = await start((x) => x.onDisconnect(() => resolve(x.growBody(1))), { budgetBytes: 10 });
    const wire = new Wire(server.port).send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    await new Promise((turn) => setImmediate(turn));
    wire.socket.destroy();
    assert.equal(await promise, false);
  });

  test(`${name}: an answer in pieces has the length that it announced`, async () => {
    await using server = await start((x) => {
      x.writeHead(200, [], 6);
      x.write('one');
      x.write(Buffer.from('two'));
      x.end();
    });
    const wire = new Wire(server.port).send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    await wire.until(/\r\n\r\nonetwo$/);
    assert.match(wire.text, /content-length: 6/i);
    wire.socket.destroy();
  });

  test(`${name}: an answer that closes says so, and closes`, async () => {
    await using server = await start((x) => x.answer(400, [], 'no', true));
    const wire = new Wire(server.port).send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    await wire.closed;
    assert.match(wire.text, /connection: close\r\n[^]*\r\n\r\nno$/i);
  });

  test(`${name}: a body in a great many tiny pieces is refused, a small one in as many is not`, async () => {
    const reads: string[] = [];
    await using server = await start((x) => void x.readBody(1_000_000).then((body) => (reads.push(body.kind), ok(x))));
    const head = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
    const few = new Wire(server.port).send(`${head}${'1\r\nx\r\n'.repeat(4_000)}0\r\n\r\n`);
    await few.until(/ok$/);
    const many = new Wire(server.port).send(`${head}${'1\r\nx\r\n'.repeat(5_000)}0\r\n\r\n`);
    await many.until(/ok$/);
    assert.deepEqual(reads, ['body', 'broken']);
    few.socket.destroy();
    many.socket.destroy();
  });

  test(`${name}: memory of a body is given back where less is kept of it`, async () => {
    const reads: string[] = [];
    const parked: Downstream[] = [];
    await using server = await start(
      (x) =>
        void x.readBody(1000).then((body) => {
          reads.push(body.kind);
          if (body.kind !== 'body') return ok(x);
          x.keepBody(1);
          parked.push(x);
        }),
      { budgetBytes: 10 },
    );
    const wires = [];
    for (let i = 0; i < 2; i++) {
      wires.push(new Wire(server.port).send(`${POST}Content-Length: 8\r\n\r\n12345678`));
      while (reads.length <= i) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(reads, ['body', 'body']);
    for (const x of parked) ok(x);
    for (const wire of wires) wire.socket.destroy();
  });

  test(`${name}: a peer that leaves any answer unread for its time is cut`, async () => {
    const cuts: boolean[] = [];
    await using server = await start(
      (x) => {
        x.onDisconnect((isCut) => cuts.push(isCut));
        x.answer(200, [], 'x'.repeat(8_000_000));
      },
      { writeMs: 100 },
    );
    const wire = new Wire(server.port);
    wire.socket.pause();
    wire.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    // Nothing is read here, so only an error or the end of the other side's patience can close it.
    const probe = setInterval(() => wire.socket.write(' '), 20);
    await wire.closed;
    clearInterval(probe);
    assert.deepEqual(cuts, [true]);
  });

  for (const { minBytesPerSecond, isCut } of [
    { minBytesPerSecond: 1024, isCut: false },
    { minBytesPerSecond: 1024 * 1024 * 1024, isCut: true },
  ]) {
    test(`${name}: a peer that takes 64 KiB each 5 ms is ${isCut ? '' : 'not '}cut where it owes ${minBytesPerSecond} bytes a second`, async () => {
      const bytes = 16_000_000;
      await using server = await start((x) => x.answer(200, [], 'x'.repeat(bytes)), {
        writeMs: 400,
        minBytesPerSecond,
      });
      const wire = new Wire(server.port);
      let read = 0;
      wire.socket.removeAllListeners('data').on('data', (piece: Buffer) => {
        read += piece.length;
        wire.socket.pause();
      });
      wire.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
      const reader = setInterval(() => wire.socket.resume(), 5);
      while (read <= bytes && !wire.socket.destroyed) await new Promise((resolve) => setTimeout(resolve, 5));
      clearInterval(reader);
      assert.equal(read <= bytes, isCut, `${read} bytes`);
      wire.socket.destroy();
    });
  }

  test(`${name}: a peer that is still sending can read its refusal`, async () => {
    await using server = await start((x) => void x.readBody(1_000).then((body) => x.answer(413, [], body.kind, true)));
    const wire = new Wire(server.port).send(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
    const piece = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    for (let i = 0; i < 40; i++) {
      wire.send(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await wire.until(/too-large$/);
    wire.socket.destroy();
  });

  test(`${name}: tells when an answer has left`, async () => {
    let sent = 0;
    await using server = await start((x) => {
      x.onSent(() => sent++);
      ok(x);
    });
    const wire = new Wire(server.port).send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    await wire.until(/ok$/);
    while (sent === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(sent, 1);
    wire.socket.destroy();
  });
}
