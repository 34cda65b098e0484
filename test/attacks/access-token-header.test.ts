import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signed, testKey } from '../support/issuer.ts';
import { BENCH_KEY, claimsOf, ISSUER, tokenBench } from '../support/token-bench.ts';

/** Attacks by the header of an access token: keys that it brings along, key ids, kinds, extensions. */
const FOREIGN = testKey('ES256', 'key-1');

for (const [name, header] of [
  ['jwk, its own key inline', { jwk: FOREIGN.jwk }],
  ['jwk without a key id', { jwk: FOREIGN.jwk, kid: undefined }],
  ['jku, a spoofed key set', { jku: 'https://attacker.example/jwks.json' }],
  ['jku that begins as the issuer', { jku: `${ISSUER}@attacker.example/jwks.json` }],
  ['jku into the inner network', { jku: 'http://169.254.169.254/latest/meta-data' }],
  ['x5u, a spoofed certificate', { x5u: 'https://attacker.example/cert.pem' }],
  ['x5c, its own certificate', { x5c: ['MIIB'] }],
  ['x5t', { x5t: 'AAAA', 'x5t#S256': 'AAAA' }],
  ['iss in the header', { iss: ISSUER, jwk: FOREIGN.jwk }],
] as const) {
  test(`JW-04 denies a token by a key of its own choice, named by ${name}; nothing is asked`, async () => {
    const it = tokenBench();
    assert.equal(await it.outcome(it.token({}, header, FOREIGN)), 'invalid_credential: signature');
    assert.equal(it.asked(), 0);
    // The same members beside the issuer's own signature are no reason to look at them either.
    assert.equal(await it.outcome(it.token({}, header, BENCH_KEY)), 'ok');
  });
}

for (const [name, kid] of [
  ['a path', '../../../../../../dev/null'],
  ['a path on another system', 'C:\\windows\\win.ini'],
  ['a URL', 'file:///proc/sys/kernel/randomize_va_space'],
  ['SQL', "x' UNION SELECT 'secret';--"],
  ['a command', '|sleep 10'],
  ['a template', '{{7*7}}${7*7}'],
  ['a name of prototypes', '__proto__'],
  ['a name that arrays have', 'length'],
  ['an empty text', ''],
  ['a wildcard', '*'],
  ['the right one and a space', 'key-1 '],
  ['the right one in capitals', 'KEY-1'],
] as const) {
  test(`JW-05 denies a key id that is ${name}: it is a text to compare, and no more`, async () => {
    const it = tokenBench();
    for (const by of [FOREIGN, BENCH_KEY]) {
      assert.equal(await it.outcome(it.token({}, { kid }, by)), 'invalid_credential: kid');
    }
  });
}

test('JW-05 denies a key id with a NUL, of another type than text, or very long', async () => {
  const it = tokenBench();
  assert.match(await it.outcome(it.token({}, { kid: 'key-1\0' })), /^invalid_credential: no compact JWS$/);
  for (const kid of [1, null, ['key-1'], { kid: 'key-1' }, true, 'k'.repeat(257), 'k'.repeat(8_000)]) {
    assert.equal(await it.outcome(it.token({}, { kid })), 'invalid_credential: kid');
  }
  const long = testKey('ES256', 'k'.repeat(256));
  const wide = tokenBench({}, long);
  assert.equal(await wide.outcome(wide.token()), 'ok');
  assert.equal(wide.asked(), 0);
});

for (const [name, typ] of [
  ['a DPoP proof', 'dpop+jwt'],
  ['a logout token', 'logout+jwt'],
  ['a security event token', 'secevent+jwt'],
  ['a client assertion', 'client-authentication+jwt'],
  ['an introspection answer', 'token-introspection+jwt'],
  ['a status list', 'statuslist+jwt'],
  ['a request object', 'oauth-authz-req+jwt'],
  ['an ID token by its own type', 'id_token+jwt'],
  ['a media type of another tree', 'text/at+jwt'],
  ['the type twice', 'application/application/at+jwt'],
  ['an empty text', ''],
  ['the type and a space', 'at+jwt '],
  ['the type and a parameter', 'at+jwt; a=b'],
  ['no text', 1],
  ['null', null],
  ['a list', ['at+jwt']],
] as const) {
  test(`JW-07 denies a token whose typ is that of ${name}`, async () => {
    const it = tokenBench();
    assert.equal(await it.outcome(it.token({}, { typ })), 'invalid_credential: typ');
  });
}

test('JW-06 what typ may be is the issuer\u2019s rule: at+jwt alone, the older JWT beside it, or none at all', async () => {
  const strict = tokenBench({ rules: { acceptedTypes: ['at+jwt'] } });
  const usual = tokenBench();
  const lax = tokenBench({ rules: { acceptedTypes: ['at+jwt', 'jwt', 'absent'] } });
  const verdicts = async (typ: string | undefined) =>
    Promise.all([strict, usual, lax].map((it) => it.outcome(it.token({}, { typ }))));
  const no = 'invalid_credential: typ';
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/AT+jwt']) {
    assert.deepEqual(await verdicts(typ), ['ok', 'ok', 'ok'], typ);
  }
  assert.deepEqual(await verdicts('JWT'), [no, 'ok', 'ok']);
  assert.deepEqual(await verdicts(undefined), [no, no, 'ok']);
  assert.deepEqual(await verdicts('absent'), [no, no, no]);
});

for (const [name, header] of [
  ['an unknown crit', { crit: ['exp-policy'], 'exp-policy': 1 }],
  ['crit of a known name', { crit: ['alg'] }],
  ['an empty crit', { crit: [] }],
  ['crit that is no list', { crit: 'b64' }],
  ['crit null', { crit: null }],
  ['b64 false', { crit: ['b64'], b64: false }],
  ['b64 false without crit', { b64: false }],
  ['b64 true', { crit: ['b64'], b64: true }],
  ['zip', { zip: 'DEF' }],
] as const) {
  test(`JW-13 denies a header with ${name}`, async () => {
    const it = tokenBench();
    assert.equal(await it.outcome(it.token({}, header)), 'invalid_credential: crit');
  });
}

for (const [name, header] of [
  ['dir', { alg: 'dir', enc: 'A256GCM' }],
  ['RSA-OAEP', { alg: 'RSA-OAEP-256', enc: 'A256GCM' }],
  [
    'PBES2 with a count to keep us busy',
    { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2_147_483_647, p2s: 'AAAA' },
  ],
  ['ECDH-ES, compressed', { alg: 'ECDH-ES', enc: 'A256GCM', zip: 'DEF', epk: FOREIGN.jwk }],
] as const) {
  test(`JW-14 denies an encrypted token, ${name}, at once`, async () => {
    const it = tokenBench();
    const head = Buffer.from(JSON.stringify({ typ: 'at+jwt', kid: 'key-1', ...header })).toString('base64url');
    assert.equal(await it.outcome(`${head}.AAAA.AAAA.AAAA.AAAA`), 'unknown');
    assert.equal(await it.outcome(`${head}..AAAA.AAAA.AAAA`), 'unknown');
    assert.equal(
      await it.outcome(signed({ typ: 'at+jwt', kid: 'key-1', ...header }, claimsOf(), BENCH_KEY)),
      'invalid_credential: alg',
    );
  });
}

test('JW-08 JW-17 keys of two issuers are strangers to each other, also under one key id', async () => {
  const OTHER = 'https://other.example.org';
  const theirs = testKey('ES256', BENCH_KEY.kid);
  const it = tokenBench({ others: [{ issuer: OTHER }], jwks: { [OTHER]: { keys: [theirs.jwk as never] } } });
  assert.equal(await it.outcome(it.token()), 'ok');
  assert.equal(await it.outcome(it.token({ iss: OTHER }, {}, theirs)), 'ok');
  assert.equal(await it.outcome(it.token({ iss: OTHER, jti: 'x' })), 'invalid_credential: signature');
  assert.equal(await it.outcome(it.token({ jti: 'x' }, {}, theirs)), 'invalid_credential: signature');
  const [one, two] = [await it.principal(it.token()), await it.principal(it.token({ iss: OTHER }, {}, theirs))];
  assert.notEqual(one.id, two.id);
});

for (const [name, iss] of [
  ['of nobody', 'https://nobody.example.org'],
  ['with a slash more', `${ISSUER}/`],
  ['in capitals', ISSUER.toUpperCase()],
  ['with its port', `${ISSUER}:443`],
  ['that ours begins', `${ISSUER}.attacker.example`],
  ['that begins ours', ISSUER.slice(0, -1)],
  ['by plain http', ISSUER.replace('https', 'http')],
  ['in a list', [ISSUER]],
  ['of no text', 1],
  ['null', null],
  ['not there', undefined],
  ['a name of prototypes', '__proto__'],
] as const) {
  test(`JW-08 denies an issuer ${name}`, async () => {
    const it = tokenBench();
    assert.equal(await it.outcome(it.token({ iss })), 'invalid_credential: issuer');
  });
}
