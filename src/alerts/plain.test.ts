import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { plainLine } from './plain.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 400 });

test('whatever comes in, a line comes out: bounded, well-formed, without control or hidden characters', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 300 }), (text, max) => {
      const line = plainLine(text, max);
      assert.ok(line.length <= max);
      assert.ok(line.isWellFormed());
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\u2028\u2029]/u);
    }),
  );
});

for (const [name, text, line] of [
  ['a line break becomes a space', 'a\r\nBcc: x@y', 'a Bcc: x@y'],
  ['an escape sequence of a terminal loses its escape', '\x1b[2J\x1b]0;x\x07', '[2J ]0;x'],
  ['text that is turned round stands as it is read', 'a\u202eb\u2066c', 'a b c'],
  ['an unpaired surrogate is replaced', 'a\ud800b', 'a\ufffdb'],
  ['a key that somebody typed is masked', 'sp_Ab12Cd_0123456789', 'sp_***'],
] as const)
  test(name, () => assert.equal(plainLine(text, 100), line));

test('a line of exactly its bound is whole, and a longer one ends with an ellipsis and no half character', () => {
  assert.equal(plainLine('abcd', 4), 'abcd');
  assert.equal(plainLine('abcde', 4), 'abc…');
  assert.equal(plainLine('ab😀de', 4), 'ab…');
});

test('a value of a MiB is cut before it is looked at', () => {
  assert.equal(plainLine('\u0007'.repeat(1024 * 1024), 100), '');
  assert.equal(plainLine('x'.repeat(1024 * 1024), 100).length, 100);
});
