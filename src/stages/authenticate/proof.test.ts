import assert from 'node:assert/strict';
import { hash, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { proofFor, signed, testKey, type TestKey } from '../../../test/support/issuer.ts';
import { AUDIENCE, NOW_MS, NOW_S, tokenBench, type BenchOptions } from '../../../test/support/token-bench.ts';
import type { Principal } from '../../kernel/exchange.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Denial } from '../../kernel/reasons.ts';
import { createReplayMemory, createReplaySet } from '../../adapters/memory/replay-set.ts';
import { thumbprintOf } from '../../jwt/thumbprint.ts';
import { createProofJudge } from './proof.ts';

const HOLDER = testKey('ES256');
const ADDRESS = `${AUDIENCE}/v1/chat/completions`;

/** A bench with a token that is bound to a key, and what becomes of it with a proof. */
function setUp(key: TestKey = HOLDER, options: BenchOptions = {}) {
  const bench = tokenBench(options);
  const token = bench.token({ cnf: { jkt: thumbprintOf(key.jwk as JsonObject) } });
  const proof = (change: { header?: object; payload?: object } = {}, by = key): string =>
    proofFor(by, { method: 'POST', url: ADDRESS, token, nowMs: bench.clock.nowMs() }, change);
  const send = (text: string | undefined, change: Parameters<typeof bench.shown>[1] = {}): Promise<string> =>
    bench.outcome(token, { scheme: 'dpop', proof: text, ...change });
  return { ...bench, bound: token, proof, send };
}

/** The nonce that an answer brings. */
function nonceOf(answer: Principal | Denial | undefined): string {
  assert.ok(answer !== undefined && 'dpop' in answer && answer.dpop?.error === 'use_dpop_nonce');
  return answer.dpop.nonce;
}

const wrong = (why: string): string => `invalid_credential: proof: ${why}`;

test('a good proof lets the token in, by every algorithm that our challenge names', async () => {
  for (const alg of ['ES256', 'EdDSA', 'RS256', 'PS256'] as const) {
    const { send, proof } = setUp(testKey(alg));
    assert.equal(await send(proof()), 'ok', alg);
  }
});

for (const [name, change, why] of [
  // typ, alg, jwk
  ['DP-02 without typ', { header: { typ: undefined } }, 'typ'],
  ['DP-02 with the typ of an access token', { header: { typ: 'at+jwt' } }, 'typ'],
  ['DP-02 with the typ JWT', { header: { typ: 'JWT' } }, 'typ'],
  ['DP-02 with a typ that is no text', { header: { typ: ['dpop+jwt'] } }, 'typ'],
  ['DP-02 with alg none', { header: { alg: 'none' } }, 'alg'],
  ['DP-02 with HMAC', { header: { alg: 'HS256' } }, 'alg'],
  ['DP-02 with an algorithm that is not offered', { header: { alg: 'ML-DSA-44' } }, 'alg'],
  ['DP-02 with an algorithm that does not fit its key', { header: { alg: 'ES384' } }, 'jwk'],
  ['DP-02 with an algorithm of another type of key', { header: { alg: 'RS256' } }, 'jwk'],
  ['DP-02 without a key', { header: { jwk: undefined } }, 'jwk'],
  ['DP-02 with a key that is no object', { header: { jwk: 'key' } }, 'jwk'],
  ['DP-02 with an empty key', { header: { jwk: {} } }, 'jwk'],
  ['DP-02 with a symmetric key', { header: { jwk: { kty: 'oct', k: 'AAAA' } } }, 'jwk'],
  ['DP-02 with its private key', { header: { jwk: HOLDER.privateKey.export({ format: 'jwk' }) } }, 'jwk'],
  ['DP-02 with a key for encryption', { header: { jwk: { ...HOLDER.jwk, use: 'enc' } } }, 'jwk'],
  ['DP-02 with crit', { header: { crit: ['b64'], b64: false } }, 'crit'],
  // htm, htu
  ['DP-03 for another method', { payload: { htm: 'GET' } }, 'htm'],
  ['DP-03 for the method in small letters', { payload: { htm: 'post' } }, 'htm'],
  ['DP-03 without htm', { payload: { htm: undefined } }, 'htm'],
  ['DP-03 without htu', { payload: { htu: undefined } }, 'htu'],
  ['DP-03 with htu that is no text', { payload: { htu: [ADDRESS] } }, 'htu'],
  ['DP-03 with htu that is no URL', { payload: { htu: '/v1/chat/completions' } }, 'htu'],
  ['DP-03 for another path', { payload: { htu: `${AUDIENCE}/v1/completions` } }, 'htu'],
  ['DP-03 for the path with a slash more', { payload: { htu: `${ADDRESS}/` } }, 'htu'],
  ['DP-03 for the path in other letters', { payload: { htu: `${AUDIENCE}/V1/chat/completions` } }, 'htu'],
  ['DP-03 for the path of a prefix', { payload: { htu: `${AUDIENCE}/v1/chat` } }, 'htu'],
  ['DP-03 for the host alone', { payload: { htu: AUDIENCE } }, 'htu'],
  ['DP-03 for another host', { payload: { htu: ADDRESS.replace('llm', 'evil') } }, 'htu'],
  ['DP-03 for a host that ours begins', { payload: { htu: ADDRESS.replace('.org', '.org.evil.example') } }, 'htu'],
  ['DP-03 for our host as a user', { payload: { htu: ADDRESS.replace('.org', '.org@evil.example') } }, 'htu'],
  ['DP-03 with a user at our host', { payload: { htu: ADDRESS.replace('//', '//user@') } }, 'htu'],
  ['DP-03 with a password at our host', { payload: { htu: ADDRESS.replace('//', '//:pw@') } }, 'htu'],
  ['DP-03 for another port', { payload: { htu: ADDRESS.replace('.org', '.org:8443') } }, 'htu'],
  ['DP-03 by plain http', { payload: { htu: ADDRESS.replace('https', 'http') } }, 'htu'],
  // ath, jti
  ['DP-06 without ath', { payload: { ath: undefined } }, 'ath'],
  ['DP-06 with ath of another token', { payload: { ath: hash('sha256', 'other', 'base64url') } }, 'ath'],
  ['DP-06 with ath in hex', { payload: { ath: hash('sha256', 'other', 'hex') } }, 'ath'],
  ['DP-01 without jti', { payload: { jti: undefined } }, 'jti'],
  ['DP-01 with an empty jti', { payload: { jti: '' } }, 'jti'],
  ['DP-01 with a jti that is no text', { payload: { jti: 1 } }, 'jti'],
  ['DP-01 with a very long jti', { payload: { jti: 'j'.repeat(257) } }, 'jti'],
  // iat
  ['DP-04 without iat', { payload: { iat: undefined } }, 'iat'],
  ['DP-04 with iat as a text', { payload: { iat: String(NOW_S) } }, 'iat'],
  ['DP-04 of 61 s ago', { payload: { iat: NOW_S - 61 } }, 'nonce'],
  ['DP-04 of 11 s ahead', { payload: { iat: NOW_S + 11 } }, 'nonce'],
  ['DP-04 with iat in milliseconds', { payload: { iat: NOW_MS } }, 'nonce'],
  ['DP-04 with iat negative', { payload: { iat: -1 } }, 'nonce'],
  ['DP-04 DP-10 with a nonce of nobody', { payload: { nonce: 'AAAAAAAAAAAAAAAAAAAAAA' } }, 'nonce'],
  ['DP-04 DP-10 with a nonce that is no text', { payload: { nonce: 1 } }, 'nonce'],
  ['DP-04 DP-10 with a nonce null', { payload: { nonce: null } }, 'nonce'],
  ['DP-04 DP-10 with an empty nonce', { payload: { nonce: '' } }, 'nonce'],
] as const) {
  test(`${name}: denied, and good without that`, async () => {
    const { send, proof } = setUp();
    assert.equal(await send(proof(change)), wrong(why));
    assert.equal(await send(proof()), 'ok');
  });
}

test('DP-01 denies no proof, two in one header, one that is no JWT, and one that is very long', async () => {
  const { send, proof } = setUp();
  assert.equal(await send(undefined), wrong('missing'));
  // Node joins two headers of one name by a comma; the head refuses them before.
  for (const text of ['', 'x', `${proof()}, ${proof()}`, `${proof()} ${proof()}`, `${proof()}.AAAA.AAAA`]) {
    assert.equal(await send(text), wrong('no compact JWS'), text.slice(0, 20));
  }
  assert.equal(await send(proof({ payload: { pad: 'x'.repeat(3_000) } })), wrong('no compact JWS'));
});

test('DP-01 denies a proof whose signature is another\u2019s, missing, or in DER', async () => {
  const { send, proof } = setUp();
  const [head, body, tail] = proof().split('.');
  const other = proof().split('.')[2];
  for (const signature of [other, '', tail?.slice(0, 40)]) {
    assert.equal(await send(`${head}.${body}.${signature}`), wrong('signature'));
  }
});

test('DP-07 denies a good proof by another key than the token is bound to', async () => {
  const { send, proof } = setUp();
  assert.equal(await send(proof({}, testKey('ES256'))), wrong('another key'));
  assert.equal(await send(proof({}, testKey('EdDSA'))), wrong('another key'));
  // The header shows the right key, and another has signed.
  const { kid: _, use: __, ...jwk } = HOLDER.jwk;
  assert.equal(await send(proof({ header: { jwk } }, testKey('ES256'))), wrong('signature'));
});

test('DP-03 htu counts after normalisation: the host in any case, the usual port, a query, a fragment, dots', async () => {
  for (const htu of [
    ADDRESS.replace('llm.example.org', 'LLM.Example.ORG'),
    ADDRESS.replace('https', 'HTTPS'),
    ADDRESS.replace('.org', '.org:443'),
    `${ADDRESS}?beta=true`,
    `${ADDRESS}#a`,
    ADDRESS.replace('/chat/', '/x/../chat/./'),
  ]) {
    const { send, proof } = setUp();
    assert.equal(await send(proof({ payload: { htu } })), 'ok', htu);
  }
});

test('DP-03 what counts is the path and method of this request', async () => {
  const { send, proof } = setUp();
  assert.equal(await send(proof(), { path: '/v1/completions' }), wrong('htu'));
  assert.equal(await send(proof(), { method: 'GET' }), wrong('htm'));
});

test('DP-04 a proof is good from 10 s ahead of our clock to 60 s behind it', async () => {
  for (const iat of [NOW_S - 60, NOW_S + 10]) {
    const { send, proof } = setUp();
    assert.equal(await send(proof({ payload: { iat } })), 'ok', String(iat));
  }
});

test('DP-05 a proof is good once, also after it was refused for its age, and a new jti is another proof', async () => {
  const { send, proof, clock } = setUp();
  const one = proof();
  assert.equal(await send(one), 'ok');
  for (const _ of [1, 2]) assert.equal(await send(one), wrong('replay'));
  clock.advance(60_000);
  assert.equal(await send(one), wrong('replay'));
  clock.advance(1_000);
  assert.equal(await send(one), wrong('nonce'));
  assert.equal(await send(proof()), 'ok');
});

test('DP-05 what was refused is not used up: a wrong proof does not take the jti of the right one', async () => {
  const { send, proof } = setUp();
  const jti = randomUUID();
  for (const change of [{ htm: 'GET' }, { ath: 'x' }, { iat: NOW_S - 3_600 }]) {
    await send(proof({ payload: { jti, ...change } }));
  }
  const [head, body] = proof({ payload: { jti } }).split('.');
  await send(`${head}.${body}.${proof().split('.')[2]}`);
  assert.equal(await send(proof({ payload: { jti } })), 'ok');
});

test('DP-05 of two keys the same jti is two: nobody uses up what another will send', async () => {
  const replays = createReplaySet(createReplayMemory(256, 's'));
  const [one, two] = [setUp(HOLDER, { replays }), setUp(testKey('ES256'), { replays })];
  const same = { payload: { jti: 'the-same' } };
  assert.equal(await one.send(one.proof(same)), 'ok');
  assert.equal(await two.send(two.proof(same)), 'ok');
  assert.equal(await two.send(two.proof(same)), wrong('replay'));
});

test('DP-04 DP-10 a nonce that was given makes the time count no more, for two minutes at most', async () => {
  const { send, proof, clock, found, bound } = setUp();
  const late = { iat: NOW_S - 3_600 };
  const nonceNow = async (): Promise<string> => {
    const answer = await found(bound, { scheme: 'dpop', proof: proof({ payload: late }) });
    return nonceOf(answer);
  };
  const nonce = await nonceNow();
  assert.match(nonce, /^[\w-]{22}$/);
  assert.equal(await nonceNow(), nonce);
  const one = proof({ payload: { ...late, nonce } });
  assert.equal(await send(one), 'ok');
  clock.advance(60_000);
  assert.notEqual(await nonceNow(), nonce);
  assert.equal(await send(proof({ payload: { ...late, nonce } })), 'ok');
  // The bench starts 20 s into a slot, so the nonce is over after 100 s; as long as it is good a proof is remembered.
  clock.advance(39_000);
  assert.equal(await send(one), wrong('replay'));
  clock.advance(1_000);
  assert.equal(await send(one), wrong('nonce'));
  assert.equal(await send(proof({ payload: { ...late, nonce } })), wrong('nonce'));
});

test('DP-05 whatever the moment in its slot, a proof with a nonce is remembered until the nonce is over', async () => {
  for (const offsetMs of [0, 1, 500, 30_000, 59_000, 59_999]) {
    const { proof, send, clock, found, bound } = setUp();
    clock.advance(60_000 - (NOW_MS % 60_000) + offsetMs);
    const answer = await found(bound, { scheme: 'dpop', proof: proof({ payload: { iat: 1 } }) });
    const one = proof({ payload: { iat: 1, nonce: nonceOf(answer) } });
    assert.equal(await send(one), 'ok');
    for (let step = 0; step < 130; step++) {
      clock.advance(1_000);
      assert.notEqual(await send(one), 'ok', `${offsetMs} ms, ${step} s`);
    }
  }
});

test('DP-10 nonces of another gateway are foreign', async () => {
  const { found, bound, proof } = setUp();
  const { clock, shown } = setUp();
  const judge = createProofJudge({
    publicUrl: AUDIENCE,
    nonceKey: Buffer.from('another key'),
    replays: { add: () => true },
    clock,
  });
  const late = proof({ payload: { iat: 1 } });
  const [ours, theirs] = [
    await found(bound, { scheme: 'dpop', proof: late }),
    judge(thumbprintOf(HOLDER.jwk as JsonObject) ?? '', shown(bound, { scheme: 'dpop', proof: late })),
  ];
  assert.notEqual(nonceOf(ours), nonceOf(theirs));
});

test('DP-08 a bound token as Bearer, an unbound one under DPoP, a bound one where DPoP is off: denied', async () => {
  const { outcome, bound, proof, token } = setUp();
  assert.equal(await outcome(bound, { proof: proof() }), 'invalid_credential: bound token sent as Bearer');
  const bare = token();
  const own = proofFor(HOLDER, { method: 'POST', url: ADDRESS, token: bare, nowMs: NOW_MS });
  assert.equal(await outcome(bare, { scheme: 'dpop', proof: own }), 'invalid_credential: not bound to a key');
  const off = setUp(HOLDER, { rules: { dpop: 'off' } });
  assert.equal(await off.send(off.proof()), 'invalid_credential: DPoP is off');
  assert.equal(await off.outcome(off.bound), 'invalid_credential: DPoP is off');
  const must = setUp(HOLDER, { rules: { dpop: 'required' } });
  assert.equal(await must.outcome(must.token()), 'invalid_credential: not bound to a key');
  assert.equal(await must.send(must.proof()), 'ok');
});

test('DP-13 where a proof cannot be remembered it is denied', async () => {
  const full = setUp(HOLDER, { replays: { add: () => false } });
  assert.equal(await full.send(full.proof()), wrong('replay'));
  const broken = setUp(HOLDER, {
    replays: {
      add() {
        throw new Error('the store is gone');
      },
    },
  });
  await assert.rejects(broken.send(broken.proof()), /the store is gone/);
});

test('a proof is not an access token, and an access token no proof', async () => {
  const { outcome, proof, send, bound } = setUp();
  assert.equal(await outcome(proof()), 'invalid_credential: issuer');
  assert.equal(await send(bound), wrong('typ'));
  const both = signed({ typ: 'dpop+jwt', alg: 'ES256', kid: 'key-1' }, { iss: 'https://issuer.example.org' }, HOLDER);
  assert.equal(await outcome(both), 'invalid_credential: typ');
});

test('DP-03 the Host header is not asked: what callers know as our address is what was configured', async () => {
  const { send, proof } = setUp();
  const mine = ADDRESS.replace('llm.example.org', 'attacker.example');
  assert.equal(await send(proof({ payload: { htu: mine } }), { path: '/v1/chat/completions' }), wrong('htu'));
});
