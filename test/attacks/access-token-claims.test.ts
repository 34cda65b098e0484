import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultTenant } from '../../src/directory/issue.ts';
import type { GroupRecord } from '../../src/directory/records.ts';
import { AUDIENCE, BENCH_KEY, claimsOf, ISSUER, NOW_S, tokenBench } from '../support/token-bench.ts';
import { signed } from '../support/issuer.ts';

/** What a well-signed token may and may not say: RFC 9068 §2.2 and §4, RFC 8725 §3.8 to 3.12. */
const INVALID = 'invalid_credential';

for (const [name, claims, expected] of [
  // exp
  ['JW-10 no exp', { exp: undefined }, `${INVALID}: exp`],
  ['JW-10 exp as a text', { exp: String(NOW_S + 300) }, `${INVALID}: exp`],
  ['JW-10 exp null', { exp: null }, `${INVALID}: exp`],
  ['JW-10 exp in a list', { exp: [NOW_S + 300] }, `${INVALID}: exp`],
  ['JW-10 exp negative', { exp: -1 }, `${INVALID}: exp`],
  ['JW-10 exp in milliseconds, which would be in 50,000 years', { exp: (NOW_S + 300) * 1000 }, `${INVALID}: exp`],
  ['JW-10 exp as large as a number can be', { exp: 1e300 }, `${INVALID}: exp`],
  ['JW-10 exp true', { exp: true }, `${INVALID}: exp`],
  ['JW-10 exp zero', { exp: 0 }, 'expired_credential'],
  ['JW-10 exp at the end of the tolerance', { exp: NOW_S - 5 }, 'expired_credential'],
  ['JW-10 exp 1 s inside the tolerance', { exp: NOW_S - 4 }, 'ok'],
  ['JW-10 exp with a fraction', { exp: NOW_S + 0.5 }, 'ok'],
  ['JW-10 a token that is expired and wrong besides is not called expired', { exp: 1, aud: 'x' }, `${INVALID}: aud`],
  // iat, nbf
  ['JW-11 iat beyond the tolerance', { iat: NOW_S + 6 }, `${INVALID}: iat in the future`],
  ['JW-11 iat at the end of the tolerance', { iat: NOW_S + 5 }, 'ok'],
  ['JW-11 iat as a text', { iat: String(NOW_S) }, `${INVALID}: iat`],
  ['JW-11 iat negative', { iat: -1 }, `${INVALID}: iat`],
  ['JW-11 nbf beyond the tolerance', { nbf: NOW_S + 6 }, `${INVALID}: nbf in the future`],
  ['JW-11 nbf at the end of the tolerance', { nbf: NOW_S + 5 }, 'ok'],
  ['JW-11 nbf as a text', { nbf: '0' }, `${INVALID}: nbf`],
  ['JW-11 nbf null', { nbf: null }, `${INVALID}: nbf`],
  // aud
  ['JW-09 no aud', { aud: undefined }, `${INVALID}: aud`],
  ['JW-09 aud null', { aud: null }, `${INVALID}: aud`],
  ['JW-09 aud empty', { aud: '' }, `${INVALID}: aud`],
  ['JW-09 aud an empty list', { aud: [] }, `${INVALID}: aud`],
  ['JW-09 aud of another API', { aud: 'https://other.example.org' }, `${INVALID}: aud`],
  ['JW-09 aud that ours begins', { aud: `${AUDIENCE}/v1` }, `${INVALID}: aud`],
  ['JW-09 aud that begins ours', { aud: 'https://llm.example' }, `${INVALID}: aud`],
  ['JW-09 aud with a slash more', { aud: `${AUDIENCE}/` }, `${INVALID}: aud`],
  ['JW-09 aud in capitals', { aud: AUDIENCE.toUpperCase() }, `${INVALID}: aud`],
  ['JW-09 aud a text with ours among others', { aud: `x ${AUDIENCE}` }, `${INVALID}: aud`],
  ['JW-09 aud nested', { aud: [[AUDIENCE]] }, `${INVALID}: aud`],
  ['JW-09 aud an object', { aud: { 0: AUDIENCE } }, `${INVALID}: aud`],
  ['JW-09 aud a list of others', { aud: ['a', 'b'] }, `${INVALID}: aud`],
  ['JW-09 aud a list with ours', { aud: ['a', AUDIENCE] }, 'ok'],
  // sub and names
  ['JW-12 no sub', { sub: undefined }, `${INVALID}: sub`],
  ['JW-12 sub empty', { sub: '' }, `${INVALID}: sub`],
  ['JW-12 sub a number', { sub: 1 }, `${INVALID}: sub`],
  ['JW-12 sub null', { sub: null }, `${INVALID}: sub`],
  ['JW-12 sub with a line break, for a log', { sub: 'a\nb' }, `${INVALID}: sub`],
  ['JW-12 sub with a mark that turns text around', { sub: 'a\u202eb' }, `${INVALID}: sub`],
  ['JW-12 sub of 256 characters', { sub: 'a'.repeat(256) }, 'ok'],
  ['JW-12 sub of 257 characters', { sub: 'a'.repeat(257) }, `${INVALID}: sub`],
  ['JW-12 jti a number', { jti: 1 }, `${INVALID}: jti`],
  ['JW-12 jti empty', { jti: '' }, `${INVALID}: jti`],
  ['JW-12 no jti, no iat, no client_id', { jti: undefined, iat: undefined, client_id: undefined }, 'ok'],
  // other kinds
  ['JW-07 an ID token by its nonce', { nonce: 'a' }, `${INVALID}: an ID token`],
  ['JW-07 an ID token by its at_hash', { at_hash: 'a' }, `${INVALID}: an ID token`],
  ['JW-07 an ID token by its c_hash', { c_hash: 'a' }, `${INVALID}: an ID token`],
  [
    'JW-07 a logout token',
    { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
    `${INVALID}: a logout or security event token`,
  ],
  ['JW-07 an ID token by the claim typ', { typ: 'ID' }, `${INVALID}: typ claim`],
  ['JW-07 a refresh token by the claim typ', { typ: 'Refresh' }, `${INVALID}: typ claim`],
  ['JW-07 an offline token by the claim typ', { typ: 'Offline' }, `${INVALID}: typ claim`],
  ['JW-07 a claim typ that is no text', { typ: 1 }, `${INVALID}: typ claim`],
  ['JW-07 the claim typ of an access token', { typ: 'Bearer' }, 'ok'],
  // cnf
  ['cnf of a kind that we do not know', { cnf: { jwk: {} } }, `${INVALID}: cnf`],
  [
    'cnf of a known kind and one that we do not know',
    { cnf: { 'x5t#S256': 'A'.repeat(43), kid: 'a' } },
    `${INVALID}: cnf`,
  ],
  ['cnf empty', { cnf: {} }, `${INVALID}: cnf`],
  ['cnf null', { cnf: null }, `${INVALID}: cnf`],
  ['cnf a text', { cnf: 'a' }, `${INVALID}: cnf`],
  ['cnf a list', { cnf: [] }, `${INVALID}: cnf`],
  ['cnf with a thumbprint that is none', { cnf: { jkt: 'a' } }, `${INVALID}: cnf`],
  ['cnf with a thumbprint null', { cnf: { jkt: null } }, `${INVALID}: cnf`],
  // tenant
  ['tenant with a control character', { tenant: 'a\u0001' }, `${INVALID}: tenant`],
  ['tenant with a line break', { tenant: 'a\r\nb' }, `${INVALID}: tenant`],
  ['tenant empty', { tenant: '' }, `${INVALID}: tenant`],
  ['tenant a number', { tenant: 1 }, `${INVALID}: tenant`],
  ['tenant a list', { tenant: ['a'] }, `${INVALID}: tenant`],
  ['tenant null, which is not the default one', { tenant: null }, `${INVALID}: tenant`],
  ['tenant that nobody has made', { tenant: 'nobody' }, 'ok'],
  // models
  ['models a number', { models: 1 }, `${INVALID}: models`],
  ['models null', { models: null }, `${INVALID}: models`],
  ['models an object', { models: { tiny: true } }, `${INVALID}: models`],
  ['models with one that is no text', { models: ['tiny', 1] }, `${INVALID}: models`],
  ['models with an empty one', { models: [''] }, `${INVALID}: models`],
  ['models more than a token has', { models: Array.from({ length: 257 }, (_, i) => `m${i}`) }, `${INVALID}: models`],
] as const) {
  test(`${name}: ${expected === 'ok' ? 'accepted' : `denied, ${expected}`}`, async () => {
    const it = tokenBench();
    assert.equal(await it.outcome(it.token(claims)), expected);
  });
}

test('JW-10 JW-11 a tolerance is what the operator says, and ends after a minute whatever they say', async () => {
  const none = tokenBench({ rules: { clockToleranceMs: 0 } });
  assert.equal(await none.outcome(none.token({ exp: NOW_S })), 'expired_credential');
  assert.equal(await none.outcome(none.token({ iat: NOW_S + 1 })), `${INVALID}: iat in the future`);
  const wide = tokenBench({ rules: { clockToleranceMs: 600_000 } });
  assert.equal(await wide.outcome(wide.token({ nbf: NOW_S + 60 })), 'ok');
  assert.equal(await wide.outcome(wide.token({ nbf: NOW_S + 61, jti: 'b' })), `${INVALID}: nbf in the future`);
});

test('models: a list, words of a text, an empty list for none, the default where there is no claim', async () => {
  const it = tokenBench({ rules: { defaultModels: ['base'] } });
  const models = async (value: unknown) => [...(await it.principal(it.token({ models: value }))).models];
  assert.deepEqual(await models(['a', 'b']), ['a', 'b']);
  assert.deepEqual(await models('a  b '), ['a', 'b']);
  assert.deepEqual(await models([]), []);
  assert.deepEqual(await models(''), []);
  assert.deepEqual(await models(undefined), ['base']);
});

test('JW-18 unknown scopes are left out, whatever their form; none is no reason to refuse', async () => {
  const it = tokenBench();
  const scopes = async (scope: unknown) => [...(await it.principal(it.token({ scope }))).scopes];
  assert.deepEqual(await scopes('inference:chat openid profile'), ['inference:chat']);
  assert.deepEqual(await scopes(['inference:chat', 'models:read', 'x']), ['inference:chat', 'models:read']);
  for (const none of [
    '',
    'inference:chatx',
    'INFERENCE:CHAT',
    'inference:*',
    '*',
    undefined,
    null,
    1,
    {},
    ['inference:chat', 1],
  ]) {
    assert.deepEqual(await scopes(none), [], JSON.stringify(none));
  }
  assert.deepEqual(await scopes('inference:chat\tadmin:write'), []);
});

test('JW-12 a groups claim that cannot be read, or lies elsewhere, is no way out of the policies about its groups', async () => {
  const it = tokenBench({ rules: { groupsClaim: 'groups' } });
  const many = Array.from({ length: 257 }, (_, i) => `g${i}`);
  for (const groups of [many, ['staff', 'a\u200db'], ['staff', 1], ['staff', ''], { 0: 'staff' }, 1, null]) {
    assert.equal(await it.outcome(it.token({ groups })), `${INVALID}: groups`, JSON.stringify(groups));
  }
  const elsewhere = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://a.example' } } };
  assert.equal(await it.outcome(it.token(elsewhere)), `${INVALID}: groups`);
  for (const good of [{}, { groups: [] }, { groups: 'a b' }, { _claim_names: { other: 'src1' } }])
    assert.equal(await it.outcome(it.token(good)), 'ok');
  const deaf = tokenBench();
  assert.equal(await deaf.outcome(deaf.token({ ...elsewhere, groups: many })), 'ok');
});

test('JW-18 a scope claim that cannot be read gives nothing, not what the groups have', async () => {
  const staff: GroupRecord = {
    ...{ id: 'staff', tenant: undefined, roles: [], scopes: ['admin:write'], models: [], grants: [] },
    ...{ limits: {}, pool: {} },
    ...{ createdAtMs: 0, state: 'active', version: 1 },
  };
  const it = tokenBench({ rules: { groupsClaim: 'groups' }, groups: [staff] });
  const scopes = async (scope: unknown) => [
    ...(await it.principal(it.token({ scope, models: [], groups: ['staff'] }))).scopes,
  ];
  assert.deepEqual(await scopes('openid'), ['admin:write']);
  for (const unreadable of [['models:read', ''], ['models:read', 1], {}, 1, null, Array(257).fill('models:read')])
    assert.deepEqual(await scopes(unreadable), [], JSON.stringify(unreadable));
});

test('claims by other names, and by paths to them', async () => {
  const it = tokenBench({
    rules: { scopeClaim: 'realm_access.roles', modelsClaim: 'https://example.org/models', tenantClaim: 'org.name' },
  });
  const found = await it.principal(
    it.token({
      realm_access: { roles: ['models:read', 'offline_access'] },
      'https://example.org/models': ['m'],
      org: { name: 'acme' },
    }),
  );
  assert.deepEqual([[...found.scopes], [...found.models], found.tenant], [['models:read'], ['m'], 'acme']);
  const flat = await it.principal(it.token({ jti: 'b', 'org.name': 'flat', org: { name: 'acme' }, realm_access: [] }));
  assert.deepEqual([flat.tenant, [...flat.scopes]], ['flat', []]);
  for (const path of ['__proto__.name', 'constructor.name', 'org.__proto__']) {
    const odd = tokenBench({ rules: { tenantClaim: path } });
    assert.equal((await odd.principal(odd.token({ org: {} }))).tenant, 'default', path);
  }
});

for (const [name, limits, expected] of [
  ['two of them', { rpm: 5, concurrency: 2 }, [5, undefined, 2, undefined]],
  ['all', { rpm: 5, tpm: 6, concurrency: 2, budgetTokens: '9/day' }, [5, 6, 2, { tokens: 9, per: 'day' }]],
  ['none of it', { rpm: 'none', budgetTokens: 'none' }, ['none', undefined, undefined, 'none']],
  ['nothing said', {}, [undefined, undefined, undefined, undefined]],
  ['no claim', undefined, [undefined, undefined, undefined, undefined]],
  ['a budget of nothing', { budgetTokens: '0/day' }, undefined],
  ['a budget for no time', { budgetTokens: '5' }, undefined],
  ['a budget that is a number', { budgetTokens: 5 }, undefined],
  ['tokens as a text', { tpm: '5' }, undefined],
  ['zero', { rpm: 0 }, undefined],
  ['negative', { concurrency: -1 }, undefined],
  ['a fraction', { rpm: 1.5 }, undefined],
  ['a text', { rpm: '5' }, undefined],
  ['null', { rpm: null }, undefined],
  ['no object', 5, undefined],
  ['a list', [5], undefined],
  ['null itself', null, undefined],
] as const) {
  test(`limits of a token, ${name}: ${expected === undefined ? 'denied, never read as none' : 'taken'}`, async () => {
    const it = tokenBench({ rules: { limitsClaim: 'limits' } });
    const token = it.token({ limits });
    if (expected === undefined) return assert.equal(await it.outcome(token), `${INVALID}: limits`);
    const { requestsPerMinute, tokensPerMinute, concurrency, budget } = (await it.principal(token)).limits;
    assert.deepEqual([requestsPerMinute, tokensPerMinute, concurrency, budget], expected);
  });
}

test('JW-09 an audience of several is any of them, and the address of the gateway counts only where it is one', async () => {
  const it = tokenBench({ rules: { audiences: ['gateway', 'api://llm'] } });
  for (const aud of ['gateway', 'api://llm', ['x', 'api://llm']])
    assert.equal(await it.outcome(it.token({ aud })), 'ok');
  assert.equal(await it.outcome(it.token()), `${INVALID}: aud`);
});

test('JW-20 what stands for a token in records is neither the token nor its jti', async () => {
  const it = tokenBench();
  const token = it.token({ jti: 'the-very-id' });
  const { token: facts } = await it.principal(token);
  const text = JSON.stringify(facts);
  assert.ok(!text.includes('the-very-id') && !text.includes(token.slice(0, 40)) && !text.includes(token.slice(-40)));
  assert.match(facts?.tokenHash ?? '', /^[\w-]{22}$/);
  const again = await it.principal(it.token({ jti: 'the-very-id', scope: '' }));
  assert.equal(again.token?.tokenHash, facts?.tokenHash);
  const nameless = await Promise.all(['a', 'b'].map(async (sub) => it.principal(it.token({ jti: undefined, sub }))));
  assert.notEqual(nameless[0]?.token?.tokenHash, nameless[1]?.token?.tokenHash);
});

test('a tenant that is known takes from a token the models that it does not have', async () => {
  const it = tokenBench({ tenant: () => ({ ...defaultTenant(0), models: ['a', 'b'] }) });
  assert.deepEqual([...(await it.principal(it.token({ models: ['b', 'c'] }))).models], ['b']);
  assert.deepEqual([...(await it.principal(it.token({ models: ['*'] }))).models], ['a', 'b']);
});

test('every fault of a token reads the same to its sender', async () => {
  const it = tokenBench();
  const messages = new Set<string>();
  for (const token of [
    it.token({ aud: 'x' }),
    it.token({ iss: 'x' }),
    it.token({}, { kid: 'x' }),
    it.token({}, { typ: 'x' }),
    signed({ alg: 'none' }, claimsOf(), BENCH_KEY),
  ]) {
    const found = await it.found(token);
    assert.ok(found !== undefined && 'message' in found);
    messages.add(`${found.code} ${found.message}`);
    assert.ok(!found.message.includes(ISSUER));
  }
  assert.equal(messages.size, 1);
});
