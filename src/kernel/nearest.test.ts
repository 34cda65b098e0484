import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

const WORDS = ['port', 'host', 'publicUrl', 'maxHeadBytes', 'maxHeaders'];

for (const [word, expected] of [
  ['prot', 'port'],
  ['Port', 'port'],
  ['pors', 'port'],
  ['public_url', 'publicUrl'],
  ['public-uri', 'publicUrl'],
  ['maxHeader', 'maxHeaders'],
  ['max_head_byte', 'maxHeadBytes'],
  ['', undefined],
  ['x', undefined],
  ['something', undefined],
] as const)
  test(`${JSON.stringify(word)} is nearest to ${expected ?? 'nothing'}`, () =>
    assert.equal(nearest(word, WORDS), expected));

test('a very long word costs no more than a short one', () => {
  assert.equal(nearest('p'.repeat(1_000_000), WORDS), undefined);
});
