import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { API_KEY_PATTERN, apiKeyFor, createApiKey, digestOf, isSameDigest, parseApiKey } from './api-key.ts';

const random = (count: number) => randomBytes(count);

test('a new API key has the documented form and parses to its public id', () => {
  for (let i = 0; i < 200; i++) {
    const { id, text } = createApiKey(random);
    assert.match(text, API_KEY_PATTERN);
    assert.match(text, /^sp_[0-9A-Za-z]{6}_[0-9A-Za-z]{32}[0-9A-Za-z]{6}$/);
    assert.deepEqual(parseApiKey(text), { id, text });
  }
});

test('a known API key keeps its checksum for ever', () => {
  const { text } = apiKeyFor('Ab12Cd', () => new Uint8Array(32).fill(7));
  assert.equal(text, `sp_Ab12Cd_${'7'.repeat(32)}${text.slice(-6)}`);
  assert.equal(parseApiKey(text)?.id, 'Ab12Cd');
});

test('any one changed character fails the form or the checksum', () => {
  const { text } = createApiKey(random);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom(...'0aZ_-'), (at, character) => {
      fc.pre(text[at] !== character);
      assert.equal(parseApiKey(text.slice(0, at) + character + text.slice(at + 1)), undefined);
    }),
  );
});

test('no other text is an API key', () => {
  fc.assert(fc.property(fc.string(), (text) => assert.equal(parseApiKey(text), undefined)));
});

test('bytes that would make some characters likelier are left out', () => {
  const bytes = [248, 255, 250, ...Array.from({ length: 61 }, (_, i) => i)];
  const { text } = apiKeyFor('000000', (count) => Uint8Array.from(bytes.splice(0, count)));
  assert.equal(text.slice(10, 15), '01234');
});

test('a digest depends on the secret and on the key of the state directory', () => {
  const [a, b] = [randomBytes(32), randomBytes(32)];
  assert.equal(digestOf('x', a).length, 32);
  assert.equal(isSameDigest(digestOf('x', a), digestOf('x', a)), true);
  assert.equal(isSameDigest(digestOf('x', a), digestOf('y', a)), false);
  assert.equal(isSameDigest(digestOf('x', a), digestOf('x', b)), false);
  assert.equal(isSameDigest(digestOf('x', a), new Uint8Array(0)), false);
});
