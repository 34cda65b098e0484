import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { accountKeyFrom, createAccountKeyPem, keyAuthorization, signedBody, thumbprint } from './jws.ts';

/** The public half of the P-256 key of RFC 7515 appendix A.3. */
const JWK = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
} as const;

test('the thumbprint of a key is that of RFC 7638, whatever else stands beside it', () => {
  assert.equal(thumbprint(JWK), 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U');
  assert.equal(thumbprint({ ...JWK, kid: 'x', use: 'sig' } as typeof JWK), thumbprint(JWK));
  assert.equal(keyAuthorization('token', JWK), `token.${thumbprint(JWK)}`);
});

test('a signed request carries URL and nonce, and its signature is ES256 over what it says', () => {
  const key = accountKeyFrom(createAccountKeyPem());
  const text = signedBody(key, { kid: 'https://ca/1' }, { url: 'https://ca/new', nonce: 'n' }, { a: 1 });
  const body = JSON.parse(text) as { protected: string; payload: string; signature: string };
  assert.deepEqual(JSON.parse(Buffer.from(body.protected, 'base64url').toString()), {
    alg: 'ES256',
    nonce: 'n',
    url: 'https://ca/new',
    kid: 'https://ca/1',
  });
  assert.equal(Buffer.from(body.payload, 'base64url').toString(), '{"a":1}');
  const signature = Buffer.from(body.signature, 'base64url');
  assert.equal(signature.length, 64);
  const publicKey = createPublicKey({ key: { ...key.jwk }, format: 'jwk' });
  const said = Buffer.from(`${body.protected}.${body.payload}`);
  assert.ok(verify('sha256', said, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature));
});

test('POST-as-GET has an empty payload, not an empty object', () => {
  const key = accountKeyFrom(createAccountKeyPem());
  const body = JSON.parse(signedBody(key, { jwk: key.jwk }, { url: 'u', nonce: 'n' }, undefined)) as object;
  assert.equal((body as { payload: string }).payload, '');
});

test('what is no key of P-256 is refused without a word of it', () => {
  assert.throws(() => accountKeyFrom('SECRET'), { message: 'no private key' });
});
