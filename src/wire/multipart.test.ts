import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_PARTS, MAX_PART_HEAD_BYTES, boundaryFor, parseForm, parseFormBoundary, writeForm } from './multipart.ts';
import type { FormPart } from './multipart.ts';

const B = 'xYz';
const field = (name: string, text: string, extra = ''): string =>
  `--${B}\r\nContent-Disposition: form-data; name="${name}"${extra}\r\n\r\n${text}\r\n`;
const END = `--${B}--\r\n`;

/** The parts as texts, or what is wrong. */
function read(body: string | Buffer, boundary = B): string {
  const form = parseForm(typeof body === 'string' ? Buffer.from(body, 'latin1') : body, boundary);
  if (!form.ok) return `! ${form.message.replace('The multipart body is broken. ', '')}`;
  return form.parts
    .map(({ name, filename, contentType, bytes }) => {
      const file = filename === undefined ? '' : `(${filename})`;
      const type = contentType === undefined ? '' : `[${contentType}]`;
      return `${name}${file}${type}=${bytes.toString('latin1')}`;
    })
    .join('&');
}

const head = (...lines: string[]): string => `--${B}\r\n${lines.join('\r\n')}\r\n\r\nx\r\n${END}`;
const DISPOSITION = 'Content-Disposition: form-data; name="a"';
const file = (parameters: string): string => head(`Content-Disposition: form-data; name="a"${parameters}`);

for (const { name, body, is } of [
  { name: 'one field', body: field('a', 'b') + END, is: 'a=b' },
  { name: 'a field without text', body: field('a', '') + END, is: 'a=' },
  { name: 'a name that is there twice', body: field('a', 'b') + field('a', 'c') + END, is: 'a=b&a=c' },
  {
    name: 'a file',
    body: head(`${DISPOSITION}; filename="f.wav"`, 'Content-Type: audio/wav'),
    is: 'a(f.wav)[audio/wav]=x',
  },
  {
    name: 'headers in any case',
    body: head('CONTENT-type:text/plain', 'content-DISPOSITION:Form-Data;NAME="a"'),
    is: 'a[text/plain]=x',
  },
  {
    name: 'the other order of parameters',
    body: head('Content-Disposition: form-data; filename="f"; name="a"'),
    is: 'a(f)=x',
  },
  { name: 'an empty file name', body: file('; filename=""'), is: 'a()=x' },
  {
    name: 'a quote in a file name, as curl writes it',
    body: file(String.raw`; filename="a\"\\b"`),
    is: String.raw`a(a"\b)=x`,
  },
  { name: 'a quote in a file name, as browsers write it', body: file('; filename="a%22b"'), is: 'a(a%22b)=x' },
  {
    name: 'a file name that is not ASCII, as requests writes it',
    body: file("; filename*=utf-8''%C3%A9.wav"),
    is: 'a()=x',
  },
  { name: 'both file names', body: file('; filename="e.wav"; filename*=utf-8\'\'%C3%A9.wav'), is: 'a(e.wav)=x' },
  { name: 'no line end behind the last boundary', body: field('a', 'b') + END.slice(0, -2), is: 'a=b' },
  { name: 'a line end before the first boundary', body: `\r\n${field('a', 'b')}${END}`, is: 'a=b' },
  {
    name: 'dashes and line ends in content',
    body: field('a', '\r\n--xY\r\n--\n--xYz\r\r\n') + END,
    is: 'a=\r\n--xY\r\n--\n--xYz\r\r\n',
  },
  { name: '64 parts', body: field('a', 'b').repeat(MAX_PARTS) + END, is: Array(MAX_PARTS).fill('a=b').join('&') },
]) {
  test(`reads ${name}`, () => assert.equal(read(body), is));
}

const BEGIN = '! It does not begin with the boundary that Content-Type names.';
const MISSING = '! Its last boundary is missing.';
const ENDLESS = `! The head of a part has no end within ${MAX_PART_HEAD_BYTES} bytes.`;
const NO_HEADER = '! A line in the head of a part is no header.';
const NO_NAME = '! A Content-Disposition is not form-data with one name in quotes.';
const NEITHER = '! A boundary is neither the end of its line nor the last one.';
const BEHIND = '! There are bytes behind its last boundary.';
for (const { name, body, is } of [
  { name: 'nothing', body: '', is: BEGIN },
  { name: 'no parts', body: END, is: '! It has no parts.' },
  { name: 'a missing last boundary', body: field('a', 'b'), is: MISSING },
  { name: 'a last boundary with one dash', body: `${field('a', 'b')}--${B}-\r\n`, is: NEITHER },
  { name: 'a body that ends in a head', body: `--${B}\r\nContent-Dis`, is: ENDLESS },
  { name: 'the boundary of another body', body: (field('a', 'b') + END).replaceAll(B, 'zzz'), is: BEGIN },
  { name: 'a preamble', body: `hello\r\n${field('a', 'b')}${END}`, is: BEGIN },
  { name: 'an epilogue', body: `${field('a', 'b')}${END}x`, is: BEHIND },
  { name: 'a second line end at the end', body: `${field('a', 'b')}${END}\r\n`, is: BEHIND },
  { name: 'a second form behind the first', body: (field('a', 'b') + END).repeat(2), is: BEHIND },
  { name: 'line feeds alone', body: (field('a', 'b') + END).replaceAll('\r\n', '\n'), is: NEITHER },
  {
    name: 'line feeds in a head',
    body: `--${B}\r\n${DISPOSITION}\nContent-Type: a/b\r\n\r\nx\r\n${END}`,
    is: NO_HEADER,
  },
  { name: 'a carriage return in a head', body: head(`${DISPOSITION}\rX: y`), is: NO_HEADER },
  { name: 'spaces behind a boundary', body: `--${B} \r\n${DISPOSITION}\r\n\r\nx\r\n${END}`, is: NEITHER },
  { name: 'a boundary in the content', body: field('a', `\r\n--${B}c`) + END, is: NEITHER },
  { name: 'a whole boundary line in the content', body: field('a', `b\r\n--${B}\r\nc\r\n\r\nd`) + END, is: NO_HEADER },
  { name: 'a folded header', body: head('Content-Disposition: form-data;', ' name="a"'), is: NO_NAME },
  { name: 'a folded content type', body: head(DISPOSITION, 'Content-Type: a/b', ' ; c=d'), is: NO_HEADER },
  { name: 'a space before a colon', body: head('Content-Disposition : form-data; name="a"'), is: NO_HEADER },
  { name: 'no disposition', body: head('Content-Type: text/plain'), is: '! A part has no Content-Disposition.' },
  { name: 'no head at all', body: `--${B}\r\n\r\nx\r\n${END}`, is: ENDLESS },
  {
    name: 'two dispositions',
    body: head(DISPOSITION, DISPOSITION),
    is: '! A part has two Content-Disposition headers.',
  },
  { name: 'another disposition', body: head('Content-Disposition: attachment; name="a"'), is: NO_NAME },
  { name: 'a disposition that begins alike', body: head('Content-Disposition: form-data2; name="a"'), is: NO_NAME },
  { name: 'no name', body: head('Content-Disposition: form-data'), is: NO_NAME },
  { name: 'an empty name', body: head('Content-Disposition: form-data; name=""'), is: NO_NAME },
  { name: 'a name without quotes', body: head('Content-Disposition: form-data; name=a'), is: NO_NAME },
  { name: 'an escape in a name', body: head(String.raw`Content-Disposition: form-data; name="\a"`), is: NO_NAME },
  { name: 'two names', body: file('; name="b"'), is: NO_NAME },
  { name: 'two names in another case', body: file('; NAME="b"'), is: NO_NAME },
  { name: 'two file names', body: file('; filename="b"; filename="c"'), is: NO_NAME },
  { name: 'a name of another encoding', body: head("Content-Disposition: form-data; name*=utf-8''a"), is: NO_NAME },
  { name: 'a name in pieces', body: head('Content-Disposition: form-data; name*0="a"'), is: NO_NAME },
  { name: 'a parameter that means nothing', body: file('; size="1"'), is: NO_NAME },
  { name: 'a quote that stays open', body: head('Content-Disposition: form-data; name="a'), is: NO_NAME },
  { name: 'bytes behind a quote', body: file('b'), is: NO_NAME },
  { name: 'NUL in a name', body: head('Content-Disposition: form-data; name="a\0"'), is: NO_HEADER },
  {
    name: 'a name that is not UTF-8',
    body: head('Content-Disposition: form-data; name="\xff"'),
    is: '! The head of a part is not UTF-8.',
  },
  {
    name: 'two content types',
    body: head(DISPOSITION, 'Content-Type: a/b', 'Content-Type: a/b'),
    is: '! A part has two Content-Type headers.',
  },
  {
    name: 'no content type',
    body: head(DISPOSITION, 'Content-Type: text'),
    is: '! The Content-Type of a part is no media type.',
  },
  {
    name: 'a nested multipart',
    body: head(DISPOSITION, 'Content-Type: Multipart/Mixed; boundary=b'),
    is: '! A part is multipart itself.',
  },
  ...['Content-Transfer-Encoding: base64', 'Content-Length: 1', 'X-A: b'].map((line) => ({
    name: line,
    body: head(DISPOSITION, line),
    is: '! The head of a part has a header besides Content-Disposition and Content-Type.',
  })),
  { name: '65 parts', body: field('a', 'b').repeat(MAX_PARTS + 1) + END, is: `! It has more than ${MAX_PARTS} parts.` },
  { name: '10,000 parts', body: field('a', 'b').repeat(10_000) + END, is: `! It has more than ${MAX_PARTS} parts.` },
]) {
  test(`refuses ${name}`, () => assert.equal(read(body), is));
}

test('a head of 4 KiB is read and one byte more is not', () => {
  const fixed = `${DISPOSITION}; filename=""\r\n\r\n`.length;
  const padded = (length: number): string => read(file(`; filename="${'f'.repeat(length)}"`));
  assert.match(padded(MAX_PART_HEAD_BYTES - fixed), /^a\(f{4000,}\)=x$/);
  assert.equal(padded(MAX_PART_HEAD_BYTES - fixed + 1), ENDLESS);
});

for (const { type, is } of [
  { type: 'multipart/form-data; boundary=abc', is: 'abc' },
  { type: 'Multipart/Form-Data;BOUNDARY=----WebKit', is: '----WebKit' },
  { type: 'multipart/form-data; boundary="a?b:c=d"', is: 'a?b:c=d' },
  { type: `multipart/form-data; boundary=${'a'.repeat(70)}`, is: 'a'.repeat(70) },
  { type: `multipart/form-data; boundary=${'a'.repeat(71)}`, is: undefined },
  { type: 'multipart/form-data', is: undefined },
  { type: 'multipart/form-data; boundary=', is: undefined },
  { type: 'multipart/form-data; boundary=""', is: undefined },
  { type: 'multipart/form-data; boundary="a b"', is: undefined },
  { type: String.raw`multipart/form-data; boundary="a\b"`, is: undefined },
  { type: 'multipart/form-data; boundary=a?b', is: undefined },
  { type: 'multipart/form-data; boundary=a; boundary=b', is: undefined },
  { type: 'multipart/form-data; boundary=a; charset=utf-8', is: undefined },
  { type: 'multipart/form-data; boundary=a, text/plain', is: undefined },
  { type: 'multipart/form-data; boundary=é', is: undefined },
  { type: 'multipart/mixed; boundary=a', is: undefined },
  { type: 'application/json', is: undefined },
]) {
  test(`the boundary of ${type} is ${is ?? 'refused'}`, () => assert.equal(parseFormBoundary(type), is));
}

const text = fc.stringMatching(/^[ -~é]{1,12}$/).filter((value) => !/["\\]/.test(value));
/** Bytes that look like boundaries more often than chance has it. */
const content = fc
  .array(fc.oneof(fc.constantFrom('\r\n', '--', B, `\r\n--${B.slice(0, 2)}`, '\r', '\n'), fc.string({ maxLength: 4 })))
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
const parts: fc.Arbitrary<FormPart[]> = fc.array(
  fc.record(
    {
      name: text,
      filename: fc.option(fc.stringMatching(/^[ -~é]{0,12}$/), { nil: undefined }),
      contentType: fc.constantFrom(undefined, 'text/plain', 'audio/wav; a=b'),
      bytes: content,
    },
    { noNullPrototype: true },
  ),
  { minLength: 1, maxLength: 6 },
);

test('what is written is read back, and nothing of it can be taken for a boundary', () => {
  fc.assert(
    fc.property(parts, (written) => {
      const boundary = boundaryFor(written, B);
      assert.deepEqual(parseForm(writeForm(written, boundary), boundary), { ok: true, parts: written });
    }),
  );
});

test('a boundary that occurs in a part is not taken', () => {
  const part = { name: 'a', filename: undefined, contentType: undefined, bytes: Buffer.from('seed seed-1') };
  assert.equal(boundaryFor([part], 'seed'), 'seed-2');
});

/** Pieces of forms in any order. */
const anything = fc
  .array(
    fc.constantFrom(
      ...[
        '\r\n',
        '\n',
        '\r',
        `--${B}`,
        `\r\n--${B}`,
        '--',
        `${DISPOSITION}\r\n\r\n`,
        field('a', 'b'),
        END,
        DISPOSITION,
      ],
      ...['Content-Type: a/b', '; filename="x"', 'x', '"', '\0', '\xff', ' ', ':'],
    ),
    { maxLength: 24 },
  )
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

test('whatever it takes, written again it is read as the same', () => {
  const begun = anything.map((rest) => Buffer.concat([Buffer.from(`--${B}\r\n${DISPOSITION}\r\n\r\n`), rest]));
  const ended = begun.map((rest) => Buffer.concat([rest, Buffer.from(`\r\n${END}`)]));
  fc.assert(
    fc.property(fc.oneof(anything, begun, ended), (body) => {
      const form = parseForm(body, B);
      if (!form.ok) return;
      assert.deepEqual(parseForm(writeForm(form.parts, B), B), form);
    }),
  );
});

test('a reader that is not ours reads what is written', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const written: FormPart[] = [
    { name: 'model', filename: undefined, contentType: undefined, bytes: Buffer.from('tiny é') },
    { name: 'file', filename: 'audio.wav', contentType: 'application/octet-stream', bytes },
  ];
  const form = await new Response(new Uint8Array(writeForm(written, B)), {
    headers: { 'content-type': `multipart/form-data; boundary=${B}` },
  }).formData();
  assert.equal(form.get('model'), 'tiny é');
  const found = form.get('file');
  assert.ok(found instanceof File);
  assert.equal(found.name, 'audio.wav');
  assert.deepEqual(Buffer.from(await found.arrayBuffer()), bytes);
});

test('what a writer that is not ours writes is read', async () => {
  const form = new FormData();
  form.append('model', 'tiny');
  form.append('file', new Blob(['\r\n--x'], { type: 'audio/wav' }), 'a "b".wav');
  const response = new Response(form);
  const boundary = parseFormBoundary(response.headers.get('content-type') ?? '');
  assert.ok(boundary !== undefined);
  const body = Buffer.from(await response.arrayBuffer());
  assert.equal(read(body, boundary), 'model=tiny&file(a %22b%22.wav)[audio/wav]=\r\n--x');
});

/** Bytes that searches through the body look at. */
function steps(body: Buffer): number {
  let seen = 0;
  const counted = Object.assign(Buffer.from(body), {
    indexOf(value: string, from: number): number {
      const at = body.indexOf(value, from, 'latin1');
      seen += (at < 0 ? body.length : at + value.length) - from;
      return at;
    },
  });
  parseForm(counted, B);
  return seen;
}

for (const { name, unit } of [
  { name: 'of beginnings of boundaries', unit: `\r\n--${B.slice(0, 2)}` },
  { name: 'of line ends', unit: '\r\n' },
  { name: 'of parts', unit: `\r\n--${B}\r\n${DISPOSITION}\r\n\r\n` },
  { name: 'of broken boundaries', unit: `\r\n--${B}-` },
]) {
  test(`a body ${name} costs no more than a look at each of its bytes`, () => {
    for (const times of [10, 1000, 100_000]) {
      const body = Buffer.from(`${field('a', unit.repeat(times))}${END}`);
      assert.ok(steps(body) <= body.length, `${steps(body)} of ${body.length}`);
    }
  });
}
