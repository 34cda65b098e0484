import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TokenUse } from '../../directory/token-uses.ts';
import { createOwnCredentials, type OwnCredentialsDeps } from './own-credentials.ts';

const use = (more: Partial<TokenUse>): TokenUse => ({
  issuer: 'https://llm.example.org',
  client: 'c_1',
  subject: 'u_1',
  lastIssuedAtMs: 1,
  lastUsedAtMs: 2,
  count: 3,
  networks: [],
  ...more,
});

test('tokens are those of the person alone that our own server has issued to a client, the last used first', () => {
  const [first, second] = [use({ lastUsedAtMs: 5 }), use({ client: 'c_2', lastUsedAtMs: 9 })];
  const others = [use({ subject: 'u_2' }), use({ issuer: 'https://login.example.org' }), use({ client: '' })];
  const deps = { publicUrl: 'https://llm.example.org', tokenUses: () => [first, ...others, second] };
  assert.deepEqual(createOwnCredentials(deps as unknown as OwnCredentialsDeps).tokens('u_1'), [second, first]);
});
