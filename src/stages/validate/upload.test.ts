import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../../vllm/fields/refusal.ts';
import { parseFormBoundary, writeForm } from '../../wire/multipart.ts';
import { readUpload, writeUpload } from './upload.ts';

const FILE = { name: 'file', filename: 'a', contentType: undefined, bytes: Buffer.from('sound') };
const KIB = 1024;

/** What a form with one field besides the file says of it. */
function field(bytes: Buffer, contentType?: string): string {
  const read = readUpload(writeForm([FILE, { name: 'prompt', filename: undefined, contentType, bytes }], 'b'), 'b');
  return read instanceof Refusal ? `${read.code} ${read.path}` : 'read';
}

for (const { type, is } of [
  { type: undefined, is: 'read' },
  { type: 'text/plain', is: 'read' },
  { type: 'Text/Plain; Charset=UTF-8', is: 'read' },
  { type: 'text/plain;charset="utf-8"', is: 'read' },
  { type: 'text/plain; charset=utf-16', is: 'invalid_request prompt' },
  { type: 'text/plain; charset=utf-8; charset=utf-16', is: 'invalid_request prompt' },
  { type: 'application/json', is: 'invalid_request prompt' },
]) {
  test(`a field of type ${type ?? '(none)'} is ${is}`, () => assert.equal(field(Buffer.from('a'), type), is));
}

for (const { name, bytes, is } of [
  { name: '8 KiB', bytes: Buffer.alloc(8 * KIB, 'a'), is: 'read' },
  { name: '8 KiB and one byte', bytes: Buffer.alloc(8 * KIB + 1, 'a'), is: 'value_out_of_range prompt' },
  { name: 'UTF-8', bytes: Buffer.from('ä€😀'), is: 'read' },
  { name: 'half a character', bytes: Buffer.from('c3', 'hex'), is: 'invalid_encoding prompt' },
  { name: 'a lone surrogate', bytes: Buffer.from('eda080', 'hex'), is: 'invalid_encoding prompt' },
  { name: 'a byte order mark', bytes: Buffer.from('\ufeffa'), is: 'invalid_encoding prompt' },
  { name: 'U+0000', bytes: Buffer.from('a\0'), is: 'invalid_encoding prompt' },
]) {
  test(`a field of ${name} is ${is}`, () => assert.equal(field(bytes), is));
}

test('what is written is read back, under a boundary that the recording does not hold', () => {
  const sound = fc.array(fc.constantFrom('seed', 'seed-1', '\r\n--seed', '\r\n', 'x')).map((parts) => parts.join(''));
  const body = { model: 'tiny', temperature: 0.5, stream: true, 'timestamp_granularities[]': ['word', 'segment'] };
  fc.assert(
    fc.property(sound, (text) => {
      const { contentType, bytes = Buffer.alloc(0) } = writeUpload(body, Buffer.from(text), 'wav', 'seed');
      const boundary = parseFormBoundary(contentType);
      assert.ok(boundary !== undefined && !text.includes(boundary));
      const read = readUpload(bytes, boundary);
      assert.ok(!(read instanceof Refusal));
      assert.deepEqual([read.body, read.file.toString()], [body, text]);
    }),
  );
});
