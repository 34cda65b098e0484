import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { testKey } from '../../test/support/issuer.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import { publicKeysOf, replaceKeys } from './key-set.ts';

const EC = testKey('ES256', 'ec').jwk as JsonObject;
const RSA = testKey('RS256', 'rsa').jwk as JsonObject;
const ED = testKey('EdDSA', 'ed').jwk as JsonObject;
const kids = (keys: readonly JsonValue[]): unknown[] => publicKeysOf({ keys: [...keys] }).map(({ kid }) => kid);

test('MD-09 keys for signatures are taken, of each type, with the members that a verifier uses and no more', () => {
  assert.deepEqual(kids([EC, RSA, ED, testKey('ML-DSA-44', 'pq').jwk as JsonObject]), ['ec', 'rsa', 'ed', 'pq']);
  const [one] = publicKeysOf({ keys: [{ ...EC, x5c: ['MIIB'], x5u: 'https://x', exp: 1 }] });
  assert.deepEqual(Object.keys(one ?? {}).sort(), ['alg', 'crv', 'kid', 'kty', 'x', 'y']);
});

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}
const shownBy = (key: KeyObject): JsonObject => ({ ...(key.export({ format: 'jwk' }) as JsonObject), kid: 'shown' });
const privateOf = ({ privateKey }: Pair): JsonObject => shownBy(privateKey);
const publicOf = ({ publicKey }: Pair): JsonObject => shownBy(publicKey);

for (const [name, jwk] of [
  ['shows the private half of an EC key', privateOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }))],
  ['shows the private half of an RSA key', privateOf(generateKeyPairSync('rsa', { modulusLength: 2048 }))],
  ['shows the private half of an Ed25519 key', privateOf(generateKeyPairSync('ed25519'))],
  ['shows the seed of an ML-DSA key', privateOf(generateKeyPairSync('ml-dsa-44'))],
  ['shows one factor of an RSA key', { ...RSA, p: 'AQAB' }],
  ['shows a private member of null', { ...EC, d: null }],
  ['is symmetric', { kty: 'oct', k: 'c2VjcmV0', kid: 'oct', alg: 'HS256' }],
  ['is symmetric beside a public one', { ...EC, k: 'c2VjcmV0' }],
  ['is for encryption', { ...RSA, use: 'enc' }],
  ['is for a use that we do not know', { ...RSA, use: 'SIG' }],
  ['is for a use that is no text', { ...RSA, use: ['sig'] }],
  ['may only be encrypted with', { ...RSA, key_ops: ['encrypt', 'wrapKey'] }],
  ['may be used for something that is no list', { ...RSA, key_ops: 'verify' }],
  ['has a key id that is no text', { ...EC, kid: 1 }],
  ['has a very long key id', { ...EC, kid: 'k'.repeat(257) }],
  ['is of a type that we do not know', { ...EC, kty: 'ec' }],
  ['is on a curve that no algorithm takes', publicOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }))],
  ['is for key agreement', publicOf(generateKeyPairSync('x25519'))],
  ['is an RSA key of 1024 bits', publicOf(generateKeyPairSync('rsa', { modulusLength: 1024 }))],
  ['is an RSA key of 16384 bits', { ...RSA, n: Buffer.alloc(2048, 0xff).toString('base64url') }],
  ['lacks a coordinate', { kty: 'EC', crv: 'P-256', x: EC['x'] ?? '', kid: 'a' }],
  ['has a modulus that is no text', { ...RSA, n: 5 }],
  ['is null', null],
  ['is a text', 'key'],
  ['is a list', [EC]],
] as const) {
  test(`MD-09 JW-15 a key that ${name} is left out, and those beside it are not`, () => {
    assert.deepEqual(kids([jwk as JsonValue, ED]), ['ed']);
  });
}

test('what is no key set holds no keys', () => {
  for (const set of [null, 1, 'keys', [], [EC], {}, { keys: {} }, { keys: null }, { keys: 'x' }, { Keys: [EC] }]) {
    assert.deepEqual(publicKeysOf(set as JsonValue), [], JSON.stringify(set));
  }
});

test('MD-09 two keys of one id are both kept: during a rotation either may have signed', () => {
  assert.deepEqual(kids([EC, { ...(testKey('ES256', 'ec').jwk as JsonObject) }]), ['ec', 'ec']);
});

test('of a set without measure the first 64 are read', () => {
  assert.equal(kids(Array.from({ length: 200 }, (_, i) => ({ ...EC, kid: String(i) }))).length, 64);
});

test('JW-17 a key that stays is the same object, one that goes is marked, one that comes back is new', () => {
  const both = publicKeysOf({ keys: [EC, RSA] });
  const first = replaceKeys([], both);
  const second = replaceKeys(first, publicKeysOf({ keys: [RSA] }));
  assert.equal(second[0], first[1]);
  assert.deepEqual(
    first.map(({ isGone }) => isGone),
    [true, false],
  );
  const third = replaceKeys(second, both);
  assert.notEqual(third[0], first[0]);
  assert.equal(third[0]?.isGone, false);
  assert.equal(first[0]?.isGone, true);
});

test('JW-17 a key under another id or for another algorithm is another key', () => {
  const first = replaceKeys([], publicKeysOf({ keys: [EC] }));
  replaceKeys(first, publicKeysOf({ keys: [{ ...EC, kid: 'new' }] }));
  assert.equal(first[0]?.isGone, true);
});

test('a set that names one key twice keeps it once more, and both end with it', () => {
  const first = replaceKeys([], publicKeysOf({ keys: [EC, EC] }));
  assert.equal(first.length, 2);
  const second = replaceKeys(first, publicKeysOf({ keys: [EC] }));
  assert.deepEqual(
    first.map((key) => key.isGone || second.includes(key)),
    [true, true],
  );
  replaceKeys(second, []);
  assert.deepEqual(
    first.map(({ isGone }) => isGone),
    [true, true],
  );
});
