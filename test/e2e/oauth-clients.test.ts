import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as oidc from 'openid-client';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { proofFor, signed, testKey } from '../support/issuer.ts';
import { fetchVia, PUBLIC_URL } from '../support/oauth.ts';

const PATIENT = { listen: { publicUrl: PUBLIC_URL }, limits: { perIp: { failuresPerMinute: 'none' } } };
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

test('what a client may ask of the token endpoint, and what it is told', async (t) => {
  await using it = await startTestGateway({ plain: true, workers: 2, config: CONFIG });
  const scopes = '--scopes inference:chat,models:read --models tiny';
  const made = await createClient(it, `--name one --grants client_credentials ${scopes}`);
  const other = await createClient(it, `--name other --grants client_credentials ${scopes}`);
  const post = (path: string, form: Record<string, string>, headers: Record<string, string> = basic(made)) =>
    ask(it, {
      path,
      body: new URLSearchParams(form).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
  const tokenOf = async (form: Record<string, string> = {}) => {
    const answer = await post('/oauth/token', { grant_type: 'client_credentials', ...form });
    assert.equal(answer.status, 200, answer.text);
    return String(answer.json?.['access_token']);
  };
  const refused = async (form: Record<string, string>, headers?: Record<string, string>) => {
    const answer = await post('/oauth/token', form, headers);
    assert.ok(answer.json?.['request_id'], answer.text);
    return [answer.status, answer.json?.['error'] as unknown];
  };

  await t.test(
    'TK-06 TK-08 RT-01 no refresh token, no scope that was not granted; the answer states the scope',
    async () => {
      const answer = await post('/oauth/token', {
        grant_type: 'client_credentials',
        scope: 'models:read admin:write nonsense',
      });
      assert.deepEqual([answer.json?.['scope'], answer.json?.['refresh_token']], ['models:read', undefined]);
      const form = { grant_type: 'client_credentials', scope: 'admin:write' };
      assert.deepEqual(await refused(form), [400, 'invalid_scope']);
      assert.deepEqual(await refused({ grant_type: 'authorization_code', code: 'x' }), [400, 'unauthorized_client']);
      assert.deepEqual(await refused({ grant_type: 'password', username: 'a', password: 'b' }), [
        400,
        'unsupported_grant_type',
      ]);
    },
  );

  await t.test('TK-02 TK-04 TK-05 answers are not stored, tokens are short-lived and for this gateway', async () => {
    const answer = await post('/oauth/token', { grant_type: 'client_credentials' });
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.json?.['expires_in'], 600);
    const [, payload = ''] = String(answer.json?.['access_token']).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    assert.deepEqual([claims['iss'], claims['aud'], claims['client_id']], [PUBLIC_URL, PUBLIC_URL, made.client_id]);
    assert.match(made.client_secret, /^spcs_[0-9A-Za-z]{43}$/);
  });

  await t.test('TK-07 a resource of somebody else is invalid_target', async () => {
    const form = { grant_type: 'client_credentials', resource: 'https://other.example' };
    assert.deepEqual(await refused(form), [400, 'invalid_target']);
    assert.deepEqual(await refused({ ...form, resource: `${PUBLIC_URL}/#part` }), [400, 'invalid_target']);
    await tokenOf({ resource: PUBLIC_URL });
  });

  await t.test(
    'TK-01 CA-01 credentials in the query, the form or as JSON are no credentials of a client with a secret',
    async () => {
      const query = `client_id=${made.client_id}&client_secret=${made.client_secret}`;
      const answer = await post(`/oauth/token?${query}`, { grant_type: 'client_credentials' }, {});
      assert.notEqual(answer.status, 200);
      const form = { grant_type: 'client_credentials', client_id: made.client_id, client_secret: made.client_secret };
      assert.deepEqual(await refused(form, {}), [401, 'invalid_client']);
      const asJson = { ...basic(made), 'content-type': 'application/json' };
      const json = await ask(it, { path: '/oauth/token', body: form, headers: asJson });
      assert.equal(json.json?.['access_token'], undefined);
    },
  );

  await t.test('TK-03 TK-09 CA-03 a wrong secret and an unknown client are told the same', async () => {
    const wrong = await post(
      '/oauth/token',
      { grant_type: 'client_credentials' },
      basic({ ...made, client_secret: 'no' }),
    );
    const unknown = await post(
      '/oauth/token',
      { grant_type: 'client_credentials' },
      basic({ client_id: 'c_no', client_secret: 'no' }),
    );
    assert.equal(wrong.status, 401);
    assert.match(String(wrong.headers['www-authenticate']), /^Basic/);
    const { request_id: _, ...said } = wrong.json ?? {};
    const { request_id: __, ...saidOfNone } = unknown.json ?? {};
    assert.deepEqual(said, saidOfNone);
  });

  await t.test('IN-01 IN-02 IN-03 IN-04 only its client sees an active token', async () => {
    const token = await tokenOf();
    assert.equal((await post('/oauth/introspect', { token }, {})).status, 401);
    const own = await post('/oauth/introspect', { token });
    assert.equal(own.json?.['active'], true);
    for (const name of ['scope', 'client_id', 'sub', 'aud', 'iss', 'exp', 'iat', 'jti', 'token_type']) {
      assert.ok(own.json?.[name] !== undefined, name);
    }
    assert.deepEqual((await post('/oauth/introspect', { token }, basic(other))).json, { active: false });
    assert.deepEqual((await post('/oauth/introspect', { token: `${token}x` })).json, { active: false });
    assert.deepEqual((await post('/oauth/introspect', { token: 'nonsense' })).json, { active: false });
  });

  await t.test(
    'RV-01 RV-02 RV-04 a client takes its token back, and no other; it holds on the next request',
    async () => {
      const token = await tokenOf();
      assert.equal((await post('/oauth/revoke', { token }, basic(other))).status, 200);
      assert.equal((await ask(it, { key: token })).status, 200);
      assert.equal((await post('/oauth/revoke', { token })).status, 200);
      for (const _ of [1, 2, 3, 4]) assert.equal((await ask(it, { key: token })).code, 'revoked_credential');
      assert.deepEqual((await post('/oauth/introspect', { token })).json, { active: false });
      assert.equal((await post('/oauth/revoke', { token: 'nonsense' })).status, 200);
    },
  );

  await t.test('keys rotate: what was signed before still counts, and new tokens have the new key', async () => {
    const before = await tokenOf();
    const rotated = await sallyport(it.stateDir, 'signing-keys rotate --overlap 1h --json');
    assert.equal(rotated.exit, 0, rotated.err);
    const keys = JSON.parse(rotated.out) as { kid: string; alg: string; use: string }[];
    assert.deepEqual(keys.map(({ alg, use }) => `${alg} ${use}`).sort(), [
      'ES256 current',
      'ES256 previous',
      'RS256 current',
      'RS256 previous',
    ]);
    const after = await tokenOf();
    const kidOf = (token: string) =>
      (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;
    assert.notEqual(kidOf(before), kidOf(after));
    for (const key of [before, after, before, after]) assert.equal((await ask(it, { key })).status, 200);
    const jwks = await ask(it, { method: 'GET', path: '/oauth/jwks' });
    const published = jwks.json?.['keys'] as Record<string, string>[];
    assert.equal(published.length, 4);
    assert.ok(published.every((jwk) => jwk['d'] === undefined && jwk['kid'] !== undefined && jwk['alg'] !== undefined));
  });

  await t.test('tokens list tells who uses them; tokens revoke ends all of a client, and new ones work', async () => {
    const token = await tokenOf();
    assert.equal((await ask(it, { key: token })).status, 200);
    const done = await sallyport(it.stateDir, `tokens revoke --client ${made.client_id}`);
    assert.equal(done.exit, 0, done.err);
    for (const _ of [1, 2, 3, 4]) assert.equal((await ask(it, { key: token })).code, 'revoked_credential');
  });

  await t.test(
    'MD-01 MD-02 MD-04 MD-05 MD-06 MT-03 CA-02 metadata has our address, S256 alone and no grant that is off',
    async () => {
      const { json = {} } = await ask(it, { method: 'GET', path: '/.well-known/oauth-authorization-server' });
      assert.equal(json['issuer'], PUBLIC_URL);
      assert.deepEqual(json['code_challenge_methods_supported'], ['S256']);
      assert.deepEqual(json['response_types_supported'], ['code']);
      assert.deepEqual((json['grant_types_supported'] as string[]).toSorted(), [
        'authorization_code',
        'client_credentials',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
      ]);
      assert.equal(json['authorization_response_iss_parameter_supported'], true);
      assert.equal(json['token_endpoint'], `${PUBLIC_URL}/oauth/token`);
      assert.equal(json['tls_client_certificate_bound_access_tokens'], true);
      assert.match(PUBLIC_URL, /^https:\/\/[^?#]+$/);
      const methods = json['token_endpoint_auth_methods_supported'] as string[];
      assert.deepEqual(methods.toSorted(), ['client_secret_basic', 'none', 'private_key_jwt', 'tls_client_auth']);
    },
  );

  await t.test('TK-09 an address that guesses secrets is held up, whatever it sends then', async () => {
    const guess = () =>
      post('/oauth/token', { grant_type: 'client_credentials' }, basic({ ...made, client_secret: 'guess' }));
    let last = await guess();
    for (let i = 0; i < 6; i++) last = await guess();
    assert.equal(last.status, 429);
    assert.ok(Number(last.headers['retry-after']) >= 1);
  });
});

const basic = ({ client_id: id, client_secret: secret }: { client_id: string; client_secret: string }) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});

test('clients that show themselves by a key: assertions and proofs count once', async (t) => {
  await using it = await startTestGateway({ plain: true, workers: 1, config: PATIENT });
  const own = testKey('ES256');
  const file = join(it.stateDir, 'jwks.json');
  writeFileSync(file, JSON.stringify({ keys: [own.jwk] }));
  const { client_id: id } = await createClient(
    it,
    `--name keyed --grants client_credentials --scopes inference:chat --models tiny --auth private_key_jwt --jwks ${file}`,
  );
  const proving = testKey('EdDSA');
  const assertion = (change: object = {}, key = own, header: object = {}) => {
    const nowS = Math.floor(Date.now() / 1000);
    const claims = { iss: id, sub: id, aud: PUBLIC_URL, iat: nowS, exp: nowS + 60, jti: randomUUID(), ...change };
    return signed({ alg: key.alg, kid: key.kid, ...header }, claims, key);
  };
  const ask2 = (text: string, headers: Record<string, string> = {}) =>
    ask(it, {
      path: '/oauth/token',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: text,
      }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });

  await t.test('CA-04 CA-05 an assertion is for us, short-lived, used once, and by the registered key', async () => {
    const good = assertion();
    assert.equal((await ask2(good)).status, 200);
    assert.notEqual((await ask2(good)).status, 200);
    const stranger = testKey('ES256', own.kid);
    for (const [name, text] of [
      ['another audience', assertion({ aud: 'https://other.example' })],
      ['expired', assertion({ exp: Math.floor(Date.now() / 1000) - 120 })],
      ['another subject', assertion({ sub: 'c_other' })],
      ['another key', assertion({}, stranger)],
      ['a key of its own header', assertion({}, stranger, { jwk: stranger.jwk })],
    ] as const) {
      assert.notEqual((await ask2(text)).status, 200, name);
    }
    const [same] = await Promise.all(
      [assertion()].map(async (text) => Promise.all([ask2(text), ask2(text), ask2(text)])),
    );
    assert.equal(same?.filter(({ status }) => status === 200).length, 1);
  });

  await t.test(
    'DP-01 DP-02 DP-03 DP-04 DP-05 DP-10 DP-12 a token that was asked for with a proof works with proofs of that key alone',
    async () => {
      const proof = (key = proving, change: object = {}, header: object = {}) => {
        const { kid: _, use: __, ...jwk } = key.jwk;
        const claims = {
          jti: randomUUID(),
          htm: 'POST',
          htu: `${PUBLIC_URL}/oauth/token`,
          iat: Math.floor(Date.now() / 1000),
          ...change,
        };
        return signed({ typ: 'dpop+jwt', alg: key.alg, jwk, ...header }, claims, key);
      };
      let answer = await ask2(assertion(), { dpop: proof() });
      if (String(answer.json?.['error']) === 'use_dpop_nonce') {
        assert.ok(answer.headers['dpop-nonce']);
        answer = await ask2(assertion(), { dpop: proof() });
      }
      assert.equal(answer.json?.['token_type'], 'DPoP', answer.text);
      const token = String(answer.json?.['access_token']);
      assert.equal((await ask(it, { key: token })).code, 'invalid_credential');
      const request = { method: 'POST', url: `${PUBLIC_URL}/v1/chat/completions`, token };
      const send = (by: typeof proving) =>
        ask(it, { headers: { authorization: `DPoP ${token}`, dpop: proofFor(by, request) } });
      assert.equal((await send(proving)).status, 200);
      assert.equal((await send(own)).code, 'invalid_credential');
      for (const [name, wrong] of [
        ['another method', proof(proving, { htm: 'GET' })],
        ['another address', proof(proving, { htu: 'https://other.example/oauth/token' })],
        ['of long ago', proof(proving, { iat: 1_700_000_000 })],
        ['of another type', proof(proving, {}, { typ: 'JWT' })],
        ['two in one header', `${proof()}, ${proof()}`],
      ] as const) {
        assert.notEqual((await ask2(assertion(), { dpop: wrong })).status, 200, name);
      }
      const once = proof();
      const both = await Promise.all([ask2(assertion(), { dpop: once }), ask2(assertion(), { dpop: once })]);
      assert.equal(both.filter(({ status }) => status === 200).length, 1);
    },
  );
});

test('an address that has sent too many wrong secrets is not asked for another, not even the right one', async () => {
  await using it = await startTestGateway({ plain: true, workers: 2, config: CONFIG });
  const made = await createClient(it, '--name one --grants client_credentials --scopes inference:chat --models tiny');
  const statusWith = async (client_secret: string, path = '/oauth/token') => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', ...basic({ ...made, client_secret }) };
    return (await ask(it, { path, body: 'grant_type=client_credentials&token=x', headers })).status;
  };
  assert.equal(await statusWith(made.client_secret), 200);
  for (const _ of [1, 2, 3, 4, 5]) assert.equal(await statusWith('not-it'), 401);
  for (const name of ['token', 'introspect', 'revoke', 'par', 'device_authorization'])
    assert.equal(await statusWith(made.client_secret, `/oauth/${name}`), 429, name);
});
