import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { oauthRecord } from './oauth-records.ts';

const deps = {
  directory: { users: new Map([['u1', { tenant: 'acme' }]]), clients: new Map([['cli', { tenant: 'ops' }]]) },
  nowMs: () => 42,
  address: () => '192.0.2.1',
} as unknown as Parameters<typeof oauthRecord>[2];

test('a token that was issued, refreshed, used twice or refused is told of with its client', () => {
  const of = (event: string, facts = {}) => {
    const record = oauthRecord(event, { client: 'cli', requestId: 'r1', ...facts }, deps);
    return record?.kind === 'token' ? [record.activity, record.clientId, record.tenant, record.requestId] : record;
  };
  assert.deepEqual(of('token_issued', { grant: 'client_credentials' }), ['issue', 'cli', 'ops', 'r1']);
  assert.deepEqual(of('token_issued', { grant: 'refresh_token' }), ['refresh', 'cli', 'ops', 'r1']);
  assert.deepEqual(of('refresh_token_reused'), ['reuse', 'cli', 'ops', 'r1']);
  assert.deepEqual(of('oauth_refused'), ['refuse', 'cli', 'ops', 'r1']);
  assert.deepEqual(of('token_revoked'), ['revoke', 'cli', 'ops', 'r1']);
});

test('who signs in, or tries to, is told of with the tenant of the person', () => {
  const good = oauthRecord('signed_in', { user: 'u1', acr: 'mfa', requestId: 'r1' }, deps);
  assert.deepEqual(good?.kind === 'sign-in' && [good.isGood, good.user, good.tenant, good.method], [
    true,
    'u1',
    'acme',
    'mfa',
  ]);
  const bad = oauthRecord('sign_in_failed', { what: 'password', requestId: 'r1' }, deps);
  assert.deepEqual(bad?.kind === 'sign-in' && [bad.isGood, bad.user], [false, undefined]);
  const known = oauthRecord('sign_in_failed', { what: 'password', user: 'u1', requestId: 'r1' }, deps);
  assert.deepEqual(known?.kind === 'sign-in' && [known.user, known.tenant], ['u1', 'acme']);
});

/** Events that say nothing of who somebody is or what they have: faults, and what a request's own record says. */
const NOT_RECORDED = new Set([
  ...['oauth_fault', 'page_fault', 'refresh_repeated', 'federation_declined', 'federation_unreachable'],
]);

test('every event that the authorization server tells of is recorded, or named here as one that is not', () => {
  const folder = fileURLToPath(new URL('../oauth', import.meta.url));
  const told = new Set<string>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    for (const [, event] of text.matchAll(/log\.(?:info|security)\(\s*'([a-z_]+)'/g)) told.add(event ?? '');
  }
  assert.ok(told.size > 20, String(told.size));
  const missing = [...told].filter(
    (event) => !NOT_RECORDED.has(event) && oauthRecord(event, { user: 'u1' }, deps) === undefined,
  );
  assert.deepEqual(missing, []);
});
