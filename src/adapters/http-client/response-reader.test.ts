import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createResponseReader, type Progress } from './response-reader.ts';

interface Read {
  readonly statuses: number[];
  readonly body: string;
  readonly progress: Progress;
}

/** Reads pieces until one does not ask for more; then, where asked, the end of the connection. */
function readAll(pieces: readonly Buffer[], ends = false, maxSmallPieces = 10_000_000): Read {
  const reader = createResponseReader(maxSmallPieces);
  const statuses: number[] = [];
  let body = '';
  let progress: Progress = 'more';
  for (const piece of pieces) {
    // As in life: the bytes are gone after the call.
    const lent = Buffer.from(piece);
    progress = reader.push(lent, {
      head: ({ status }) => void statuses.push(status),
      body: (part) => (body += part.toString('latin1')),
    });
    lent.fill(0x21);
    if (progress !== 'more') break;
  }
  if (progress === 'more' && ends) progress = reader.end();
  return { statuses, body, progress };
}

const OK = 'HTTP/1.1 200 OK\r\n';
const FIXTURES: readonly { title: string; text: string; body: string; progress: Progress; ends?: boolean }[] = [
  { title: 'a length', text: `${OK}Content-Length: 5\r\n\r\nhello`, body: 'hello', progress: 'whole' },
  { title: 'no body', text: `${OK}content-length: 0\r\n\r\n`, body: '', progress: 'whole' },
  {
    title: 'chunks',
    text: `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x="y"\r\nlo\r\n0\r\n\r\n`,
    body: 'hello',
    progress: 'whole',
  },
  {
    title: 'chunks with zeros before the size',
    text: `${OK}Transfer-Encoding: chunked\r\n\r\n0005\r\nhello\r\n000\r\n\r\n`,
    body: 'hello',
    progress: 'whole',
  },
  {
    title: 'chunks with trailers',
    text: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n`,
    body: 'hello',
    progress: 'whole',
  },
  {
    title: 'a chunk that holds line ends',
    text: `${OK}Transfer-Encoding: chunked\r\n\r\n8\r\n\r\n\r\n0\r\n\r\r\n0\r\n\r\n`,
    body: '\r\n\r\n0\r\n\r',
    progress: 'whole',
  },
  {
    title: 'interim responses',
    text: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nA: b\r\n\r\n${OK}Content-Length: 1\r\n\r\na`,
    body: 'a',
    progress: 'whole',
  },
  { title: 'no reason', text: 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na', body: 'a', progress: 'whole' },
  { title: '204', text: 'HTTP/1.1 204 No\r\n\r\n', body: '', progress: 'whole' },
  { title: 'a close', text: `${OK}Connection: close\r\nContent-Length: 1\r\n\r\na`, body: 'a', progress: 'whole-last' },
  { title: 'HTTP/1.0', text: 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na', body: 'a', progress: 'whole-last' },
  {
    title: 'bytes behind the end',
    text: `${OK}Content-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n`,
    body: 'a',
    progress: 'whole-last',
  },
  { title: 'a body until the end', text: `${OK}\r\nhello`, body: 'hello', progress: 'whole-last', ends: true },
  {
    title: 'a cut length',
    text: `${OK}Content-Length: 9\r\n\r\nhello`,
    body: 'hello',
    progress: 'malformed',
    ends: true,
  },
  {
    title: 'cut chunks',
    text: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    body: 'hello',
    progress: 'malformed',
    ends: true,
  },
  { title: 'a cut head', text: `${OK}Content-`, body: '', progress: 'malformed', ends: true },
];

for (const { title, text, body, progress, ends } of FIXTURES) {
  test(`reads ${title} alike whole, byte by byte and split at every index`, () => {
    const bytes = Buffer.from(text, 'latin1');
    const whole = readAll([bytes], ends);
    assert.equal(whole.body, body);
    assert.equal(whole.progress, progress);
    const single = readAll(
      [...bytes].map((byte) => Buffer.from([byte])),
      ends,
    );
    assert.equal(single.body, body);
    // Byte by byte, what comes behind the end has not come yet.
    if (title !== 'bytes behind the end') assert.equal(single.progress, progress);
    for (let i = 1; i < bytes.length; i++) {
      const split = readAll([bytes.subarray(0, i), bytes.subarray(i)], ends);
      assert.equal(split.body, body, `split at ${i}`);
    }
  });
}

const MALFORMED: readonly [title: string, text: string][] = [
  ['another protocol', 'SSH-2.0\r\n\r\n'],
  ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['an upgrade', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n'],
  ['a folded header', `${OK}A: b\r\n c\r\n\r\n`],
  ['a header without a colon', `${OK}nonsense\r\n\r\n`],
  ['a space before the colon', `${OK}Content-Length : 5\r\n\r\nhello`],
  ['a bare LF in a value', `${OK}A: b\nContent-Length: 0\r\n\r\n`],
  ['a bare CR in a value', `${OK}A: b\rC: d\r\n\r\n`],
  ['NUL in a value', `${OK}A: b\0\r\n\r\n`],
  ['two lengths that are the same', `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
  ['a list of lengths', `${OK}Content-Length: 5, 5\r\n\r\nhello`],
  ['a signed length', `${OK}Content-Length: +5\r\n\r\nhello`],
  ['a length and chunks', `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['another coding', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a chunk size with 0x', `${OK}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n`],
  ['a negative chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n`],
  ['a chunk size that overflows', `${OK}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFF\r\nhello\r\n`],
  ['an empty chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n`],
  ['a chunk size ended by a bare LF', `${OK}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`],
  ['a chunk longer than its size', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n`],
  ['a trailer without a colon', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nnonsense\r\n\r\n`],
  ['a head beyond its limit', `${OK}A: ${'x'.repeat(70_000)}\r\n\r\n`],
  ['a chunk line beyond its limit', `${OK}Transfer-Encoding: chunked\r\n\r\n5;${'x'.repeat(5_000)}\r\nhello\r\n`],
];

for (const [title, text] of MALFORMED) {
  test(`takes ${title} for malformed, whole and byte by byte`, () => {
    const bytes = Buffer.from(text, 'latin1');
    assert.equal(readAll([bytes], true).progress, 'malformed');
    assert.equal(
      readAll(
        [...bytes].map((byte) => Buffer.from([byte])),
        true,
      ).progress,
      'malformed',
    );
  });
}

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300);
const cut = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [...new Set(cuts.map((value) => value % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
};

test('any body comes through any framing and any cut as it was', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 }),
      fc.array(fc.nat()),
      fc.boolean(),
      (parts, cuts, isChunked) => {
        const body = Buffer.concat(parts).toString('latin1');
        const framed = isChunked
          ? `${OK}Transfer-Encoding: chunked\r\n\r\n${parts.map((part) => `${part.length.toString(16)}\r\n${Buffer.from(part).toString('latin1')}\r\n`).join('')}0\r\n\r\n`
          : `${OK}Content-Length: ${body.length}\r\n\r\n${body}`;
        const read = readAll(cut(Buffer.from(framed, 'latin1'), cuts));
        assert.equal(read.body, body);
        assert.equal(read.progress, 'whole');
      },
    ),
    { numRuns: RUNS },
  );
});

test('however bytes are damaged and cut: no throw, the same verdict as whole, and never a second response', () => {
  const base = Buffer.from(`${OK}Transfer-Encoding: chunked\r\nA: b\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n`, 'latin1');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(base.length - 1), fc.constantFrom(...'\r\n 0a:;\0ÿ')), { maxLength: 4 }),
      fc.array(fc.nat()),
      (damage, cuts) => {
        const bytes = Buffer.from(base);
        for (const [at, character] of damage) bytes.write(character, at, 'latin1');
        const whole = readAll([bytes], true);
        const pieces = readAll(cut(bytes, cuts), true);
        assert.ok(whole.statuses.length <= 1);
        if (whole.progress === 'malformed') assert.notEqual(pieces.progress, 'more');
        else assert.equal(pieces.body, whole.body);
      },
    ),
    { numRuns: RUNS },
  );
});

test('takes eight interim responses, and for a flood what is more', () => {
  const interim = (count: number) =>
    Buffer.from(`${'HTTP/1.1 103 X\r\n\r\n'.repeat(count)}${OK}Content-Length: 0\r\n\r\n`);
  assert.equal(readAll([interim(8)]).progress, 'whole');
  assert.deepEqual(readAll([interim(9)]), { statuses: [], body: '', progress: 'malformed' });
});

for (const { name, pieces } of [
  {
    name: 'chunks',
    pieces: (count: number, bytes: number) => [
      Buffer.from(
        `${OK}Transfer-Encoding: chunked\r\n\r\n${`${bytes.toString(16)}\r\n${'a'.repeat(bytes)}\r\n`.repeat(count)}0\r\n\r\n`,
      ),
    ],
  },
  {
    name: 'reads',
    // The head is one of them.
    pieces: (count: number, bytes: number) => [
      Buffer.from(`${OK}Content-Length: ${(count - 1) * bytes}\r\n\r\n`),
      ...Array.from({ length: count - 1 }, () => Buffer.alloc(bytes, 'a')),
    ],
  },
]) {
  test(`takes as many tiny ${name} as it may, and more only of 16 bytes on average; each response anew`, () => {
    assert.equal(readAll(pieces(100, 1), false, 100).progress, 'whole');
    assert.equal(readAll(pieces(110, 1), false, 100).progress, 'malformed');
    assert.equal(readAll(pieces(1000, 16), false, 100).progress, 'whole');
    const reader = createResponseReader(100);
    for (let i = 0; i < 3; i++) {
      const ends = pieces(90, 1).map((piece) => reader.push(piece, { head: () => undefined, body: () => undefined }));
      assert.equal(ends.at(-1), 'whole');
    }
  });
}

test('reads one response after the other on one connection', () => {
  const reader = createResponseReader(1000);
  for (let i = 0; i < 3; i++) {
    let body = '';
    const progress = reader.push(Buffer.from(`${OK}Content-Length: 1\r\n\r\n${i}`), {
      head: () => undefined,
      body: (part) => (body += part.toString()),
    });
    assert.deepEqual([progress, body], ['whole', String(i)]);
  }
});

test('hands on in one piece what one read brings', () => {
  const pieces: string[] = [];
  createResponseReader(1000).push(
    Buffer.from(`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n2\r\nef\r\n`),
    {
      head: () => undefined,
      body: (part) => void pieces.push(part.toString()),
    },
  );
  assert.deepEqual(pieces, ['abcdef']);
});
