import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as oidc from 'openid-client';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { fetchVia, PUBLIC_URL } from '../support/oauth.ts';

const CONFIG = { listen: { publicUrl: PUBLIC_URL }, limits: { perIp: { failuresPerMinute: 5 } } };

async function createClient(it: TestGateway, line: string): Promise<{ client_id: string; client_secret: string }> {
  const made = await sallyport(it.stateDir, `clients create ${line} --json`);
  assert.equal(made.exit, 0, made.err);
  return JSON.parse(made.out) as { client_id: string; client_secret: string };
}

async function discovered(it: TestGateway, id: string, secret: string): Promise<oidc.Configuration> {
  return oidc.discovery(new URL(PUBLIC_URL), id, {}, oidc.ClientSecretBasic(secret), {
    [oidc.customFetch]: fetchVia(it) as oidc.CustomFetch,
    algorithm: 'oauth2',
  });
}

test('client credentials from the first start: a stock client gets a token, and it works until the client is gone', async () => {
  await using it = await startTestGateway({ plain: true, workers: 2, config: CONFIG });
  assert.equal((await ask(it, { method: 'GET', path: '/.well-known/oauth-authorization-server' })).status, 404);
  assert.equal((await ask(it, { path: '/oauth/token' })).status, 401);
  const made = await createClient(
    it,
    '--name nightly --grants client_credentials --scopes inference:chat,models:read --models tiny',
  );
  const config = await discovered(it, made.client_id, made.client_secret);
  const tokens = await oidc.clientCredentialsGrant(config, {
    scope: 'inference:chat inference:embeddings admin:write',
  });
  assert.equal(tokens.scope, 'inference:chat');
  assert.equal(tokens.expires_in, 600);
  assert.equal(tokens.refresh_token, undefined);
  for (const _ of [1, 2, 3, 4]) assert.equal((await ask(it, { key: tokens.access_token })).status, 200);
  assert.equal(
    (await ask(it, { method: 'GET', path: '/v1/models', key: tokens.access_token })).code,
    'insufficient_scope',
  );
  assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, true);
  assert.equal((await sallyport(it.stateDir, `clients disable ${made.client_id}`)).exit, 0);
  for (const _ of [1, 2, 3, 4]) assert.equal((await ask(it, { key: tokens.access_token })).code, 'revoked_credential');
  await assert.rejects(oidc.clientCredentialsGrant(config), { status: 401 });
  assert.ok(!it.log.join('\n').includes(made.client_secret));
});
