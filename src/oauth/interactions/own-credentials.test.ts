import assert from 'node:assert/strict';
import { test } from 'node:test';
import { marksOf, OWN_ISSUER } from '../../directory/revocations.ts';
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

test('tokens without a consent that is still there end, too: those of this client and person, and of nobody else', async () => {
  const marks: string[] = [];
  const deps = {
    directory: { clients: new Map([['c_1', {}]]) },
    access: { grants: () => Promise.resolve([]) },
    revoke: (mark: string) => Promise.resolve(void marks.push(mark)),
  };
  await createOwnCredentials(deps as unknown as OwnCredentialsDeps).revokeTokens('u_1', 'c_1');
  const endsWith = (clientId: string, subject: string, issuer: string) => {
    const facts = { tokenHash: 'h', issuer, subject, clientId } as Parameters<typeof marksOf>[0];
    return marksOf(facts, 'default', issuer, []).some((mark) => marks.includes(mark));
  };
  assert.deepEqual(
    [endsWith('c_1', 'u_1', OWN_ISSUER), endsWith('c_2', 'u_1', OWN_ISSUER), endsWith('c_1', 'u_2', OWN_ISSUER)],
    [true, false, false],
  );
  assert.equal(endsWith('c_1', 'u_1', 'https://login.example.org'), false);
});
