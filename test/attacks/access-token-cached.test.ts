import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultTenant } from '../../src/directory/issue.ts';
import type { TenantRecord } from '../../src/directory/records.ts';
import { markOf } from '../../src/directory/revocations.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { testKey } from '../support/issuer.ts';
import { AUDIENCE, ISSUER, NOW_MS, NOW_S, tokenBench, type TokenBench } from '../support/token-bench.ts';

/** A token that was found good once must be judged anew in all that may have changed since. */
const revoke = (it: TokenBench, id: string, atMs = it.clock.nowMs(), isExact = true) =>
  it.revocations.apply([
    { kind: 'revocation', record: { id, atMs, isExact, untilMs: undefined, version: 1 }, expectedVersion: 0 },
  ]);

test('JW-19 a known token ends with its exp and the tolerance, to the millisecond', async () => {
  const it = tokenBench();
  const token = it.token({ exp: NOW_S + 10 });
  assert.equal(await it.outcome(token), 'ok');
  it.clock.advance(14_999);
  assert.equal(await it.outcome(token), 'ok');
  it.clock.advance(1);
  assert.equal(await it.outcome(token), 'expired_credential');
});

test('JW-17 JW-19 a known token ends when its key is taken back, and not when another is', async () => {
  const it = tokenBench();
  const other = testKey('ES256', 'key-2');
  const both = { keys: [it.key.jwk as JsonObject, other.jwk as JsonObject] };
  it.news(both);
  const [token, theirs] = [it.token(), it.token({}, {}, other)];
  for (const one of [token, theirs]) assert.equal(await it.outcome(one), 'ok');
  it.news({ keys: [other.jwk as JsonObject] });
  assert.equal(await it.outcome(token), 'invalid_credential: kid');
  assert.equal(await it.outcome(theirs), 'ok');
  it.news(both);
  assert.equal(await it.outcome(token), 'ok');
});

test('JW-17 JW-19 a known token ends when its key id stands for another key, or for an encryption key', async () => {
  for (const [jwk, expected] of [
    [{ ...testKey('ES256', 'key-1').jwk }, 'invalid_credential: signature'],
    [{ ...tokenBench().key.jwk, use: 'enc' }, 'invalid_credential: kid'],
    [{ ...tokenBench().key.jwk, alg: 'ES384' }, 'invalid_credential: kid'],
  ] as const) {
    const it = tokenBench();
    const token = it.token();
    assert.equal(await it.outcome(token), 'ok');
    it.news({ keys: [jwk as JsonObject] });
    assert.equal(await it.outcome(token), expected);
  }
});

test('JW-19 a known token ends when its issuer leaves the configuration', async () => {
  const it = tokenBench();
  const token = it.token();
  assert.equal(await it.outcome(token), 'ok');
  it.book.apply([]);
  assert.notEqual(await it.outcome(token), 'ok');
});

test('JW-16 an issuer that is silent beyond the bound: known tokens live on, no new one is believed', async () => {
  const it = tokenBench();
  const known = it.token({ exp: NOW_S + 3_600 });
  assert.equal(await it.outcome(known), 'ok');
  it.news({ keys: [it.key.jwk as JsonObject] }, { goodUntilMs: NOW_MS + 10, why: 'answered 500' });
  it.clock.advance(9);
  assert.equal(await it.outcome(it.token({ jti: 'b' })), 'ok');
  it.clock.advance(1);
  assert.equal(await it.outcome(it.token({ jti: 'c' })), 'issuer_unreachable: kid');
  assert.equal(await it.outcome(known), 'ok');
});

test('JW-19 a token whose clock is ahead as far as its issuer may be is revoked like all others', async () => {
  const it = tokenBench({ rules: { clockToleranceMs: 60_000 } });
  const ahead = it.token({ iat: NOW_S + 59 });
  assert.equal(await it.outcome(ahead), 'ok');
  revoke(it, `subject:${ISSUER} user-1`, NOW_MS, false);
  assert.equal(await it.outcome(ahead), 'revoked_credential');
  it.clock.advance(61_000);
  assert.equal(await it.outcome(it.token({ iat: NOW_S + 61 })), 'ok');
});

for (const [kind, id] of [
  ['token', undefined],
  ['client', 'client-1'],
  ['subject', 'user-1'],
  ['grant', 'grant-1'],
  ['session', 'session-1'],
] as const) {
  test(`RV-04 JW-19 a known token ends with the revocation of its ${kind}, and others do not`, async () => {
    const it = tokenBench();
    const claims = { grant_id: 'grant-1', sid: 'session-1' };
    const token = it.token(claims);
    const other = it.token({ jti: 'b', sub: 'b', client_id: 'b', grant_id: 'b', sid: 'b' });
    const { token: facts } = await it.principal(token);
    assert.equal(await it.outcome(other), 'ok');
    revoke(it, markOf(kind, ISSUER, id ?? facts?.tokenHash ?? ''));
    assert.equal(await it.outcome(token), 'revoked_credential');
    assert.equal(await it.outcome(it.token({ ...claims, iat: NOW_S - 10 })), 'revoked_credential');
    assert.equal(await it.outcome(other), 'ok');
    // Of another issuer the same names are other things.
    const elsewhere = tokenBench();
    revoke(elsewhere, markOf(kind, 'https://other.example.org', id ?? facts?.tokenHash ?? ''));
    assert.equal(await elsewhere.outcome(token), 'ok');
  });
}

test('JW-19 a revocation does not outlast itself: what was issued after it is let in, what has no iat never', async () => {
  const it = tokenBench();
  const mark = markOf('subject', ISSUER, 'user-1');
  revoke(it, mark, NOW_MS);
  it.clock.advance(60_000);
  assert.equal(await it.outcome(it.token({ iat: NOW_S, jti: 'a' })), 'revoked_credential');
  assert.equal(await it.outcome(it.token({ iat: NOW_S + 1, jti: 'b' })), 'ok');
  assert.equal(await it.outcome(it.token({ iat: undefined, jti: 'c' })), 'revoked_credential');
  // The clock of a foreign issuer may be ahead: a token from before must not look as if it came after.
  const foreign = tokenBench();
  revoke(foreign, mark, NOW_MS, false);
  foreign.clock.advance(60_000);
  assert.equal(await foreign.outcome(foreign.token({ iat: NOW_S + 5, jti: 'a' })), 'revoked_credential');
  assert.equal(await foreign.outcome(foreign.token({ iat: NOW_S + 6, jti: 'b' })), 'ok');
});

test('JW-19 a known token ends with its tenant: disabled, or revoked as a whole', async () => {
  let tenant: TenantRecord | undefined = defaultTenant(0);
  const it = tokenBench({ tenant: () => tenant });
  const token = it.token();
  assert.equal(await it.outcome(token), 'ok');
  tenant = { ...defaultTenant(0), isDisabled: true };
  assert.equal(await it.outcome(token), 'revoked_credential');
  tenant = defaultTenant(0);
  assert.equal(await it.outcome(token), 'ok');
  revoke(it, 'tenant:default');
  assert.equal(await it.outcome(token), 'revoked_credential');
});

test('JW-18 a known token has the models that its tenant has now', async () => {
  let tenant: TenantRecord | undefined;
  const it = tokenBench({ tenant: () => tenant });
  const token = it.token({ models: ['a', 'b'] });
  assert.deepEqual([...(await it.principal(token)).models], ['a', 'b']);
  tenant = { ...defaultTenant(0), models: ['b'] };
  assert.deepEqual([...(await it.principal(token)).models], ['b']);
});

test('what is said of a token is said only once its signature was right: not that it is expired or revoked', async () => {
  const it = tokenBench();
  revoke(it, markOf('subject', ISSUER, 'user-1'));
  const stranger = { ...testKey('ES256'), kid: it.key.kid };
  for (const claims of [{ exp: 1 }, {}]) {
    assert.equal(await it.outcome(it.token(claims, {}, stranger)), 'invalid_credential: signature');
  }
});

test('JW-19 a known token is known by all of its text: another signature is another token', async () => {
  const it = tokenBench();
  const token = it.token();
  assert.equal(await it.outcome(token), 'ok');
  for (const at of [token.length - 1, token.length - 20, token.indexOf('.') + 4]) {
    const letter = token[at] === 'A' ? 'B' : 'A';
    assert.notEqual(await it.outcome(`${token.slice(0, at)}${letter}${token.slice(at + 1)}`), 'ok');
  }
});

test('DP-08 a bound token that is known is still refused without its proof', async () => {
  const it = tokenBench({ rules: { audiences: [AUDIENCE] } });
  const token = it.token({ cnf: { jkt: 'A'.repeat(43) } });
  for (const _ of [1, 2]) assert.equal(await it.outcome(token), 'invalid_credential: bound token sent as Bearer');
  assert.equal(await it.outcome(token, { scheme: 'dpop' }), 'invalid_credential: proof: missing');
});
