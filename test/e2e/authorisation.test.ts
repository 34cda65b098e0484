import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import * as oidc from 'openid-client';
import { createBrowser } from '../support/browser.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { startTestIssuer, type TestIssuer } from '../support/issuer.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { createStockClient, createUser, REDIRECT, tokensFor } from '../support/people.ts';

/** Roles, groups and policies as an operator uses them, on all that they guard. */
suite('authorisation', () => {
  let issuer: TestIssuer;
  let it: TestGateway;

  before(async () => {
    issuer = await startTestIssuer(() => PUBLIC_URL);
    it = await startTestGateway({
      plain: true,
      workers: 2,
      config: {
        listen: { publicUrl: PUBLIC_URL },
        limits: { perIp: { failuresPerMinute: 'none', requestsPerMinute: 'none' } },
        authentication: { issuers: [{ issuer: issuer.url, groupsClaim: 'groups' }] },
      },
    });
  });
  after(async () => {
    await it[Symbol.asyncDispose]();
    await issuer[Symbol.asyncDispose]();
  });

  const run = async (line: string): Promise<string> => {
    const ran = await sallyport(it.stateDir, line);
    assert.equal(ran.exit, 0, ran.err);
    return ran.out;
  };
  const codeOf = async (key: string, path = '/v1/chat/completions') => {
    const { status, code } = await ask(it, { key, path, ...(path === '/v1/models' ? { method: 'GET' } : {}) });
    return status === 200 ? 200 : code;
  };
  const modelsOf = async (key: string) => {
    const { json } = await ask(it, { key, method: 'GET', path: '/v1/models' });
    return (json?.['data'] as { id: string }[] | undefined)?.map(({ id }) => id);
  };
  async function newKey(line: string): Promise<{ id: string; key: string }> {
    return JSON.parse(await run(`keys create --name k ${line} --json`)) as { id: string; key: string };
  }

  test('a key has what its role gives, to the next request after a change, and nothing beside it', async () => {
    await run('roles create reader --scopes models:read --models tiny');
    const { key, id } = await newKey('--roles reader');
    assert.deepEqual([await codeOf(key), await codeOf(key, '/v1/models')], ['insufficient_scope', 200]);
    await run('roles edit reader --scopes models:read,inference:chat');
    for (let i = 0; i < 4; i++) assert.equal(await codeOf(key), 200);
    await run('roles delete reader');
    for (let i = 0; i < 4; i++) assert.equal(await codeOf(key), 'insufficient_scope');
    assert.match(await run(`keys show ${id}`), /^roles\s+reader$/m);
  });

  test('a token of an issuer that names no scope of ours has those of its groups; one that does keeps to its own', async () => {
    await run('groups create staff --scopes inference:chat,models:read --models tiny');
    const member = (claims: object) => issuer.token({ models: undefined, groups: ['staff'], ...claims });
    const known = member({ scope: 'openid profile' });
    for (let i = 0; i < 4; i++) assert.equal(await codeOf(known), 200);
    assert.deepEqual(await modelsOf(member({ scope: 'openid profile' })), ['tiny']);
    assert.equal(await codeOf(member({ scope: 'models:read' })), 'insufficient_scope');
    assert.equal(await codeOf(member({ scope: 'openid', groups: ['strangers'] })), 'insufficient_scope');
    await run('groups edit staff --tenant default');
    assert.equal(await codeOf(member({ scope: 'openid', tenant: 'acme' })), 'insufficient_scope');
    await run('groups delete staff');
    // A token that was found good counts by what its groups give now.
    for (let i = 0; i < 4; i++) assert.equal(await codeOf(known), 'insufficient_scope');
  });

  test('a name that a role or group does not have is a slip that is told, with the nearest one', async () => {
    await run('roles create writer --scopes inference:chat');
    const slip = await sallyport(it.stateDir, 'keys create --name k --roles writr');
    assert.deepEqual([slip.exit, /Did you mean writer\?/.test(slip.err)], [2, true]);
    const missing = await sallyport(it.stateDir, 'groups show nobody');
    assert.deepEqual([missing.exit, /There is no group "nobody"/.test(missing.err)], [1, true]);
  });

  test('a policy guards inference and the list of models on every worker, and what it is about alone', async () => {
    const { key, id } = await newKey('--models tiny');
    const { key: other } = await newKey('--models tiny');
    await run(`policies create elsewhere --effect require --keys ${id} --addresses 198.51.100.0/24`);
    for (let i = 0; i < 4; i++) {
      assert.deepEqual([await codeOf(key), await codeOf(key, '/v1/models')], ['condition_failed', 'condition_failed']);
      assert.equal(await codeOf(other), 200);
    }
    await run('policies edit elsewhere --addresses 127.0.0.0/8');
    assert.equal(await codeOf(key), 200);
    await run('policies create no-tiny --effect deny --models tiny');
    assert.deepEqual([await codeOf(key), await modelsOf(key)], ['condition_failed', []]);
    await run('policies delete no-tiny');
    await run('policies delete elsewhere');
    assert.deepEqual([await codeOf(key), await modelsOf(key)], [200, ['tiny']]);
  });

  test('a policy about a group denies whoever says to be in it, whether or not the group is here', async () => {
    await run('policies create out --effect deny --groups suspended');
    const token = issuer.token({ groups: ['suspended'] });
    const judged = async () => assert.equal(await codeOf(token), 'condition_failed');
    await judged();
    await run('groups create suspended --scopes models:read');
    await judged();
    const { key } = await newKey('--scopes inference:chat --models tiny --groups suspended');
    assert.equal(await codeOf(key), 'condition_failed');
    await run('groups delete suspended');
    await judged();
    assert.equal(await codeOf(key), 'condition_failed');
    await run('policies delete out');
    assert.deepEqual([await codeOf(token), await codeOf(key)], [200, 200]);
  });

  test('a subject with spaces, as directories have them, is revoked like all others', async () => {
    const { key } = await newKey('--scopes admin:write');
    const token = issuer.token({ sub: 'CN=Eve,OU=a b' });
    assert.equal(await codeOf(token), 200);
    const body = { issuer: issuer.url, subject: 'CN=Eve,OU=a b' };
    const admin = { url: it.gateway.adminUrl, ca: it.ca, port: 0 };
    const path = '/api/v1/tokens/revoke';
    assert.equal((await ask(admin, { key, path, body })).status, 200);
    assert.equal((await ask(admin, { key, path, body: { ...body, issuer: 'a b' } })).status, 400);
    assert.equal(await codeOf(token), 'revoked_credential');
  });

  test('a policy guards the admin API, too', async () => {
    const { key, id } = await newKey('--scopes admin:read,admin:write');
    const status = async (method: 'GET' | 'POST') =>
      (
        await ask(
          { url: it.gateway.adminUrl, ca: it.ca, port: 0 },
          { key, method, path: '/api/v1/tenants', body: { name: 'x-y' } },
        )
      ).status;
    await run(
      `policies create admin-net --effect require --keys ${id} --scopes admin:write --addresses 198.51.100.0/24`,
    );
    assert.deepEqual([await status('GET'), await status('POST')], [200, 403]);
    await run('policies delete admin-net');
    assert.equal(await status('POST'), 201);
  });

  test('policies test judges cases without sending anything, and fails where one comes out otherwise', async () => {
    const { id } = await newKey('--models tiny');
    await run(`policies create night --effect deny --keys ${id} --time 22:00-06:00`);
    const file = join(it.stateDir, 'cases.yaml');
    const cases = (expect: string) =>
      writeFileSync(
        file,
        `cases:\n- { name: noon, expect: allow, key: ${id}, at: 2030-01-01T12:00:00Z }\n- { name: late, expect: ${expect}, key: ${id}, at: 2030-01-01T23:00:00Z }\n`,
      );
    cases('deny');
    assert.match(await run(`policies test ${file}`), /^ok\s+late\s+expected deny, got deny\s+The policy night denies/m);
    cases('allow');
    const wrong = await sallyport(it.stateDir, `policies test ${file}`);
    assert.deepEqual([wrong.exit, /^WRONG\s+late/m.test(wrong.out)], [1, true]);
    await run('policies delete night');
  });

  test('SU-01 SU-02 our own tokens say how and when somebody signed in, and a policy about it leads to a new sign-in', async () => {
    await createUser(it, '--name ada');
    const client = await createStockClient(
      it,
      `--name app --grants authorization_code --scopes inference:chat,models:read --redirect-uri ${REDIRECT}`,
    );
    const tokens = await tokensFor(createBrowser(it), client.config, 'ada', { scope: 'inference:chat' });
    assert.equal(await codeOf(tokens.access_token), 200);
    await run(
      `policies create strong --effect require --issuers ${PUBLIC_URL} --acr urn:sallyport:acr:mfa --authentication-age 1h`,
    );
    const refused = await ask(it, { key: tokens.access_token });
    assert.deepEqual([refused.status, refused.code], [401, 'insufficient_user_authentication']);
    assert.match(
      refused.headers['www-authenticate'] ?? '',
      /^Bearer realm="sallyport", error="insufficient_user_authentication", error_description="[^"]+", acr_values="urn:sallyport:acr:mfa", resource_metadata=/,
    );
    await run('policies edit strong --acr urn:sallyport:acr:password');
    assert.equal(await codeOf(tokens.access_token), 200);
    await run('policies delete strong');
  });

  test('a client ends with its tenant, also where it acts for people of another one', async () => {
    await run('tenants create lessor');
    await createUser(it, '--name cid');
    const line = '--name app --tenant lessor --grants authorization_code --scopes inference:chat';
    const client = await createStockClient(it, `${line} --redirect-uri ${REDIRECT}`);
    const tokens = await tokensFor(createBrowser(it), client.config, 'cid', { scope: 'inference:chat' });
    assert.equal(await codeOf(tokens.access_token), 200);
    await run('tenants disable lessor');
    for (let i = 0; i < 4; i++) assert.equal(await codeOf(tokens.access_token), 'revoked_credential');
    await assert.rejects(oidc.refreshTokenGrant(client.config, tokens.refresh_token ?? ''), { status: 401 });
    await run('tenants enable lessor');
    assert.equal(await codeOf(tokens.access_token), 'revoked_credential');
  });

  test('what is taken from a client ends its tokens, and what is given to it does not', async () => {
    const line = '--name batch --grants client_credentials --scopes inference:chat,models:read --models tiny';
    const { config, id } = await createStockClient(it, line);
    const { key } = await newKey('--scopes admin:write');
    const edit = async (body: object) => {
      const admin = { url: it.gateway.adminUrl, ca: it.ca, port: 0 };
      const edited = await ask(admin, { key, method: 'PATCH', path: `/api/v1/oauth-clients/${id}`, body });
      assert.equal(edited.status, 200, edited.text);
    };
    const { access_token: token } = await oidc.clientCredentialsGrant(config);
    await edit({ name: 'batches', models: ['tiny', 'small'] });
    await edit({ models: ['*'] });
    for (let i = 0; i < 4; i++) assert.equal(await codeOf(token), 200);
    await edit({ scopes: ['models:read'] });
    for (let i = 0; i < 4; i++) assert.equal(await codeOf(token), 'revoked_credential');
  });

  test('a group of ours widens what a person can let a client have, and its end is the end of the tokens made after it', async () => {
    await run('groups create talkers --scopes inference:completions');
    await createUser(it, '--name bob --scopes models:read --groups talkers');
    const client = await createStockClient(
      it,
      `--name app2 --grants authorization_code --scopes inference:completions,inference:chat --redirect-uri ${REDIRECT}`,
    );
    const tokens = await tokensFor(createBrowser(it), client.config, 'bob', {
      scope: 'inference:completions inference:chat',
    });
    assert.equal(tokens.scope, 'inference:completions');
    const body = { model: 'tiny', prompt: 'a' };
    const complete = async () => (await ask(it, { key: tokens.access_token, path: '/v1/completions', body })).code;
    assert.equal(await complete(), undefined);
    await run('groups edit talkers --scopes models:read');
    assert.equal(await complete(), 'revoked_credential');
    const next = await oidc.refreshTokenGrant(client.config, tokens.refresh_token ?? '').catch(() => undefined);
    assert.notEqual(next?.scope, 'inference:completions', 'a refresh brings nothing back that was taken');
  });

  test('a field that is open to a person is open to a client that acts for them where it is open to that, too', async () => {
    await run('groups create beams --grant fields:beam-search --scopes inference:completions');
    await createUser(it, '--name ivy --scopes inference:completions --groups beams');
    const grants = `--grants authorization_code --scopes inference:completions --redirect-uri ${REDIRECT}`;
    const body = { model: 'tiny', prompt: 'a', use_beam_search: true, n: 2 };
    const tried = async (line: string) => {
      const client = await createStockClient(it, `${line} ${grants}`);
      const scope = { scope: 'inference:completions' };
      const { access_token: key } = await tokensFor(createBrowser(it), client.config, 'ivy', scope);
      return (await ask(it, { key, path: '/v1/completions', body })).code;
    };
    assert.equal(await tried('--name plain'), 'forbidden_field');
    assert.equal(await tried('--name beams --groups beams'), undefined);
  });

  test('what is taken from a person ends what they are signed in with, and is in nothing new', async () => {
    await createUser(it, '--name fay --scopes inference:chat,models:read');
    const client = await createStockClient(
      it,
      `--name app3 --grants authorization_code --scopes inference:chat,models:read --redirect-uri ${REDIRECT}`,
    );
    const browser = createBrowser(it);
    const scope = 'inference:chat models:read';
    const before = await tokensFor(browser, client.config, 'fay', { scope });
    assert.equal(before.scope, scope);
    await run('users edit fay --scopes models:read');
    assert.equal(await codeOf(before.access_token), 'revoked_credential');
    await assert.rejects(oidc.refreshTokenGrant(client.config, before.refresh_token ?? ''));
    assert.equal((await tokensFor(browser, client.config, 'fay', { scope })).scope, 'models:read');
    const slip = await sallyport(it.stateDir, 'users edit fay --groups nowhere');
    assert.deepEqual([slip.exit, /There is no group "nowhere"/.test(slip.err)], [2, true]);
  });

  test('a key stops with the person that it belongs to, and shows what it has not used', async () => {
    await createUser(it, '--name eve');
    const { key, id } = await newKey('--owner eve --scopes inference:chat,models:read --models tiny');
    assert.equal(await codeOf(key), 200);
    await run('users disable eve');
    for (let i = 0; i < 4; i++) assert.equal(await codeOf(key), 'revoked_credential');
    await run('users enable eve');
    assert.equal(await codeOf(key), 200);
    assert.match(await run(`keys show ${id}`), /^unused for 30 days\s/m);
    const stranger = await sallyport(it.stateDir, 'keys create --name k --owner nobody');
    assert.equal(stranger.exit, 1);
  });
});
