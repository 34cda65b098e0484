import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Said } from '../../kernel/content.ts';
import { createContentTaps, isInSample, type ContentRules } from './tap.ts';

const ID = '00000001-0000-4000-8000-000000000000';
const FULL: ContentRules = { mode: 'full', sample: 1, maxBytes: 8 };
const digestOf = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

function tapOf(rules: ContentRules = FULL, maxHeldBytes?: number) {
  const open = createContentTaps(rules, maxHeldBytes);
  assert.ok(open);
  return () => open(ID) ?? assert.fail('it has no tap');
}

const keptText = (said: Said | undefined): string | undefined =>
  said?.kept === undefined ? undefined : Buffer.from(said.kept).toString('latin1');

test('nothing listens where nothing is to be recorded', () => {
  assert.equal(createContentTaps({ ...FULL, mode: 'none' }), undefined);
  assert.equal(createContentTaps({ ...FULL, sample: 0 }), undefined);
});

test('however a text comes in pieces, its digest and length are those of all of it, and its beginning is kept', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.integer({ min: 1, max: 40 }), (pieces, maxBytes) => {
      const tap = tapOf({ ...FULL, maxBytes })();
      tap.answered('');
      for (const piece of pieces) tap.answered(piece);
      const whole = Buffer.from(pieces.join(''));
      const said = tap.take()?.completion;
      assert.equal(Buffer.from(said?.digest ?? []).toString('hex'), digestOf(whole));
      assert.equal(said?.bytes, whole.length);
      assert.deepEqual(Buffer.from(said?.kept ?? []), whole.subarray(0, maxBytes));
    }),
  );
});

test('a body of bytes is digested as it is, and what is kept of it is a copy', () => {
  const tap = tapOf()();
  const body = Buffer.from('0123456789');
  tap.sent(body);
  body.fill(0);
  const said = tap.take()?.prompt;
  assert.deepEqual([keptText(said), said?.bytes], ['01234567', 10]);
  assert.equal(said?.kept?.buffer.byteLength, 8);
});

test('with hash no text is kept', () => {
  const tap = tapOf({ ...FULL, mode: 'hash' })();
  tap.sent('prompt');
  tap.answered('answer');
  const content = tap.take();
  assert.deepEqual(
    [content?.prompt?.kept, content?.completion?.kept, content?.isDropped],
    [undefined, undefined, false],
  );
  assert.equal(Buffer.from(content?.prompt?.digest ?? []).toString('hex'), digestOf('prompt'));
});

test('of a request that is sent anew the last body counts', () => {
  const tap = tapOf(FULL, 8)();
  tap.sent('12345678');
  tap.sent('abcdefgh');
  const content = tap.take();
  assert.deepEqual([keptText(content?.prompt), content?.isDropped], ['abcdefgh', false]);
});

test('what nobody said is nothing, and what was taken is taken once', () => {
  const tap = tapOf()();
  assert.equal(tap.take(), undefined);
  tap.sent('a');
  assert.equal(tap.take()?.completion, undefined);
  assert.equal(tap.take(), undefined);
});

test('all requests together keep no more than fits: the next one is digested only, until one has ended', () => {
  const next = tapOf(FULL, 8);
  const [first, second, third] = [next(), next(), next()];
  first.sent('12345678');
  second.sent('a');
  const dropped = second.take();
  assert.deepEqual([dropped?.isDropped, dropped?.prompt?.kept, dropped?.prompt?.bytes], [true, undefined, 1]);
  assert.equal(keptText(first.take()?.prompt), '12345678');
  third.sent('abcdefgh');
  assert.equal(keptText(third.take()?.prompt), 'abcdefgh');
});

test('a text that finds no room in its midst gives back all of it', () => {
  const next = tapOf(FULL, 4);
  const first = next();
  first.answered('abcd');
  first.answered('e');
  const second = next();
  second.sent('1234');
  assert.equal(keptText(second.take()?.prompt), '1234');
  assert.equal(first.take()?.isDropped, true);
});

for (const [first8, sample, isIn] of [
  ['7fffffff', 0.5, true],
  ['80000000', 0.5, false],
  ['ffffffff', 1, true],
  ['00000000', 0, false],
] as const) {
  test(`of ${sample} of all, a request whose id begins with ${first8} is ${isIn ? 'one' : 'none'}`, () => {
    assert.equal(isInSample(`${first8}-0000-4000-8000-000000000000`, sample), isIn);
  });
}
