import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RemoteMedium } from '../../kernel/exchange.ts';
import { withMedia } from './with-media.ts';

const medium = (...places: readonly (string | number)[][]): RemoteMedium => ({
  url: { host: 'h', port: 443, path: '/', canonical: 'https://h/' },
  places: places.map((steps) => ({ steps, path: steps.join('.') })),
});

test('puts media in their places of a copy, and shares what leads to none', () => {
  const body = { a: [{ url: 'x', text: ['kept'] }, 'y'], b: { c: {} } };
  const before = structuredClone(body);
  const sent = withMedia(body, [
    { medium: medium(['a', 0, 'url'], ['a', 1]), url: 'data:1' },
    { medium: medium(['d']), url: 'data:2' },
  ]);
  assert.deepEqual(sent, { a: [{ url: 'data:1', text: ['kept'] }, 'data:1'], b: { c: {} }, d: 'data:2' });
  assert.deepEqual(body, before);
  assert.equal(sent['b'], body.b);
});

for (const steps of [
  ['a', 'url'],
  ['a', 3, 'url'],
  ['b', 0],
  ['b', 'c', 'd'],
  ['z', 'y'],
]) {
  test(`throws where ${steps.join('.')} is no place`, () => {
    const body = { a: [{ url: 'x' }], b: { c: 'x' } };
    assert.throws(() => withMedia(body, [{ medium: medium(steps), url: 'data:1' }]), /lost its place/);
  });
}
