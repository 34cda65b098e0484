import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_RECORDS } from '../../test/support/exchange.ts';
import { createCredentials, isUsable } from './credentials.ts';
import { defaultTenant, issueApiKey, plainWish, type ApiKeyWish } from './issue.ts';
import type { GroupRecord, RoleRecord } from './records.ts';
import { createRights } from './rights.ts';

const role = (id: string, more: Partial<RoleRecord> = {}): RoleRecord => ({
  ...{ id, scopes: [], models: [], grants: [], limits: {} },
  ...{ createdAtMs: 0, state: 'active', version: 1 },
  ...more,
});
const group = (id: string, more: Partial<GroupRecord> = {}): GroupRecord => ({
  ...role(id),
  tenant: undefined,
  roles: [],
  pool: {},
  ...more,
});

test('roles and groups add up; those of groups count, and names of nothing give nothing but are named to policies', () => {
  const rights = createRights(
    [role('a', { scopes: ['models:read'], models: ['m1'] }), role('b', { grants: ['fields:beam-search'] })],
    [group('g', { roles: ['b', 'nothing'], scopes: ['inference:chat'], models: ['m1', 'm2'] })],
  );
  const held = rights.of({ roles: ['a', 'missing'], groups: ['g', 'missing'] }, 'default');
  assert.deepEqual(held.scopes, ['models:read', 'inference:chat']);
  assert.deepEqual(held.models, ['m1', 'm2']);
  assert.deepEqual(held.grants, ['fields:beam-search']);
  assert.deepEqual(held.roles, ['a', 'missing', 'b', 'nothing']);
  assert.deepEqual(held.groups, ['g', 'missing']);
});

test('a group of one tenant gives nothing to others, nor do deleted roles and groups to anybody', () => {
  const rights = createRights(
    [role('gone', { scopes: ['models:read'], state: 'deleted' })],
    [
      group('acme-staff', { tenant: 'acme', scopes: ['inference:chat'] }),
      group('old', { scopes: ['admin:write'], state: 'deleted' }),
    ],
  );
  const holder = { roles: ['gone'], groups: ['acme-staff', 'old'] };
  assert.deepEqual(rights.of(holder, 'acme').scopes, ['inference:chat']);
  assert.deepEqual(rights.of(holder, 'default').scopes, []);
  // Who was denied by a policy about a group is not let in by its end.
  assert.deepEqual(
    [rights.of(holder, 'acme').groups, rights.of(holder, 'default').groups],
    [['acme-staff', 'old'], ['old']],
  );
});

test('of the limits of several the lowest counts; none only where nobody has a number', () => {
  const limited = (requestsPerMinute: number | 'none' | undefined, id: string) =>
    role(id, { limits: { requestsPerMinute } });
  const rights = createRights([limited(60, 'a'), limited(5, 'b'), limited('none', 'c'), limited(undefined, 'd')], []);
  const rpm = (...roles: string[]) => rights.of({ roles, groups: [] }, 'default').limits.requestsPerMinute;
  assert.deepEqual([rpm('a', 'b', 'c'), rpm('c', 'd'), rpm('d'), rpm()], [5, 'none', undefined, undefined]);
});

function credentialWith(wish: Partial<ApiKeyWish>, more: Partial<typeof NO_RECORDS> = {}) {
  const issuer = { hmacKey: Buffer.alloc(32), randomBytes: (n: number) => Buffer.alloc(n, 7), isTaken: () => false };
  const { record } = issueApiKey({ ...plainWish('k'), ...wish }, issuer, 0);
  const credentials = createCredentials({ ...NO_RECORDS, tenants: [defaultTenant(0)], apiKeys: [record], ...more });
  return { credentials, record, now: () => credentials.find(record.id) };
}

test('a key has what its roles and groups give now; its own limit goes before theirs', () => {
  const staff = group('staff', {
    scopes: ['inference:chat'],
    models: ['m'],
    limits: { requestsPerMinute: 9, concurrency: 3 },
  });
  const wish = { scopes: [], models: [], groups: ['staff'], limits: { concurrency: 5 } };
  const { credentials, now } = credentialWith(wish, { groups: [staff] });
  const principal = now()?.principal;
  assert.deepEqual([...(principal?.scopes ?? [])], ['inference:chat']);
  assert.deepEqual([...(principal?.models ?? [])], ['m']);
  assert.deepEqual([principal?.limits.requestsPerMinute, principal?.limits.concurrency], [9, 5]);
  credentials.apply([{ kind: 'group', record: { ...staff, state: 'deleted', version: 2 }, expectedVersion: 1 }]);
  assert.deepEqual([...(now()?.principal.scopes ?? ['?'])], []);
});

test('models of a role are cut to those of the tenant', () => {
  const tenants = [{ ...defaultTenant(0), models: ['m1'] }];
  const more = { tenants, roles: [role('r', { models: ['m1', 'm2'] }), role('all', { models: ['*'] })] };
  for (const roles of [['r'], ['all']]) {
    const { now } = credentialWith({ scopes: [], models: [], roles }, more);
    assert.deepEqual([...(now()?.principal.models ?? [])], ['m1']);
  }
});

test('a key stops with the person that it belongs to, what runs on it ends, and an owner whom nobody knows is none', () => {
  const owner = { id: 'u_1', state: 'active', createdAtMs: 0, lastSignInAtMs: undefined } as const;
  const { credentials, record, now } = credentialWith({ owner: 'u_1' }, { owners: [owner] });
  assert.equal(isUsable(now()), true);
  const user = {
    ...owner,
    nameDigest: Buffer.alloc(32),
    ...{ tenant: 'default', scopes: [], models: undefined, groups: [], sealed: '', version: 2 },
  };
  const change = (state: 'active' | 'disabled' | 'deleted') =>
    credentials.apply([{ kind: 'user', record: { ...user, state }, expectedVersion: 1 }]);
  for (const state of ['disabled', 'deleted'] as const) {
    assert.deepEqual(change(state), [`key:${record.id}`]);
    assert.equal(isUsable(now()), false);
    assert.deepEqual(change('active'), []);
    assert.equal(isUsable(now()), true);
  }
  assert.equal(isUsable(credentialWith({ owner: 'u_2' }).now()), false);
});

test('a group that a claim says twice is one group, and one pool', () => {
  const rights = createRights([], [group('g', { pool: { concurrency: 2 } })]);
  const held = rights.of({ roles: [], groups: ['g', 'g', 'missing', 'missing'] }, 'default');
  assert.deepEqual(held.groups, ['g', 'missing']);
  assert.equal(held.pools.length, 1);
});
