import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authorizationServerConfig } from './config.ts';

const whole = {
  issuer: 'https://login.example.org/realms/team',
  clientId: 'sallyport',
  clientSecret: 'secret',
  groups: { engineers: 'staff' },
};

function pathsOf(federation: Record<string, unknown>): string[] {
  const { error } = authorizationServerConfig.safeParse({ federation });
  return (error?.issues ?? []).map(({ path }) => path.join('.'));
}

test('an identity provider is described as a whole, or not at all', () => {
  assert.deepEqual(pathsOf(whole), []);
  assert.deepEqual(pathsOf({}), []);
  assert.deepEqual(pathsOf({ issuer: whole.issuer }), [
    'federation.clientId',
    'federation.clientSecret',
    'federation.groups',
  ]);
  for (const name of ['clientId', 'clientSecret'] as const) {
    assert.deepEqual(pathsOf({ ...whole, [name]: undefined }), [`federation.${name}`]);
    assert.deepEqual(pathsOf({ [name]: whole[name] }), ['federation.issuer']);
  }
  assert.deepEqual(pathsOf({ ...whole, groups: {} }), ['federation.groups']);
});

for (const issuer of [
  'http://login.example.org',
  'https://login.example.org/?a=1',
  'https://u:p@login.example.org',
  'login',
])
  test(`${issuer} is no identity provider`, () => {
    assert.deepEqual(pathsOf({ ...whole, issuer }), ['federation.issuer']);
  });

test('on this machine an identity provider may speak plain HTTP', () => {
  assert.deepEqual(pathsOf({ ...whole, issuer: 'http://127.0.0.1:8080' }), []);
});
