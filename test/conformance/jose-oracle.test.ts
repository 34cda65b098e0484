import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import type { JsonObject } from '../../src/kernel/json.ts';
import { signed, signBytes, testKey, type TestKey } from '../support/issuer.ts';
import { AUDIENCE, claimsOf, ISSUER, NOW_MS, NOW_S, tokenBench } from '../support/token-bench.ts';

/** Tokens at random, good and broken, judged by us and by `jose`: we agree, or are the stricter for a reason that is listed. */
const KEYS = (['ES256', 'RS256', 'PS256', 'EdDSA'] as const).map((alg) => testKey(alg, alg.toLowerCase()));
const STRANGER: TestKey = { ...testKey('ES256'), kid: 'es256' };
const jwks = { keys: KEYS.map(({ jwk }) => jwk as JsonObject) };
const keySet = createLocalJWKSet(jwks);
const [SIGNER] = KEYS as [TestKey];

/** What jose says of a token: `ok`, or the code of its error. */
async function oracle(token: string): Promise<string> {
  try {
    await jwtVerify(token, keySet, {
      issuer: ISSUER,
      audience: AUDIENCE,
      clockTolerance: 5,
      currentDate: new Date(NOW_MS),
      requiredClaims: ['iss', 'aud', 'exp', 'sub'],
      algorithms: ['ES256', 'RS256', 'PS256', 'EdDSA'],
    });
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/**
 * Why we refuse what jose accepts, by what our log says: jose leaves the kind of a token, its confirmation and the form of its
 * names to the application; and it reads JSON as the engine does, where a name may stand twice.
 */
const STRICTER: readonly (readonly [RegExp, string])[] = [
  [/: typ$/, 'a typ that is no access token\u2019s'],
  [/: typ claim$/, 'the kind in the payload is another'],
  [/: an ID token$|: a logout or security event token$/, 'another kind of token by what only it has'],
  [/: sub$|: jti$/, 'a name that is empty, no text, or not fit for a log'],
  [/: cnf$/, 'bound in a way that we cannot check'],
  [/: tenant$|: models$/, 'a claim of ours in a form that is none'],
  [/: exp$|: iat$|: nbf$/, 'a time before 1970 or beyond reason'],
  [/: iat in the future$/, 'jose judges iat only where an age is asked for'],
  [/: crit$/, 'zip and b64 are refused wherever they stand'],
  [/: kid$/, 'a key id of another type than text, or too long'],
  [
    /: no compact JWS$/,
    'base64url in a second spelling; JSON with a name twice, U+0000, a lone surrogate, an overflow, or deep nesting',
  ],
  [/^unknown$/, 'a header that does not begin as one of JSON'],
  [/: bound token sent as Bearer$|: certificate$/, 'bound, and sent without its proof'],
];

const odd = fc.constantFrom<unknown>(
  undefined,
  null,
  '',
  'a',
  0,
  -1,
  1.5,
  true,
  [],
  ['a'],
  {},
  NOW_S,
  NOW_S - 5,
  NOW_S - 4,
  NOW_S + 5,
  NOW_S + 6,
  NOW_S + 300,
  String(NOW_S),
  1e300,
  AUDIENCE,
  [AUDIENCE],
  ['x', AUDIENCE],
  `${AUDIENCE}/`,
  ISSUER,
  [ISSUER],
  `${ISSUER}/`,
  'JWT',
  'at+jwt',
  'ID',
  'a\u0000b',
  'a\nb',
);
const NAMES = [
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'cnf',
  'typ',
  'nonce',
  'events',
  'scope',
  'tenant',
  'models',
];
const claimChanges = fc.dictionary(fc.constantFrom(...NAMES), odd, { maxKeys: 2 });
const headerChanges = fc.dictionary(
  fc.constantFrom('typ', 'kid', 'alg', 'crit', 'b64', 'zip', 'jwk', 'jku', 'cty'),
  fc.oneof(odd, fc.constantFrom('none', 'HS256', 'RS256', 'PS256', 'EdDSA', 'es256', 'rs256', 'eddsa', ['b64'], false)),
  { maxKeys: 1 },
);
/** What is done to the text of a token: nothing mostly, else one small thing at a place. */
const wound = fc.oneof(
  { weight: 3, arbitrary: fc.constant((text: string) => text) },
  fc
    .tuple(fc.nat(), fc.constantFrom('', 'A', '_', '=', '.', ' ', '\n', '+', '/', '\0', 'AA'), fc.nat({ max: 2 }))
    .map(([at, put, cut]) => (text: string) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + put + text.slice(place + cut);
    }),
  fc.constantFrom<(text: string) => string>(
    (text) => text.split('.').slice(0, 2).join('.') + '.',
    (text) => text.split('.').toReversed().join('.'),
    (text) => `${text}.`,
    (text) => `${text}.AAAA.AAAA`,
    (text) => text.toUpperCase(),
  ),
);

test('at random tokens jose and we agree, or we are the stricter for a listed reason', async () => {
  const bench = tokenBench({ jwks: { [ISSUER]: jwks } }, SIGNER);
  const counts = { accepted: 0, refused: 0, stricter: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...KEYS, ...KEYS, STRANGER),
      headerChanges,
      claimChanges,
      wound,
      async (key, header, claims, change) => {
        const token = change(signed({ typ: 'at+jwt', alg: key.alg, kid: key.kid, ...header }, claimsOf(claims), key));
        const [theirs, ours] = [await oracle(token), await bench.outcome(token)];
        if (ours === 'ok') {
          counts.accepted++;
          assert.equal(theirs, 'ok', token);
        } else if (theirs === 'ok') {
          counts.stricter++;
          assert.ok(
            STRICTER.some(([pattern]) => pattern.test(ours)),
            `${ours}: ${token}`,
          );
        } else counts.refused++;
      },
    ),
    { numRuns: 2_000 },
  );
  // Else it would have compared nothing.
  for (const count of Object.values(counts)) assert.ok(count > 100, JSON.stringify(counts));
});

test('at random signatures, of any length and one bit beside a good one, nobody accepts and nothing faults', async () => {
  const bench = tokenBench({ jwks: { [ISSUER]: jwks } }, SIGNER);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...KEYS),
      fc.oneof(fc.uint8Array({ maxLength: 600 }), fc.nat()),
      async (key, what) => {
        const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
        const text = `${encode({ typ: 'at+jwt', alg: key.alg, kid: key.kid })}.${encode(claimsOf())}`;
        const good = signBytes(key.alg, Buffer.from(text), key.privateKey);
        if (typeof what === 'number') {
          const bit = what % (good.length * 8);
          good[bit >> 3] = (good[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        }
        const token = `${text}.${(typeof what === 'number' ? good : Buffer.from(what)).toString('base64url')}`;
        assert.deepEqual(
          [await oracle(token), await bench.outcome(token)],
          ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'invalid_credential: signature'],
        );
      },
    ),
    { numRuns: 400 },
  );
});

test('of keys that are for something else neither jose nor we take one', async () => {
  const token = signed({ typ: 'at+jwt', alg: 'ES256', kid: 'es256' }, claimsOf(), SIGNER);
  for (const [change, theirs] of [
    [{ use: 'enc' }, 'ERR_JWKS_NO_MATCHING_KEY'],
    [{ key_ops: ['encrypt'] }, 'ERR_JWKS_NO_MATCHING_KEY'],
    [{ alg: 'ES384' }, 'ERR_JWKS_NO_MATCHING_KEY'],
    [{ crv: 'P-384' }, 'ERR_JWKS_NO_MATCHING_KEY'],
    [{ kid: 'other' }, 'ERR_JWKS_NO_MATCHING_KEY'],
  ] as const) {
    const set = { keys: [{ ...SIGNER.jwk, ...change }] };
    const found = await jwtVerify(token, createLocalJWKSet(set as unknown as JSONWebKeySet), {
      currentDate: new Date(NOW_MS),
    }).then(
      () => 'ok',
      (error: unknown) => (error as { code?: string }).code,
    );
    assert.equal(found, theirs, JSON.stringify(change));
    const bench = tokenBench({ jwks: { [ISSUER]: set as unknown as JsonObject } }, SIGNER);
    assert.equal(await bench.outcome(token), 'invalid_credential: kid', JSON.stringify(change));
  }
});
