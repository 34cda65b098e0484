import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSseParser, formatSseEvent, type SseEvent } from './sse.ts';

const parseAll = (pieces: readonly Buffer[]): SseEvent[] => {
  const parser = createSseParser(1_000_000);
  return pieces.flatMap((piece) => parser.push(piece) ?? assert.fail('too long'));
};

const FIXTURES: readonly { name: string; text: string; events: readonly SseEvent[] }[] = [
  { name: 'one event', text: 'data: {"a":1}\n\n', events: [{ type: '', data: '{"a":1}' }] },
  { name: 'no space after the colon', text: 'data:x\n\n', events: [{ type: '', data: 'x' }] },
  { name: 'several data lines', text: 'data: a\ndata: b\n\n', events: [{ type: '', data: 'a\nb' }] },
  { name: 'a type', text: 'event: error\ndata: x\n\n', events: [{ type: 'error', data: 'x' }] },
  { name: 'comments, ids and retries', text: ': hi\nid: 1\nretry: 5\ndata: x\n\n', events: [{ type: '', data: 'x' }] },
  { name: 'an event without data', text: 'event: a\n\ndata: x\n\n', events: [{ type: '', data: 'x' }] },
  {
    name: 'CRLF',
    text: 'event: a\r\ndata: x\r\n\r\ndata: y\r\n\r\n',
    events: [
      { type: 'a', data: 'x' },
      { type: '', data: 'y' },
    ],
  },
  {
    name: 'lone CR',
    text: 'data: x\r\rdata: y\r\r',
    events: [
      { type: '', data: 'x' },
      { type: '', data: 'y' },
    ],
  },
  { name: 'multi-byte text', text: 'data: Zürich 🚀 日本\n\n', events: [{ type: '', data: 'Zürich 🚀 日本' }] },
  { name: 'a field without a colon', text: 'data\n\n', events: [{ type: '', data: '' }] },
  { name: 'an unfinished event', text: 'data: x\n\ndata: y\n', events: [{ type: '', data: 'x' }] },
];

for (const { name, text, events } of FIXTURES) {
  test(`reads ${name} alike whole, byte by byte and split at every index`, () => {
    const bytes = Buffer.from(text);
    assert.deepEqual(parseAll([bytes]), events);
    assert.deepEqual(parseAll([...bytes].map((byte) => Buffer.from([byte]))), events);
    for (let i = 1; i < bytes.length; i++) {
      assert.deepEqual(parseAll([bytes.subarray(0, i), bytes.subarray(i)]), events, `split at ${i}`);
    }
  });
}

test('reads what it writes, however it is cut', () => {
  const event = fc
    .tuple(fc.constantFrom('', 'error', 'response.completed'), fc.string({ unit: 'binary' }))
    .map(([type, text]) => ({ type, data: JSON.stringify(text) }));
  fc.assert(
    fc.property(fc.array(event), fc.array(fc.integer({ min: 0, max: 500 })), (events, cuts) => {
      const bytes = Buffer.from(events.map(({ type, data }) => formatSseEvent(type, data)).join(''));
      const at = [...new Set(cuts)].filter((cut) => cut < bytes.length).sort((a, b) => a - b);
      const pieces = [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
      // A lone surrogate cannot be written in UTF-8; JSON.stringify escapes it, so nothing is lost.
      assert.deepEqual(parseAll(pieces), events);
    }),
  );
});

test('reads data with line breaks as it wrote it, each break as a line feed', () => {
  const unit = fc.constantFrom('\n', '\r', '\r\n', ' ', ':', 'data: x', 'event: error', 'é', '');
  fc.assert(
    fc.property(fc.constantFrom('', 'error'), fc.array(unit), (type, units) => {
      const text = units.join('');
      const expected = [{ type, data: text.replace(/\r\n?/g, '\n') }];
      assert.deepEqual(parseAll([Buffer.from(formatSseEvent(type, text))]), expected);
    }),
  );
  assert.equal(formatSseEvent('a', 'b\n\nevent: c'), 'event: a\ndata: b\ndata: \ndata: event: c\n\n');
});

test('never throws on bytes of any kind', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 64 })),
      (pieces) => void parseAll(pieces.map((piece) => Buffer.from(piece))),
    ),
  );
});

test('gives up on an event beyond its limit, in one line or many, and not before', () => {
  const atLimit = createSseParser(16);
  assert.deepEqual(atLimit.push(Buffer.from('data: 12345678\n\n')), [{ type: '', data: '12345678' }]);
  assert.equal(createSseParser(16).push(Buffer.from('data: 1234567890\n\n')), undefined);
  assert.equal(createSseParser(16).push(Buffer.from('data: 1234567890123')), undefined);
  const lines = createSseParser(16);
  assert.deepEqual(lines.push(Buffer.from('data: 1\n')), []);
  assert.equal(lines.push(Buffer.from('data: 2\ndata: 3\n')), undefined);
});

test('tells whether an event has begun and not ended', () => {
  const parser = createSseParser(100);
  assert.equal(parser.hasRest(), false);
  parser.push(Buffer.from('data: x'));
  assert.equal(parser.hasRest(), true);
  parser.push(Buffer.from('\n'));
  assert.equal(parser.hasRest(), true);
  parser.push(Buffer.from('\n'));
  assert.equal(parser.hasRest(), false);
});

test('keeps no view of bytes that are only valid during the call', () => {
  const parser = createSseParser(100);
  const bytes = Buffer.from('data: hello');
  parser.push(bytes);
  bytes.fill(0x78);
  assert.deepEqual(parser.push(Buffer.from('\n\n')), [{ type: '', data: 'hello' }]);
});

for (const { name, stream } of [
  { name: 'one long line in tiny pieces', stream: (size: number) => pieces(`data: ${'x'.repeat(size)}\n\n`, 16) },
  { name: 'tiny lines before a CR', stream: (size: number) => pieces(`${'\n'.repeat(size)}\r`, size + 1) },
  { name: 'tiny lines before an LF', stream: (size: number) => pieces(`${'\r'.repeat(size)}a\n`, size + 2) },
  { name: 'one event of tiny lines', stream: (size: number) => pieces(`${'data\n'.repeat(size / 5)}\n`, 16) },
]) {
  test(`takes about ten times as long for ten times as much: ${name}`, () => {
    const [small, large] = [stream(30_000), stream(300_000)];
    assert.ok(fastest(large) < 40 * fastest(small) + 5, `${fastest(small)} and ${fastest(large)} ms`);
  });
}

function pieces(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

/** CPU milliseconds of the fastest of three runs: what else runs on the machine does not count. */
function fastest(stream: readonly Buffer[]): number {
  const runs = [1, 2, 3].map(() => {
    const before = process.cpuUsage();
    parseAll(stream);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...runs);
}
