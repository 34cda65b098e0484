import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { proofFor, testKey } from '../../../test/support/issuer.ts';
import { AUDIENCE, NOW_MS, tokenBench } from '../../../test/support/token-bench.ts';
import { thumbprintOf } from '../../jwt/thumbprint.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { ClientCertificate } from '../../kernel/transport.ts';

const x5t = hash('sha256', 'the leaf, in DER', 'base64url');
const certificate: ClientCertificate = {
  commonName: 'agent',
  names: [],
  notAfterMs: NOW_MS + 1,
  sha256: x5t,
  pem: '',
};
const bound = { cnf: { 'x5t#S256': x5t } };
const DENIED = 'invalid_credential: certificate';

test('MT-01 a token that is bound to a certificate is let in on a connection with it, again and again', async () => {
  const it = tokenBench();
  const token = it.token(bound);
  for (const _ of [1, 2]) assert.equal(await it.outcome(token, { certificate }), 'ok');
  assert.equal((await it.principal(token, { certificate })).token?.binding, 'mtls');
});

for (const [name, shown] of [
  ['no certificate', undefined],
  ['another certificate', { ...certificate, sha256: hash('sha256', 'another leaf', 'base64url') }],
  ['a digest in hex', { ...certificate, sha256: hash('sha256', 'the leaf, in DER', 'hex') }],
  ['an empty digest', { ...certificate, sha256: '' }],
  ['the same name, but another leaf', { ...certificate, sha256: `${x5t.slice(0, -1)}A` }],
] as const) {
  test(`MT-01 a token that is bound to a certificate is denied with ${name}, known or not`, async () => {
    const it = tokenBench();
    const token = it.token(bound);
    assert.equal(await it.outcome(token, { certificate: shown }), DENIED);
    assert.equal(await it.outcome(token, { certificate }), 'ok');
    assert.equal(await it.outcome(token, { certificate: shown }), DENIED);
  });
}

test('MT-01 a token that is bound to nothing is let in with any certificate: that binds callers, not tokens', async () => {
  const it = tokenBench();
  assert.equal(await it.outcome(it.token(), { certificate }), 'ok');
});

test('MT-01 DP-07 a token that is bound to both needs both', async () => {
  const it = tokenBench();
  const holder = testKey();
  const token = it.token({ cnf: { ...bound.cnf, jkt: thumbprintOf(holder.jwk as JsonObject) } });
  const proof = () =>
    proofFor(holder, { method: 'POST', url: `${AUDIENCE}/v1/chat/completions`, token, nowMs: NOW_MS });
  assert.equal(await it.outcome(token, { scheme: 'dpop', proof: proof(), certificate }), 'ok');
  assert.equal(await it.outcome(token, { scheme: 'dpop', proof: proof() }), DENIED);
  assert.equal(await it.outcome(token, { scheme: 'dpop', certificate }), 'invalid_credential: proof: missing');
});
