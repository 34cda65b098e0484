import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownGroupsOf, providerClaimsOf } from './provider-claims.ts';

for (const [amr, acr, said] of [
  [['mfa'], 'mfa', ['mfa']],
  [['pwd', 'otp'], 'mfa', ['pwd', 'otp', 'mfa']],
  [['hwk', 'pin'], 'mfa', ['hwk', 'pin', 'mfa']],
  [['pwd'], 'password', ['pwd']],
  [['pwd', 'kba'], 'password', ['pwd', 'kba']],
  [['hwk'], 'password', ['hwk']],
  [['MFA', 'made-up', 7], 'password', ['pwd']],
  [undefined, 'password', ['pwd']],
  [{ mfa: true }, 'password', ['pwd']],
] as const) {
  test(`amr ${JSON.stringify(amr)} of a provider counts as ${acr}`, () => {
    const { strength } = providerClaimsOf({ sub: '1', amr });
    assert.deepEqual([strength.acr, strength.amr], [`urn:sallyport:acr:${acr}`, said]);
  });
}

test('acr of a provider says nothing of ours', () => {
  assert.equal(providerClaimsOf({ sub: '1', acr: 'urn:sallyport:acr:mfa' }).strength.acr, 'urn:sallyport:acr:password');
});

test('groups of ours are found by those of the provider, each once, and by no name that every object has', () => {
  const map = { engineers: 'chat', research: 'chat', leads: 'admins' };
  assert.deepEqual(ownGroupsOf(['research', 'leads', 'engineers', 'others'], map), ['admins', 'chat']);
  assert.deepEqual(ownGroupsOf(['constructor', '__proto__', 'toString', 'Engineers'], map), []);
});

test('groups are a list of texts or one text', () => {
  assert.deepEqual(providerClaimsOf({ sub: '1', groups: ['a', 7, { b: 1 }] }).groups, ['a']);
  assert.deepEqual(providerClaimsOf({ sub: '1', groups: 'a' }).groups, ['a']);
  assert.deepEqual(providerClaimsOf({ sub: '1' }).groups, []);
});

test('a name is what the provider calls the person, in one line and short', () => {
  assert.equal(providerClaimsOf({ sub: '1', preferred_username: 'ada', name: 'Ada L.' }).name, 'ada');
  assert.equal(providerClaimsOf({ sub: '1', preferred_username: '', name: 'Ada\n\u202eL.' }).name, 'Ada L.');
  assert.equal(providerClaimsOf({ sub: 'abc' }).name, 'abc');
  assert.equal(providerClaimsOf({ sub: '1', name: 'x'.repeat(500) }).name.length, 96);
});
