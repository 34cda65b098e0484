import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, hash, sign, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../src/kernel/json.ts';
import { signBytes, signed, testKey, type TestKey } from '../support/issuer.ts';
import { AUDIENCE, BENCH_KEY, claimsOf, ISSUER, tokenBench } from '../support/token-bench.ts';

/** Attacks on the signature of an access token: RFC 8725 §2.1, §3.1 to 3.4, and what jwt_tool tries. */
const RSA = testKey('RS256', 'rsa');
const rsaBench = () => tokenBench({}, RSA);

const encoded = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const input = (header: object, claims: object = {}): string => `${encoded(header)}.${encoded(claimsOf(claims))}`;
const hmac = (text: string, secret: string | Buffer, digest = 'sha256'): string =>
  `${text}.${createHmac(digest, secret).update(text).digest('base64url')}`;

/** A key of any kind in the form of the tests' keys, and the set that shows it. */
function keyOf(alg: string, { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }) {
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'odd', alg, use: 'sig' } as unknown as JsonObject;
  return { key: { kid: 'odd', alg, privateKey, jwk } as unknown as TestKey, jwks: { [ISSUER]: { keys: [jwk] } } };
}

for (const alg of ['none', 'None', 'NONE', 'nOnE', 'none ', '', ' none', 'NonE\u0000']) {
  for (const signature of ['', 'AAAA']) {
    test(`JW-02 denies alg ${JSON.stringify(alg)} with ${signature === '' ? 'no' : 'some'} signature`, async () => {
      const answer = await tokenBench().outcome(`${input({ typ: 'at+jwt', alg, kid: 'key-1' })}.${signature}`);
      assert.match(answer, /^invalid_credential: (alg|no compact JWS)$/);
    });
  }
}

test('JW-02 denies a header without alg, and one whose alg is no text', async () => {
  const it = tokenBench();
  for (const alg of [undefined, null, 1, ['ES256'], { name: 'ES256' }, true]) {
    assert.equal(await it.outcome(it.token({}, { alg })), 'invalid_credential: alg');
  }
});

test('JW-02 denies spellings of an algorithm in another case, and ones that objects have by birth', async () => {
  const it = tokenBench();
  for (const alg of ['es256', 'Es256', 'ES256 ', 'ES-256', 'constructor', 'toString', '__proto__']) {
    assert.equal(await it.outcome(it.token({}, { alg })), 'invalid_credential: alg', alg);
  }
});

test('JW-02 denies an algorithm that the issuer is not allowed, though its key could verify it', async () => {
  const rsa = tokenBench({ rules: { algorithms: ['ES256', 'PS256'] } }, RSA);
  assert.equal(await rsa.outcome(rsa.token()), 'invalid_credential: alg');
});

test('denies a null signature: the token of another with its last part left out', async () => {
  for (const it of [tokenBench(), rsaBench(), tokenBench({}, testKey('EdDSA')), tokenBench({}, testKey('PS256'))]) {
    const [head, body] = it.token().split('.');
    assert.equal(await it.outcome(`${head}.${body}.`), 'invalid_credential: signature');
    assert.equal(await it.outcome(`${head}.${body}`), 'unknown');
  }
});

test('JW-03 denies HMAC with a blank password, and with guessable ones', async () => {
  const it = tokenBench();
  for (const alg of ['HS256', 'HS384', 'HS512']) {
    const digest = `sha${alg.slice(2)}`;
    for (const secret of ['', '\0', 'secret', 'password', 'null']) {
      const token = hmac(input({ typ: 'at+jwt', alg, kid: 'key-1' }), secret, digest);
      assert.equal(await it.outcome(token), 'invalid_credential: alg');
    }
  }
});

test('JW-03 denies key confusion: HS256 with the RSA public key as its secret, in every form of that key', async () => {
  const it = rsaBench();
  const publicKey = it.book.keysOf(ISSUER).keys?.[0]?.key;
  assert.ok(publicKey);
  const secrets = [
    publicKey.export({ format: 'pem', type: 'spki' }),
    publicKey.export({ format: 'pem', type: 'spki' }).trim(),
    publicKey.export({ format: 'pem', type: 'pkcs1' }),
    publicKey.export({ format: 'der', type: 'spki' }),
    JSON.stringify(RSA.jwk),
    Buffer.from(String(RSA.jwk['n']), 'base64url'),
  ];
  for (const secret of secrets) {
    for (const kid of ['rsa', undefined]) {
      const token = hmac(input({ typ: 'at+jwt', alg: 'HS256', kid }), secret);
      assert.equal(await it.outcome(token), 'invalid_credential: alg');
    }
  }
});

test('JW-03 denies an HMAC token whose symmetric key stands in the key set', async () => {
  const secret = Buffer.from('a secret of thirty-two bytes now');
  const jwk = { kty: 'oct', k: secret.toString('base64url'), kid: 'oct', alg: 'HS256', use: 'sig' };
  const it = tokenBench({ jwks: { [ISSUER]: { keys: [jwk, BENCH_KEY.jwk as never] } } });
  assert.equal(it.book.keysOf(ISSUER).keys?.length, 1);
  const token = hmac(input({ typ: 'at+jwt', alg: 'HS256', kid: 'oct' }), secret);
  assert.equal(await it.outcome(token), 'invalid_credential: alg');
});

test('JW-03 denies mixed key types: an algorithm of one type with the key id of another', async () => {
  const keys = [RSA, BENCH_KEY, testKey('EdDSA', 'ed')];
  const jwks = { [ISSUER]: { keys: keys.map(({ jwk }) => jwk as never) } };
  for (const by of keys) {
    const it = tokenBench({ jwks }, by);
    assert.equal(await it.outcome(it.token()), 'ok');
    for (const other of keys.filter((one) => one !== by)) {
      const answer = await it.outcome(it.token({}, { kid: other.kid }));
      assert.match(answer, /^invalid_credential: (kid|signature)$/, `${by.alg} under ${other.kid}`);
      assert.equal(await it.outcome(it.token({}, { alg: other.alg })), 'invalid_credential: kid');
    }
  }
});

test('JW-03 denies PS256 with a key that its issuer gave to RS256, and the reverse', async () => {
  const it = rsaBench();
  const text = input({ typ: 'at+jwt', alg: 'PS256', kid: 'rsa' });
  const pss = signBytes('PS256', Buffer.from(text), RSA.privateKey).toString('base64url');
  assert.equal(await it.outcome(`${text}.${pss}`), 'invalid_credential: kid');
  const bare = { ...RSA.jwk };
  delete bare['alg'];
  const free = tokenBench({ jwks: { [ISSUER]: { keys: [bare as never] } } }, RSA);
  assert.equal(await free.outcome(`${text}.${pss}`), 'ok');
});

test('denies PS256 with a salt of another length', async () => {
  const key = testKey('PS256', 'pss');
  const it = tokenBench({}, key);
  const text = input({ typ: 'at+jwt', alg: 'PS256', kid: 'pss' });
  for (const [saltLength, expected] of [
    [32, 'ok'],
    [0, 'invalid_credential: signature'],
    [64, 'invalid_credential: signature'],
  ] as const) {
    const signature = sign('sha256', Buffer.from(text), { key: key.privateKey, padding: 6, saltLength });
    assert.equal(await it.outcome(`${text}.${signature.toString('base64url')}`), expected, String(saltLength));
  }
});

test('JW-15 denies psychic signatures: r and s zero, the order of the curve, or one of them alone', async () => {
  const it = tokenBench();
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
  const zero = Buffer.alloc(32);
  const one = Buffer.from(`${'00'.repeat(31)}01`, 'hex');
  const text = input({ typ: 'at+jwt', alg: 'ES256', kid: 'key-1' });
  for (const [r, s] of [
    [zero, zero],
    [order, order],
    [zero, one],
    [one, zero],
    [order, one],
    [one, order],
    [Buffer.alloc(32, 0xff), Buffer.alloc(32, 0xff)],
  ] as const) {
    const signature = Buffer.concat([r, s]).toString('base64url');
    assert.equal(await it.outcome(`${text}.${signature}`), 'invalid_credential: signature');
  }
});

test('JW-15 denies an ES256 signature in DER, in half, doubled, or with bytes before or behind it', async () => {
  const it = tokenBench();
  const text = input({ typ: 'at+jwt', alg: 'ES256', kid: 'key-1' });
  const der = sign('sha256', Buffer.from(text), BENCH_KEY.privateKey);
  const raw = signBytes('ES256', Buffer.from(text), BENCH_KEY.privateKey);
  const nul = Buffer.alloc(1);
  for (const signature of [
    der,
    raw.subarray(0, 32),
    Buffer.concat([raw, raw]),
    Buffer.concat([nul, raw]),
    Buffer.concat([raw, nul]),
    Buffer.concat([nul, raw.subarray(0, 32), nul, raw.subarray(32)]),
  ]) {
    assert.equal(await it.outcome(`${text}.${signature.toString('base64url')}`), 'invalid_credential: signature');
  }
  assert.equal(await it.outcome(`${text}.${raw.toString('base64url')}`), 'ok');
});

for (const [alg, namedCurve] of [
  ['ES256', 'P-384'],
  ['ES256', 'secp256k1'],
  ['ES384', 'P-256'],
  ['ES512', 'P-256'],
  ['ES256K', 'secp256k1'],
] as const) {
  test(`JW-03 JW-15 denies ${alg} by a key on the wrong curve, ${namedCurve}`, async () => {
    const { key, jwks } = keyOf(alg, generateKeyPairSync('ec', { namedCurve }));
    const it = tokenBench({ jwks }, key);
    const text = input({ typ: 'at+jwt', alg, kid: 'odd' });
    const signature = sign(`sha${alg.slice(2, 5)}`, Buffer.from(text), {
      key: key.privateKey,
      dsaEncoding: 'ieee-p1363',
    });
    assert.match(
      await it.outcome(`${text}.${signature.toString('base64url')}`),
      /^invalid_credential: kid$|^invalid_credential: alg$/,
    );
  });
}

test('JW-15 denies a point that is not on its curve as a key', async () => {
  const { jwk } = testKey('ES256', 'off');
  const off = { ...jwk, y: encoded(Buffer.alloc(32, 7).toString('latin1')) };
  const it = tokenBench({ jwks: { [ISSUER]: { keys: [off] } } });
  assert.equal(it.book.keysOf(ISSUER).keys?.length, 0);
});

for (const [name, options, isGood] of [
  ['of 1024 bits', { modulusLength: 1024 }, false],
  ['of 2047 bits', { modulusLength: 2047 }, false],
  ['of 2048 bits', { modulusLength: 2048 }, true],
  ['with the exponent 3', { modulusLength: 2048, publicExponent: 3 }, true],
] as const) {
  test(`JW-15 ${isGood ? 'accepts' : 'denies'} a token by an RSA key ${name}`, async () => {
    const { key, jwks } = keyOf('RS256', generateKeyPairSync('rsa', options));
    const it = tokenBench({ jwks }, key);
    const token = it.token({}, { kid: 'odd' });
    assert.equal(await it.outcome(token), isGood ? 'ok' : 'invalid_credential: kid');
  });
}

test('JW-15 denies an RSA key with the exponent 1, by which every message is its own signature', async () => {
  const text = input({ typ: 'at+jwt', alg: 'RS256', kid: 'odd' });
  const info = Buffer.concat([
    Buffer.from('3031300d060960864801650304020105000420', 'hex'),
    hash('sha256', text, 'buffer'),
  ]);
  const block = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(256 - 3 - info.length, 0xff), Buffer.from([0]), info]);
  for (const e of ['AQ', 'AA', 'Ag', 'AAE']) {
    const jwks = { [ISSUER]: { keys: [{ ...RSA.jwk, kid: 'odd', e } as never] } };
    const it = tokenBench({ jwks }, RSA);
    assert.equal(it.book.keysOf(ISSUER).keys?.length, 0, e);
    assert.equal(await it.outcome(`${text}.${block.toString('base64url')}`), 'invalid_credential: kid');
  }
});

test('denies a payload that was changed under a good signature, bit by bit', async () => {
  const it = tokenBench();
  const [head = '', body = '', tail = ''] = it.token().split('.');
  const bytes = Buffer.from(body, 'base64url');
  for (let i = 0; i < bytes.length; i += 3) {
    const changed = Buffer.from(bytes);
    changed[i] = (changed[i] ?? 0) ^ 1;
    assert.notEqual(await it.outcome(`${head}.${changed.toString('base64url')}.${tail}`), 'ok', String(i));
  }
  const more = encoded(claimsOf({ scope: 'admin:write' }));
  assert.equal(await it.outcome(`${head}.${more}.${tail}`), 'invalid_credential: signature');
});

test('denies the signature of another token, and one by a key that is not the issuer\u2019s', async () => {
  const it = tokenBench();
  const [head, body] = it.token({ sub: 'admin' }).split('.');
  const stolen = it.token().split('.')[2];
  assert.equal(await it.outcome(`${head}.${body}.${stolen}`), 'invalid_credential: signature');
  const stranger = { ...testKey('ES256'), kid: BENCH_KEY.kid };
  assert.equal(await it.outcome(it.token({}, {}, stranger)), 'invalid_credential: signature');
});

for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA', 'ML-DSA-44'] as const) {
  test(`accepts a good token by ${alg}, with its key id and without`, async () => {
    const it = tokenBench({}, alg === 'RS256' ? RSA : testKey(alg));
    const { tenant, scopes } = await it.principal(it.token());
    assert.deepEqual([tenant, [...scopes]], ['default', ['inference:chat']]);
    assert.equal(await it.outcome(it.token({ jti: 'other' }, { kid: undefined })), 'ok');
  });
}

test('a signature that no algorithm could have made faults nothing', async () => {
  for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA', 'ML-DSA-44'] as const) {
    const it = tokenBench({}, alg === 'RS256' ? RSA : testKey(alg));
    const text = input({ typ: 'at+jwt', alg, kid: it.key.kid }, { aud: AUDIENCE });
    for (const size of [1, 31, 63, 64, 65, 255, 256, 257, 2420, 4096]) {
      const signature = Buffer.alloc(size, 0xa5).toString('base64url');
      assert.equal(await it.outcome(`${text}.${signature}`), 'invalid_credential: signature', `${alg} ${size}`);
    }
  }
});

test('a key that signed for JSON of another shape is no excuse: a signed array, text or number is no token', async () => {
  const it = tokenBench();
  for (const payload of ['[]', '"text"', '1', 'null', 'true', '{}{}', '']) {
    const answer = await it.outcome(signed({ typ: 'at+jwt', alg: 'ES256', kid: 'key-1' }, payload, BENCH_KEY));
    assert.match(answer, /^(unknown|invalid_credential: no compact JWS)$/, payload);
  }
});
