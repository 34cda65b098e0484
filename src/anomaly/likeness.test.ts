import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLikeness } from './likeness.ts';
import { ones } from './sketch.ts';

const likenessOf = createLikeness(Buffer.alloc(32, 7));
const TEXT =
  'Please explain to me, step by step and with an example, how the collector of a modern engine decides which objects move between its generations.';

/** Bits in which two texts differ. */
function apart(one: string, other: string, tenant = 'team'): number {
  const [a = '', b = ''] = [likenessOf('team', one), likenessOf(tenant, other)];
  const half = (text: string, at: number) => Number.parseInt(text.slice(at, at + 8), 16);
  return ones(half(a, 0) ^ half(b, 0)) + ones(half(a, 8) ^ half(b, 8));
}

test('texts that share most words are near, whatever their case and marks', () => {
  assert.equal(apart(TEXT, TEXT.toUpperCase().replaceAll(',', ' ;')), 0);
  assert.ok(apart(TEXT, TEXT.replace('engine', 'compiler')) <= 12);
  assert.ok(apart(TEXT, `${TEXT} Number 42.`) <= 12);
});

test('texts of other words are far', () => {
  const other = 'Write a poem about the sea in winter: harbour walls, gulls at night, the smell of tar and cold iron.';
  assert.ok(apart(TEXT, other) > 16);
});

test('the same text tells nothing across tenants and across processes', () => {
  assert.ok(apart(TEXT, TEXT, 'other') > 16);
  assert.notEqual(createLikeness(Buffer.alloc(32, 8))('team', TEXT), likenessOf('team', TEXT));
});

test('three words are too few to compare, four are enough', () => {
  assert.equal(likenessOf('team', 'hello my friend'), undefined);
  assert.equal(likenessOf('team', '…!? '), undefined);
  assert.match(likenessOf('team', 'hello my old friend') ?? '', /^[0-9a-f]{16}$/);
});

test('of a long text its two ends count and nothing between them', () => {
  const ends = (middle: string) => `${'first words come here '.repeat(9)}${middle}${' last words come here'.repeat(9)}`;
  assert.equal(apart(ends('x '.repeat(10_000)), ends('quite another middle '.repeat(5_000))), 0);
});

test('any text gives 16 digits or nothing, the same each time', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), fc.string({ maxLength: 9 }), (text, tenant) => {
      const likeness = likenessOf(tenant, text);
      assert.match(likeness ?? '0123456789abcdef', /^[0-9a-f]{16}$/);
      assert.equal(likenessOf(tenant, text), likeness);
    }),
  );
});

test('tenants without number take no memory without bound, and change no likeness', () => {
  const before = likenessOf('team', TEXT);
  for (let i = 0; i < 10_000; i++) likenessOf(`tenant ${i}`, TEXT);
  assert.equal(likenessOf('team', TEXT), before);
});
