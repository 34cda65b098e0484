import fc from 'fast-check';
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { MAX_HELLO_BYTES, readClientHello, type ClientHello } from './client-hello.ts';

/** The first bytes of a real client. */
function helloOf(options: { servername?: string; ALPNProtocols?: string[]; maxVersion?: 'TLSv1.2' }): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = createServer((socket) =>
      socket.once('data', (bytes: Buffer) => {
        socket.destroy();
        server.close();
        resolve(bytes);
      }),
    ).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }).on('error', () => undefined);
    });
  });
}

const forCa = await helloOf({ servername: 'LLM.example.org', ALPNProtocols: ['acme-tls/1'] });
const usual = await helloOf({ ALPNProtocols: ['h2', 'http/1.1'], maxVersion: 'TLSv1.2' });

/** The same message in records of a few bytes each. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records = [];
  for (let at = 0; at < message.length; at += size) {
    const fragment = message.subarray(at, at + size);
    const head = Buffer.from([22, 3, 1, 0, 0]);
    head.writeUInt16BE(fragment.length, 3);
    records.push(head, fragment);
  }
  return Buffer.concat(records);
}

for (const [name, bytes, expected] of [
  ['of a CA', forCa, { serverName: 'llm.example.org', protocols: ['acme-tls/1'] }],
  ['without a name, for TLS 1.2', usual, { serverName: undefined, protocols: ['h2', 'http/1.1'] }],
  ['in many records', inRecords(forCa, 64), { serverName: 'llm.example.org', protocols: ['acme-tls/1'] }],
] as const) {
  test(`the hello ${name} tells its name and protocols, and is waited for until it is whole`, () => {
    assert.deepEqual(readClientHello(bytes), expected satisfies ClientHello);
    assert.deepEqual(readClientHello(Buffer.concat([bytes, Buffer.from('more')])), expected);
    for (let end = 0; end < bytes.length; end++)
      assert.equal(readClientHello(bytes.subarray(0, end)), 'more', `${end}`);
  });
}

for (const [name, bytes] of [
  ['a request in the clear', Buffer.from('GET / HTTP/1.1\r\n')],
  ['another record', Buffer.from([23, 3, 3, 0, 1, 0])],
  ['SSL 2', Buffer.from([22, 2, 0, 0, 4])],
  ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
  ['a record that is too long', Buffer.from([22, 3, 1, 0x40, 0x01])],
  ['another handshake message', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
  ['a message that is too long', Buffer.from([22, 3, 1, 0, 4, 1, 1, 0, 0])],
  ['an empty message', Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0])],
  ['tiny records without end', inRecords(forCa, 1)],
  ['a name twice', twice(forCa)],
] as const) {
  test(`${name} is left to others`, () => assert.equal(readClientHello(bytes), 'other'));
}

/** A hello whose extensions are there twice. */
function twice(hello: Buffer): Buffer {
  const message = hello.subarray(9);
  let at = 34;
  at += 1 + (message[at] ?? 0);
  at += 2 + message.readUInt16BE(at);
  at += 1 + (message[at] ?? 0);
  const extensions = message.subarray(at + 2);
  const body = Buffer.concat([message.subarray(0, at), Buffer.alloc(2), extensions, extensions]);
  body.writeUInt16BE(extensions.length * 2, at);
  const head = Buffer.alloc(9);
  head.set([22, 3, 1, 0, 0, 1]);
  head.writeUInt16BE(body.length + 4, 3);
  head.writeUIntBE(body.length, 6, 3);
  return Buffer.concat([head, body]);
}

const hurt = fc
  .tuple(
    fc.constantFrom(forCa, usual, inRecords(forCa, 33)),
    fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 6 }),
  )
  .map(([bytes, changes]) => {
    const copy = Buffer.from(bytes);
    for (const [at, value] of changes) copy[at % copy.length] = value;
    return copy;
  });

test('a hello that was damaged anywhere is judged alike however it arrives, and never throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        hurt,
        fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some)),
      ),
      (bytes) => {
        const whole = readClientHello(bytes);
        for (let end = 0; end < bytes.length; end++) {
          const early = readClientHello(bytes.subarray(0, end));
          // What was decided by fewer bytes is not decided otherwise by more.
          if (early !== 'more') assert.deepEqual(whole, early);
        }
      },
    ),
  );
});

test('it is decided within bounded bytes', () => {
  fc.assert(
    fc.property(fc.nat(16_384), (size) => {
      const record = Buffer.alloc(5 + 16_384);
      record.set([22, 3, 1, 0x40, 0, 1, (size >> 16) & 255, (size >> 8) & 255, size & 255]);
      const more = Buffer.alloc(5 + 16_384);
      more.set([22, 3, 1, 0x40, 0]);
      assert.notEqual(readClientHello(Buffer.concat([record, more])), 'more');
      assert.ok(record.length + more.length <= 2 * MAX_HELLO_BYTES + 10);
    }),
  );
});
