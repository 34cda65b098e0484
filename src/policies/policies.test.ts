import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { alice } from '../../test/support/exchange.ts';
import type { Conditions, PolicyRecord, PolicyTarget } from '../directory/records.ts';
import type { Principal, TokenFacts } from '../kernel/exchange.ts';
import type { Situation } from './condition.ts';
import { conditionKinds } from './conditions/index.ts';
import { createPolicies } from './policies.ts';

const NOW = Date.parse('2030-01-02T10:00:00Z');
const TOKEN: TokenFacts = {
  issuer: 'https://issuer.example.org',
  subject: 'ada',
  clientId: 'app',
  tokenHash: 'x',
  issuedAtMs: NOW - 60_000,
  expiresAtMs: NOW + 60_000,
  binding: 'none',
  acr: 'urn:sallyport:acr:password',
  amr: [],
  authenticatedAtMs: NOW - 600_000,
  grantId: undefined,
  sessionId: undefined,
};
const withToken = (facts: Partial<TokenFacts> = {}): Principal => ({
  ...alice,
  keyId: undefined,
  token: { ...TOKEN, ...facts },
});
const ABOUT_ALL: PolicyTarget = {
  tenants: [],
  groups: [],
  roles: [],
  keys: [],
  users: [],
  issuers: [],
  scopes: [],
  models: [],
};

function policy(effect: 'require' | 'deny', conditions: Conditions, target: Partial<PolicyTarget> = {}, id = 'p') {
  const record: PolicyRecord = {
    id,
    effect,
    conditions,
    target: { ...ABOUT_ALL, ...target },
    createdAtMs: 0,
    state: 'active',
    version: 1,
  };
  return record;
}

const situation = (more: Partial<Situation> = {}): Situation => ({
  principal: alice,
  address: '192.0.2.1',
  scope: 'inference:chat',
  model: 'm',
  nowMs: NOW,
  ...more,
});
const judge = (policies: readonly PolicyRecord[], more: Partial<Situation> = {}) =>
  createPolicies(policies).judge(situation(more));

/** Each condition with what meets it, what does not, and a credential that does not say. */
const CASES: readonly {
  readonly conditions: Conditions;
  readonly holds: Partial<Situation>;
  readonly fails: Partial<Situation>;
  readonly unsaid?: Partial<Situation>;
}[] = [
  { conditions: { time: ['09:00-11:00'] }, holds: {}, fails: { nowMs: NOW + 3_600_000 } },
  { conditions: { addresses: ['192.0.2.0/24'] }, holds: {}, fails: { address: '198.51.100.1' } },
  {
    conditions: { tokenAge: '1m' },
    holds: { principal: withToken() },
    fails: { principal: withToken({ issuedAtMs: NOW - 60_001 }) },
    unsaid: { principal: withToken({ issuedAtMs: undefined }) },
  },
  {
    conditions: { acr: ['urn:sallyport:acr:mfa', 'urn:sallyport:acr:password'] },
    holds: { principal: withToken() },
    fails: { principal: withToken({ acr: '0' }) },
    unsaid: { principal: withToken({ acr: undefined }) },
  },
  {
    conditions: { authenticationAge: '10m' },
    holds: { principal: withToken() },
    fails: { principal: withToken({ authenticatedAtMs: NOW - 600_001 }) },
    unsaid: { principal: withToken({ authenticatedAtMs: undefined }) },
  },
  {
    conditions: { clients: ['app'] },
    holds: { principal: withToken() },
    fails: { principal: withToken({ clientId: 'other' }) },
    unsaid: { principal: withToken({ clientId: undefined }) },
  },
  {
    conditions: { binding: ['dpop', 'mtls'] },
    holds: { principal: withToken({ binding: 'mtls' }) },
    fails: { principal: withToken() },
  },
];

test('every kind of condition has its case', () => {
  assert.deepEqual(
    CASES.flatMap(({ conditions }) => Object.keys(conditions)).sort(),
    Object.keys(conditionKinds).sort(),
  );
});

for (const { conditions, holds, fails, unsaid } of CASES) {
  const [name = ''] = Object.keys(conditions);
  test(`${name}: require lets in what meets it alone, deny the other way round; what is not said counts against the caller`, () => {
    assert.equal(judge([policy('require', conditions)], holds), undefined);
    assert.notEqual(judge([policy('require', conditions)], fails), undefined);
    assert.equal(judge([policy('deny', conditions)], holds)?.code, 'condition_failed');
    assert.equal(judge([policy('deny', conditions)], fails), undefined);
    if (unsaid === undefined) return;
    assert.notEqual(judge([policy('require', conditions)], unsaid), undefined);
    assert.equal(judge([policy('deny', conditions)], unsaid)?.code, 'condition_failed');
  });
}

test('an API key meets no condition about tokens, and no denial of tokens is about it', () => {
  for (const conditions of CASES.map((one) => one.conditions)) {
    const [name = ''] = Object.keys(conditions);
    if (['time', 'addresses', 'binding'].includes(name)) continue;
    assert.equal(judge([policy('require', conditions)])?.code, 'condition_failed', name);
    assert.equal(judge([policy('deny', conditions)]), undefined, name);
  }
});

test('all conditions of a policy, and all policies that require, must hold', () => {
  const met = { addresses: ['192.0.2.1'] };
  const unmet = { time: ['11:00-12:00'] };
  assert.equal(judge([policy('require', met)]), undefined);
  assert.match(judge([policy('require', { ...met, ...unmet })])?.message ?? '', /policy p .*11:00-12:00/);
  assert.match(judge([policy('require', met), policy('require', unmet, {}, 'q')])?.message ?? '', /policy q /);
  assert.equal(judge([policy('deny', { ...met, ...unmet })]), undefined);
});

test('deny wins over what is met, and over the hint to sign in anew', () => {
  const strong = policy('require', { acr: ['urn:sallyport:acr:mfa'] }, {}, 'strong');
  const closed = policy('deny', { addresses: ['192.0.2.0/24'] }, {}, 'closed');
  const denial = judge([strong, closed], { principal: withToken() });
  assert.deepEqual([denial?.code, denial?.why], ['condition_failed', 'closed']);
});

test('a policy is about what all its lists match, each by one item', () => {
  const shut = (target: Partial<PolicyTarget>, more: Partial<Situation> = {}) =>
    judge([policy('deny', {}, target)], more) !== undefined;
  const member = { ...alice, groups: ['staff', 'ml'], roles: ['r'], owner: 'u_1', tenant: 'acme' };
  const asked = { principal: member };
  for (const target of [
    { tenants: ['acme'] },
    { groups: ['ml', 'other'] },
    { roles: ['r'] },
    { keys: ['Alice0'] },
    { users: ['u_1'] },
    { scopes: ['inference:chat'] },
    { models: ['m'] },
  ] as const) {
    assert.equal(shut(target, asked), true, JSON.stringify(target));
    const [name = ''] = Object.keys(target);
    assert.equal(shut({ [name]: ['nothing'] }, asked), false, name);
    assert.equal(shut({ ...target, tenants: ['elsewhere'] }, asked), false, name);
  }
  assert.equal(shut({ issuers: [TOKEN.issuer] }, { principal: withToken() }), true);
  assert.equal(shut({ issuers: [TOKEN.issuer] }), false);
  assert.equal(shut({ users: ['ada'] }, { principal: withToken() }), true);
  assert.equal(shut({ models: ['m'] }, { model: undefined }), false, 'about a model that is not named yet');
});

test('SU-01 a sign-in that is too weak or too old is said, with what is wanted', () => {
  const both = policy('require', { acr: ['urn:sallyport:acr:mfa'], authenticationAge: '5m' });
  const denial = judge([both, policy('require', { authenticationAge: '2m' }, {}, 'q')], { principal: withToken() });
  assert.equal(denial?.code, 'insufficient_user_authentication');
  assert.deepEqual(denial.stepUp, { acrValues: ['urn:sallyport:acr:mfa'], maxAgeS: 120 });
  const onlyOld = judge([policy('require', { authenticationAge: '5m' })], { principal: withToken() });
  assert.deepEqual(onlyOld?.stepUp, { acrValues: [], maxAgeS: 300 });
});

test('SU-01 a new sign-in is not asked for where it would not help', () => {
  const weak = policy('require', { acr: ['urn:sallyport:acr:mfa'] });
  const elsewhere = policy('require', { addresses: ['10.0.0.0/8'] }, {}, 'net');
  const denial = judge([weak, elsewhere], { principal: withToken() });
  assert.deepEqual([denial?.code, denial?.why, denial?.stepUp], ['condition_failed', 'net', undefined]);
  assert.equal(judge([weak])?.code, 'condition_failed', 'an API key has nobody who could sign in');
});

test('a change counts at once, and a deleted policy no more', () => {
  const policies = createPolicies([]);
  const record = policy('deny', {}, { models: ['m'] });
  policies.apply([{ kind: 'policy', record, expectedVersion: 0 }]);
  assert.equal(policies.judge(situation())?.code, 'condition_failed');
  policies.apply([{ kind: 'policy', record: { ...record, state: 'deleted', version: 2 }, expectedVersion: 1 }]);
  assert.equal(policies.judge(situation()), undefined);
});

test('no set of policies that require lets in what one of them does not, nor any set with one that denies', () => {
  const one = fc.record({
    effect: fc.constantFrom('require' as const, 'deny' as const),
    conditions: fc.constantFrom(...CASES.map(({ conditions }) => conditions)),
    target: fc.constantFrom<Partial<PolicyTarget>>({}, { models: ['m'] }, { tenants: ['elsewhere'] }),
  });
  const asked = fc.constantFrom(...CASES.flatMap(({ holds, fails, unsaid = {} }) => [holds, fails, unsaid]));
  fc.assert(
    fc.property(fc.array(one, { maxLength: 6 }), asked, (all, more) => {
      const records = all.map(({ effect, conditions, target }, i) => policy(effect, conditions, target, `p${i}`));
      const alone = records.some((record) => judge([record], more) !== undefined);
      assert.equal(judge(records, more) !== undefined, alone);
    }),
  );
});
