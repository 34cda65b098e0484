import assert from 'node:assert/strict';
import { createServer, METHODS, type IncomingMessage } from 'node:http';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { RequestReader, type BodyProgress, type HeadFault } from './request-reader.ts';

interface Read {
  readonly requests: readonly { line: string; rawHeaders: readonly string[]; body: string }[];
  /** How it ended: `idle` between two requests, `more` within one, else the fault. */
  readonly end: 'idle' | 'more' | 'unread' | 'broken' | HeadFault['fault'];
}

/** Reads pieces as a connection does: heads and their bodies in turn, until something is wrong. */
function readAll(pieces: readonly Buffer[], maxHeadBytes = 16_384): Read {
  const reader = new RequestReader();
  const requests: { line: string; rawHeaders: readonly string[]; body: string }[] = [];
  let current: { line: string; rawHeaders: readonly string[]; body: string } | undefined;
  for (const piece of pieces) {
    reader.push(Buffer.from(piece));
    for (;;) {
      if (current === undefined) {
        const read = reader.head(maxHeadBytes);
        if (read === 'more') break;
        if ('fault' in read) return { requests, end: read.fault };
        const { method, target, httpVersion, rawHeaders } = read.head;
        current = { line: `${method} ${target} ${httpVersion}`, rawHeaders, body: '' };
        if (read.framing.kind === 'doubtful') return { requests, end: 'unread' };
      }
      const here = current;
      const progress: BodyProgress = reader.body((part) => {
        here.body += part.toString('latin1');
        return true;
      });
      if (progress === 'more') break;
      if (progress === 'malformed') return { requests, end: 'broken' };
      requests.push(here);
      current = undefined;
    }
  }
  return { requests, end: current !== undefined || reader.hasUnread ? 'more' : 'idle' };
}

const HEAD = 'POST /a?b=%20 HTTP/1.1\r\nHost: h\r\n';
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

const WHOLE: readonly { title: string; text: string; bodies: readonly string[] }[] = [
  { title: 'no body', text: `${HEAD}\r\n`, bodies: [''] },
  { title: 'a length', text: `${HEAD}Content-Length: 5\r\n\r\nhello`, bodies: ['hello'] },
  { title: 'a length with zeros before it', text: `${HEAD}content-length: 005\r\n\r\nhello`, bodies: ['hello'] },
  { title: 'chunks', text: `${CHUNKED}2\r\nhe\r\n003\r\nllo\r\n0\r\n\r\n`, bodies: ['hello'] },
  {
    title: 'chunk extensions',
    text: `${CHUNKED}2;a\r\nhe\r\n3;b="c;\\"";d=e\r\nllo\r\n0;f\r\n\r\n`,
    bodies: ['hello'],
  },
  { title: 'trailers', text: `${CHUNKED}1\r\na\r\n0\r\nX: y\r\nAuthorization: z\r\n\r\n`, bodies: ['a'] },
  { title: 'a body of line ends', text: `${CHUNKED}6\r\n\r\n\r\n\r\n\r\n0\r\n\r\n`, bodies: ['\r\n\r\n\r\n'] },
  { title: 'empty lines before it', text: `\r\n\r\n${HEAD}\r\n`, bodies: [''] },
  {
    title: 'one behind the other',
    text: `${HEAD}Content-Length: 1\r\n\r\na\r\n${CHUNKED}1\r\nb\r\n0\r\n\r\n${HEAD}\r\n`,
    bodies: ['a', 'b', ''],
  },
];

for (const { title, text, bodies } of WHOLE) {
  test(`${title}: is read the same whole, byte by byte and cut at every index`, () => {
    const bytes = bytesOf(text);
    const whole = readAll([bytes]);
    assert.deepEqual(
      whole.requests.map(({ body }) => body),
      bodies,
    );
    assert.equal(whole.end, 'idle');
    assert.deepEqual(readAll([...bytes].map((byte) => Buffer.from([byte]))), whole);
    for (let cut = 1; cut < bytes.length; cut++) {
      assert.deepEqual(readAll([bytes.subarray(0, cut), bytes.subarray(cut)]), whole);
    }
  });
}

test('a head is given as it was sent, without the white space around its values', () => {
  const { requests } = readAll([
    bytesOf('GET /x HTTP/1.0\r\nA:\t b c \t\r\nX-\xe9'.replace('X-\xe9', 'b:\xe9') + '\r\n\r\n'),
  ]);
  assert.deepEqual(requests, [{ line: 'GET /x 1.0', rawHeaders: ['A', 'b c', 'b', '\xe9'], body: '' }]);
});

const BAD: readonly { title: string; text: string; end: Read['end'] }[] = [
  { title: 'two spaces in the request line', text: 'GET  / HTTP/1.1\r\nHost: h\r\n\r\n', end: 'malformed' },
  { title: 'a space behind the version', text: 'GET / HTTP/1.1 \r\nHost: h\r\n\r\n', end: 'malformed' },
  { title: 'a byte above ASCII in the target', text: 'GET /\xe9 HTTP/1.1\r\nHost: h\r\n\r\n', end: 'malformed' },
  { title: 'HTTP/2.0', text: 'GET / HTTP/2.0\r\nHost: h\r\n\r\n', end: 'malformed' },
  { title: 'HTTP/0.9', text: 'GET /\r\n\r\n', end: 'malformed' },
  { title: 'RTSP', text: 'GET / RTSP/1.0\r\n\r\n', end: 'malformed' },
  { title: 'http in lower case', text: 'GET / http/1.1\r\nHost: h\r\n\r\n', end: 'malformed' },
  { title: 'a handshake of TLS', text: '\x16\x03\x01\x02\x00', end: 'malformed' },
  { title: 'CONNECT', text: 'CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n', end: 'connect' },
  { title: 'a line feed alone in the head', text: `${HEAD}A: b\nC: d\r\n\r\n`, end: 'doubtful' },
  { title: 'a carriage return alone in the head', text: `${HEAD}A: b\rC: d\r\n\r\n`, end: 'doubtful' },
  { title: 'a NUL in a value', text: `${HEAD}A: b\x00\r\n\r\n`, end: 'doubtful' },
  { title: 'a space before the colon', text: `${HEAD}A : b\r\n\r\n`, end: 'doubtful' },
  { title: 'a folded line', text: `${HEAD}A: b\r\n c: d\r\n\r\n`, end: 'doubtful' },
  { title: 'a line without colon', text: `${HEAD}A\r\n\r\n`, end: 'doubtful' },
  { title: 'an empty name', text: `${HEAD}: b\r\n\r\n`, end: 'doubtful' },
  { title: 'both framings', text: CHUNKED.replace('\r\n\r\n', '\r\nContent-Length: 1\r\n\r\n'), end: 'unread' },
  { title: 'two lengths', text: `${HEAD}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`, end: 'unread' },
  { title: 'a signed length', text: `${HEAD}Content-Length: +1\r\n\r\na`, end: 'unread' },
  { title: 'a list of lengths', text: `${HEAD}Content-Length: 1, 1\r\n\r\na`, end: 'unread' },
  { title: 'another coding', text: `${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n`, end: 'unread' },
  { title: 'white space behind the coding', text: `${HEAD}Transfer-Encoding: chunked \r\n\r\n`, end: 'unread' },
  { title: 'chunks in HTTP/1.0', text: 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', end: 'unread' },
  { title: 'a size that is none', text: `${CHUNKED}0x1\r\na\r\n`, end: 'broken' },
  { title: 'an empty size', text: `${CHUNKED}\r\na\r\n`, end: 'broken' },
  { title: 'a size beyond what can be counted', text: `${CHUNKED}fffffffffffffff0\r\n`, end: 'broken' },
  { title: 'a size that ends with a line feed alone', text: `${CHUNKED}1\na\r\n0\r\n\r\n`, end: 'broken' },
  { title: 'a carriage return in an extension', text: `${CHUNKED}1;a="\r"\r\na\r\n`, end: 'broken' },
  { title: 'bytes behind a chunk', text: `${CHUNKED}1\r\nabc\r\n0\r\n\r\n`, end: 'broken' },
  { title: 'a length in the trailers', text: `${CHUNKED}0\r\nContent-Length: 5\r\n\r\n`, end: 'broken' },
  { title: 'a folded trailer', text: `${CHUNKED}0\r\nA: b\r\n c\r\n\r\n`, end: 'broken' },
];

for (const { title, text, end } of BAD) {
  test(`${title}: ends as ${end}, however it is cut`, () => {
    const bytes = bytesOf(text);
    assert.deepEqual(readAll([bytes]), { requests: [], end });
    assert.deepEqual(readAll([...bytes].map((byte) => Buffer.from([byte]))), { requests: [], end });
  });
}

test('a head may have its most bytes and not one more, whether it ends or not', () => {
  const head = (bytes: number): string => `GET / HTTP/1.1\r\nA: ${'x'.repeat(bytes - 'GET / HTTP/1.1\r\nA: '.length)}`;
  assert.equal(readAll([bytesOf(`${head(100)}\r\n\r\n`)], 100).end, 'idle');
  assert.equal(readAll([bytesOf(`${head(101)}\r\n\r\n`)], 100).end, 'too-large');
  assert.equal(readAll([bytesOf(head(105))], 100).end, 'too-large');
});

test('lines of chunks and trailers are bounded, too', () => {
  assert.equal(readAll([bytesOf(`${CHUNKED}1;a=${'x'.repeat(5_000)}`)]).end, 'broken');
  assert.equal(readAll([bytesOf(`${CHUNKED}0\r\n${`A: ${'x'.repeat(1_000)}\r\n`.repeat(20)}`)]).end, 'broken');
});

test('after a fault nothing more is read', () => {
  const reader = new RequestReader();
  reader.push(bytesOf('GET  / HTTP/1.1\r\n\r\n'));
  assert.notEqual(reader.head(1_000), 'more');
  reader.push(bytesOf('GET / HTTP/1.1\r\nHost: h\r\n\r\n'));
  assert.deepEqual(reader.head(1_000), { fault: 'malformed', target: '' });
});

test('a body that is not wanted stops the reader where it is', () => {
  const reader = new RequestReader();
  reader.push(bytesOf(`${HEAD}Content-Length: 5\r\n\r\nhello`));
  assert.ok(reader.head(1_000) !== 'more');
  assert.equal(
    reader.body(() => false),
    'stopped',
  );
});

/** Requests that are whole, with what a careful attacker would change in them. */
const sound = fc.constantFrom(...WHOLE.map(({ text }) => text), `GET /b HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n`);
const INSERTS = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  ';',
  '\0',
  '0',
  '\x0b',
  ',',
  'chunked',
  'Content-Length: 3\r\n',
  '\xa0',
];
const hurt = fc
  .tuple(
    sound,
    sound,
    fc.array(
      fc.record({ at: fc.nat(400), cut: fc.nat(3), insert: fc.oneof(fc.constantFrom(...INSERTS), fc.constant('')) }),
      { maxLength: 3 },
    ),
  )
  .map(([first, second, changes]) => {
    let text = first + second;
    for (const { at, cut, insert } of changes) {
      const place = at % (text.length + 1);
      text = text.slice(0, place) + insert + text.slice(place + cut);
    }
    return bytesOf(text);
  });

test('damaged requests are read the same however they are cut', () => {
  fc.assert(
    fc.property(hurt, fc.array(fc.nat(400), { maxLength: 6 }), (bytes, cuts) => {
      const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
        (a, b) => a - b,
      );
      const pieces = places.slice(1).map((to, i) => bytes.subarray(places[i], to));
      assert.deepEqual(readAll(pieces), readAll([bytes]));
    }),
  );
});

/** What Node's own parser makes of the same bytes. */
async function byNode(bytes: Buffer): Promise<Read['requests']> {
  const requests: Read['requests'][number][] = [];
  const server = createServer({ requireHostHeader: false });
  server.on('request', (request: IncomingMessage, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString('latin1')));
    request.on('error', () => undefined);
    request.on('end', () => {
      const line = `${request.method} ${request.url} ${request.httpVersion}`;
      requests.push({ line, rawHeaders: [...request.rawHeaders], body });
    });
    response.end();
  });
  const [ours, theirs] = duplexPair();
  server.emit('connection', theirs);
  ours.resume();
  for (const side of [ours, theirs]) side.on('error', () => undefined);
  await new Promise<void>((resolve) => ours.end(bytes, resolve));
  // Its answers are made in turns of the loop; none of them waits for anything else.
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
  ours.destroy();
  theirs.destroy();
  return requests;
}

/** The shortest beginning of the bytes that holds the requests. */
function beginningWith(bytes: Buffer, requests: number): Buffer {
  let length = 0;
  while (readAll([bytes.subarray(0, length)]).requests.length < requests) length++;
  return bytes.subarray(0, length);
}

test("what the reader takes, Node's own parser takes, and reads the same in it", async () => {
  await fc.assert(
    fc.asyncProperty(hurt, async (bytes) => {
      const { requests } = readAll([bytes]);
      // That parser knows methods by name, takes only some targets (ours are judged later), and reads nothing behind a
      // request that ends its connection.
      const odd = requests.findIndex(({ line }) => {
        const [method = '', target = '', version] = line.split(' ');
        return !METHODS.includes(method) || !target.startsWith('/') || version === '1.0';
      });
      const ours = odd < 0 ? requests : requests.slice(0, odd);
      // What it finds behind them can end its connection before it has told of them.
      assert.deepEqual(await byNode(beginningWith(bytes, ours.length)), ours);
    }),
  );
});
