import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../fields/refusal.ts';
import { pcm16Bytes } from './pcm16.ts';

for (const [name, text] of [
  ['no audio', ''],
  ['half a sample', 'AA=='],
  ['a sample and a half', 'AAAA'],
  ['without padding', 'AAA'],
  ['with too much padding', 'AAA==='],
  ['with bits behind the end', 'AAB='],
  ['with a line break', 'AA\nA='],
  ['with a space', 'AAA= '],
  ['of the URL alphabet', '_-A='],
  ['with a character that is no digit', 'A*AA='],
  ['behind its padding more', 'AAA=AAA='],
  ['that is a data URL', 'data:audio/pcm;base64,AAA='],
] as const) {
  test(`audio ${name} is invalid_field`, () => {
    const refusal = pcm16Bytes(text);
    assert.equal(refusal instanceof Refusal && refusal.code, 'invalid_field');
  });
}

test('whole samples have their length, and every other number of bytes is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const length = pcm16Bytes(Buffer.from(bytes).toString('base64'));
      const isWhole = bytes.length > 0 && bytes.length % 2 === 0;
      assert.equal(length instanceof Refusal ? 'refused' : length, isWhole ? bytes.length : 'refused');
    }),
  );
});

test('no two texts are the same audio', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'AQgwz9+/=-_ \n'), maxLength: 12 }), (text) => {
      const length = pcm16Bytes(text);
      if (length instanceof Refusal) return;
      assert.equal(Buffer.from(text, 'base64').toString('base64'), text);
      assert.equal(length, Buffer.from(text, 'base64').length);
    }),
  );
});
