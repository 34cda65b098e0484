import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIENCE, ISSUER, NOW_S, outcomeOf, RULES, tokenBench } from '../../../../test/support/token-bench.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import { markOf } from '../../../directory/revocations.ts';
import { createOpaqueTokenMethod } from './opaque-token.ts';

const TOKEN = 'opaque-token-0123456789';
const ACTIVE: JsonObject = {
  active: true,
  sub: 'user-1',
  aud: AUDIENCE,
  exp: NOW_S + 3_600,
  iat: NOW_S,
  jti: 'token-1',
  client_id: 'client-1',
  scope: 'inference:chat',
  models: ['tiny'],
};

/** The method before an issuer that gives one answer. */
function setUp(answer: JsonObject = ACTIVE, cacheForMs = 30_000) {
  const bench = tokenBench();
  const it = { answer, isDown: false, asked: 0, hold: undefined as Promise<void> | undefined };
  const method = createOpaqueTokenMethod({
    rules: RULES,
    cacheForMs,
    clock: bench.clock,
    judge: bench.judge,
    async introspect() {
      it.asked++;
      await it.hold;
      if (it.isDown) throw new Error('no answer');
      return it.answer;
    },
  });
  const outcome = async (token = TOKEN, change = {}) => outcomeOf(await method(bench.shown(token, change)));
  return { ...bench, it, outcome, method };
}

/** The usual answer with some of it changed; undefined leaves a member out. */
const active = (change: Record<string, unknown>): JsonObject =>
  Object.fromEntries(Object.entries({ ...ACTIVE, ...change }).filter(([, value]) => value !== undefined)) as JsonObject;

for (const [name, answer, expected] of [
  ['IN-05 active true', ACTIVE, 'ok'],
  ['IN-05 active false', { active: false }, 'invalid_credential: not active'],
  ['IN-05 active false with all else', active({ active: false }), 'invalid_credential: not active'],
  ['IN-05 active a text', active({ active: 'true' }), 'invalid_credential: not active'],
  ['IN-05 active a number', active({ active: 1 }), 'invalid_credential: not active'],
  ['IN-05 active a list', active({ active: [true] }), 'invalid_credential: not active'],
  ['IN-05 active an object', active({ active: {} }), 'invalid_credential: not active'],
  ['IN-05 no active', active({ active: undefined }), 'invalid_credential: not active'],
  ['IN-05 an empty answer', {}, 'invalid_credential: not active'],
  ['IN-05 the answer of another issuer', active({ iss: 'https://other.example.org' }), 'invalid_credential: issuer'],
  ['IN-05 its own iss', active({ iss: ISSUER }), 'ok'],
  ['IN-05 iss null', active({ iss: null }), 'invalid_credential: issuer'],
  ['IN-05 no audience', active({ aud: undefined }), 'invalid_credential: aud'],
  ['IN-05 a foreign audience', active({ aud: 'https://other.example.org' }), 'invalid_credential: aud'],
  ['IN-05 no exp', active({ exp: undefined }), 'invalid_credential: exp'],
  ['IN-05 an exp that is over', active({ exp: NOW_S - 10 }), 'expired_credential'],
  ['IN-05 no sub', active({ sub: undefined }), 'invalid_credential: sub'],
  ['IN-05 nbf ahead', active({ nbf: NOW_S + 60 }), 'invalid_credential: nbf in the future'],
  [
    'IN-05 a refresh token, which may be active as well',
    active({ token_type: 'refresh_token' }),
    'invalid_credential: token_type',
  ],
  ['IN-05 a token_type in a list', active({ token_type: ['Bearer'] }), 'invalid_credential: token_type'],
  ['IN-05 a refresh token by the claim typ', active({ typ: 'Refresh' }), 'invalid_credential: typ claim'],
  ['IN-05 the token_type Bearer', active({ token_type: 'Bearer' }), 'ok'],
  ['IN-05 a binding that we do not know', active({ cnf: { kid: 'a' } }), 'invalid_credential: cnf'],
  [
    'IN-05 a binding to a key, sent bare',
    active({ cnf: { jkt: 'A'.repeat(43) } }),
    'invalid_credential: bound token sent as Bearer',
  ],
  [
    'IN-05 a binding to a certificate',
    active({ cnf: { 'x5t#S256': 'A'.repeat(43) } }),
    'invalid_credential: certificate',
  ],
] as const) {
  test(`${name}: ${expected === 'ok' ? 'let in' : `denied, ${expected}`}, and the same from memory`, async () => {
    const { outcome, it } = setUp(answer);
    for (const _ of [1, 2]) assert.equal(await outcome(), expected);
    assert.equal(it.asked, 1);
  });
}

test('IN-05 the scopes and models are those of the answer', async () => {
  const { method, shown } = setUp(active({ scope: 'models:read x', models: 'a b' }));
  const found = await method(shown(TOKEN));
  assert.ok(found !== undefined && 'scopes' in found);
  assert.deepEqual([[...found.scopes], [...found.models]], [['models:read'], ['a', 'b']]);
});

test('IN-06 a good answer counts for the stated time, and not a millisecond longer', async () => {
  const { it, outcome, clock } = setUp();
  assert.equal(await outcome(), 'ok');
  clock.advance(29_999);
  assert.equal(await outcome(), 'ok');
  assert.equal(it.asked, 1);
  it.answer = { active: false };
  clock.advance(1);
  assert.equal(await outcome(), 'invalid_credential: not active');
  assert.equal(it.asked, 2);
});

test('IN-06 a good answer never counts beyond the end of its token, and its tolerance', async () => {
  const { it, outcome, clock } = setUp(active({ exp: NOW_S + 10 }));
  assert.equal(await outcome(), 'ok');
  clock.advance(14_999);
  assert.equal(await outcome(), 'ok');
  assert.equal(it.asked, 1);
  clock.advance(1);
  assert.equal(await outcome(), 'expired_credential');
  // It was asked anew: its issuer may have prolonged the token.
  assert.equal(it.asked, 2);
});

test('IN-06 a bad answer is remembered as long: the issuer is not asked for each try', async () => {
  const { it, outcome, clock } = setUp({ active: false });
  for (let i = 0; i < 10; i++) assert.equal(await outcome(), 'invalid_credential: not active');
  assert.equal(it.asked, 1);
  clock.advance(30_000);
  await outcome();
  assert.equal(it.asked, 2);
});

test('IN-06 with no time to remember every request is asked about', async () => {
  const { it, outcome } = setUp(ACTIVE, 0);
  assert.equal(await outcome(), 'ok');
  it.answer = { active: false };
  assert.equal(await outcome(), 'invalid_credential: not active');
  assert.equal(it.asked, 2);
});

test('IN-06 requests with one token at the same time are one question; of many tokens at once some are refused', async () => {
  const { it, outcome } = setUp();
  let go: () => void = () => undefined;
  it.hold = new Promise((resolve) => (go = resolve));
  const same = Array.from({ length: 5 }, () => outcome());
  const others = Array.from({ length: 70 }, (_, i) => outcome(`another-opaque-token-${i}`));
  go();
  assert.deepEqual(new Set(await Promise.all(same)), new Set(['ok']));
  const answers = await Promise.all(others);
  assert.equal(answers.filter((one) => one === 'ok').length, 63);
  assert.equal(answers.filter((one) => one === 'issuer_unreachable: too many questions').length, 7);
  assert.equal(it.asked, 64);
  assert.equal(await outcome('another-opaque-token-69'), 'ok');
});

test('IN-07 an issuer that cannot be asked is 503, and what it said before counts no longer than stated', async () => {
  const { it, outcome, clock } = setUp();
  assert.equal(await outcome(), 'ok');
  it.isDown = true;
  clock.advance(29_999);
  assert.equal(await outcome(), 'ok');
  clock.advance(1);
  for (const _ of [1, 2]) assert.equal(await outcome(), 'issuer_unreachable: introspection');
  it.isDown = false;
  assert.equal(await outcome(), 'ok');
});

test('JW-19 a known opaque token ends with a revocation here, whatever its issuer has said', async () => {
  const { outcome, revocations, clock } = setUp();
  assert.equal(await outcome(), 'ok');
  const id = markOf('subject', ISSUER, 'user-1');
  const record = { id, atMs: clock.nowMs(), isExact: true, untilMs: undefined, version: 1 };
  revocations.apply([{ kind: 'revocation', record, expectedVersion: 0 }]);
  assert.equal(await outcome(), 'revoked_credential');
});

test('what can be no token is not asked about', async () => {
  const { it, outcome } = setUp();
  for (const text of ['', 'short', 'a'.repeat(15), `${'a'.repeat(20)} b`, `${'a'.repeat(20)}\n`, 'a'.repeat(4_097)]) {
    assert.equal(await outcome(text), 'unknown', text.slice(0, 30));
  }
  assert.equal(it.asked, 0);
});

test('API keys and client secrets of ours are told to no issuer', async () => {
  const { it, outcome } = setUp();
  for (const own of ['sp_Ab12cd_00000000000000000000000000000000000000', `spcs_${'0'.repeat(43)}`])
    assert.equal(await outcome(own), 'unknown');
  assert.equal(it.asked, 0);
});
