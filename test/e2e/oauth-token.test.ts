import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { fetchVia, PUBLIC_URL } from '../support/oauth.ts';
import { createStockClient } from '../support/people.ts';

describe('the token endpoint', () => {
  let it: TestGateway;
  let job: Awaited<ReturnType<typeof createStockClient>>;
  before(async () => {
    it = await startTestGateway({
      plain: true,
      config: { listen: { publicUrl: PUBLIC_URL }, limits: { perIp: { failuresPerMinute: 12 } } },
    });
    job = await createStockClient(it, '--name job --grants client_credentials --scopes inference:chat --models tiny');
  });
  after(() => it[Symbol.asyncDispose]());

  const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  async function token(
    fields: Record<string, string> | string,
    { authorization = basic(job.id, job.secret ?? ''), query = '', type = 'application/x-www-form-urlencoded' } = {},
  ) {
    const answer = await fetchVia(it)(`${PUBLIC_URL}/oauth/token${query}`, {
      method: 'POST',
      headers: { 'content-type': type, ...(authorization === '' ? {} : { authorization }) },
      body: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
    });
    const json = (await answer.json()) as Record<string, unknown>;
    return { status: answer.status, headers: answer.headers, json };
  }
  const grant = { grant_type: 'client_credentials' };
  const inQuery = () => `?client_id=${job.id}&client_secret=${job.secret}`;

  test('TK-01: credentials in the address, in the body, or as JSON are none', async () => {
    for (const [fields, more] of [
      [grant, { authorization: '', query: inQuery() }],
      [{ ...grant, client_id: job.id, client_secret: job.secret ?? '' }, { authorization: '' }],
      [JSON.stringify(grant), { type: 'application/json' }],
    ] as const) {
      const { status, json } = await token(fields, more);
      assert.ok(status === 400 || status === 401, String(status));
      assert.equal(json['access_token'], undefined);
    }
    const { status } = await fetchVia(it)(`${PUBLIC_URL}/oauth/token${inQuery()}&grant_type=client_credentials`);
    assert.ok(status >= 400);
  });

  test('TK-02: answers are stored by nobody', async () => {
    for (const one of [await token(grant), await token({ grant_type: 'nothing' })])
      assert.equal(one.headers.get('cache-control'), 'no-store');
  });

  test('TK-03, TK-09: a wrong secret and an unknown client are the same 401, with its challenge', async () => {
    const [wrong, unknown] = [
      await token(grant, { authorization: basic(job.id, 'spcs_wrong') }),
      await token(grant, { authorization: basic('c_0000000000000000', 'spcs_wrong') }),
    ];
    for (const { status, headers, json } of [wrong, unknown]) {
      assert.equal(status, 401);
      assert.equal(json['error'], 'invalid_client');
      assert.match(headers.get('www-authenticate') ?? '', /^Basic /);
    }
    assert.equal(wrong.json['error_description'], unknown.json['error_description']);
  });

  test('TK-05: a token lives for ten minutes at most, and is for this gateway alone', async () => {
    const { json } = await token(grant);
    assert.equal(json['expires_in'], 600);
    const claims = JSON.parse(
      Buffer.from(String(json['access_token']).split('.')[1] ?? '', 'base64url').toString(),
    ) as Record<string, unknown>;
    assert.equal(claims['aud'], PUBLIC_URL);
    assert.equal(Number(claims['exp']) - Number(claims['iat']), 600);
  });

  test('TK-06, RT-01: a client gets its own scopes for itself, and no refresh token', async () => {
    const { json } = await token({ ...grant, scope: 'inference:chat admin:write offline_access' });
    assert.equal(json['scope'], 'inference:chat');
    assert.equal(json['refresh_token'], undefined);
    assert.equal((await token({ ...grant, scope: 'admin:write' })).json['error'], 'invalid_scope');
  });

  test('TK-07: a token for somebody else is invalid_target', async () => {
    for (const resource of ['https://other.example.org', 'not a uri', `${PUBLIC_URL}/#part`])
      assert.equal((await token({ ...grant, resource })).json['error'], 'invalid_target', resource);
    assert.equal((await token({ ...grant, resource: PUBLIC_URL })).status, 200);
  });

  test('TK-08: a grant that the client does not have is unauthorized_client', async () => {
    for (const grant_type of ['authorization_code', 'refresh_token']) {
      const { json } = await token({ grant_type, code: 'x', refresh_token: 'x' });
      assert.equal(json['error'], 'unauthorized_client', grant_type);
    }
  });
});
