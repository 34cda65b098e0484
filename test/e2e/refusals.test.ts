import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, CHAT, type Ask } from '../support/http.ts';

let it: TestGateway;
let key: string;
before(async () => {
  it = await startTestGateway({
    config: { validation: { maxBodyBytes: '64KiB' }, limits: { perIp: { failuresPerMinute: 1000 } } },
  });
  ({ key } = await it.issue({ models: ['tiny', 'ghost'] }));
});
after(() => it[Symbol.asyncDispose]());
beforeEach(() => it.simulator.clearReceived());

const wrongKey = () => `${key.slice(0, 20)}${key[20] === 'a' ? 'b' : 'a'}${key.slice(21)}`;

const cases: readonly { title: string; ask: () => Ask; status: number; code: string; param?: string | null }[] = [
  { title: 'no credential', ask: () => ({}), status: 401, code: 'missing_credential' },
  { title: 'a key with a wrong checksum', ask: () => ({ key: wrongKey() }), status: 401, code: 'invalid_credential' },
  {
    title: 'another scheme',
    ask: () => ({ headers: { authorization: 'Basic eDp5' } }),
    status: 401,
    code: 'invalid_credential',
  },
  {
    title: 'two different credentials',
    ask: () => ({ key, headers: { 'x-api-key': 'sp_other' } }),
    status: 400,
    code: 'ambiguous_credential',
  },
  {
    title: 'the credential header twice',
    ask: () => ({ headers: { 'x-api-key': [key, key] } }),
    status: 400,
    code: 'ambiguous_credential',
  },
  { title: 'an unknown route', ask: () => ({ key, path: '/v1/nothing' }), status: 404, code: 'unknown_route' },
  {
    title: 'an unknown route without a credential',
    ask: () => ({ path: '/v1/nothing' }),
    status: 401,
    code: 'missing_credential',
  },
  { title: 'a closed route', ask: () => ({ key, path: '/score' }), status: 403, code: 'route_closed' },
  {
    title: 'a method that the route does not have',
    ask: () => ({ key, method: 'GET' }),
    status: 405,
    code: 'method_not_allowed',
  },
  {
    title: 'a model that was not granted',
    ask: () => ({ key, body: { ...CHAT, model: 'other' } }),
    status: 403,
    code: 'model_not_allowed',
    param: 'model',
  },
  {
    title: 'no model',
    ask: () => ({ key, body: { messages: CHAT.messages } }),
    status: 403,
    code: 'model_not_allowed',
  },
  {
    title: 'a granted model that nobody serves',
    ask: () => ({ key, body: { ...CHAT, model: 'ghost' } }),
    status: 404,
    code: 'unknown_model',
    param: 'model',
  },
  { title: 'a body that is no JSON', ask: () => ({ key, body: '{' }), status: 400, code: 'invalid_json' },
  {
    title: 'a duplicate key',
    ask: () => ({ key, body: '{"model":"tiny","model":"tiny"}' }),
    status: 400,
    code: 'duplicate_key',
  },
  {
    title: 'invalid UTF-8',
    ask: () => ({ key, body: Buffer.from('{"model":"\xff"}', 'latin1') }),
    status: 400,
    code: 'invalid_encoding',
  },
  {
    title: 'a field of the wrong type',
    ask: () => ({ key, body: { ...CHAT, temperature: 'hot' } }),
    status: 400,
    code: 'invalid_field',
    param: 'temperature',
  },
  {
    title: 'an unknown field',
    ask: () => ({ key, body: { ...CHAT, temprature: 1 } }),
    status: 400,
    code: 'unknown_field',
    param: 'temprature',
  },
  {
    title: 'a closed field',
    ask: () => ({ key, body: { ...CHAT, ignore_eos: true } }),
    status: 400,
    code: 'forbidden_field',
    param: 'ignore_eos',
  },
  {
    title: 'a value out of range',
    ask: () => ({ key, body: { ...CHAT, temperature: 3 } }),
    status: 400,
    code: 'value_out_of_range',
    param: 'temperature',
  },
  {
    title: 'a body that is too large',
    ask: () => ({ key, body: { ...CHAT, user: 'x'.repeat(65 * 1024) } }),
    status: 413,
    code: 'body_too_large',
  },
  {
    title: 'another media type',
    ask: () => ({ key, headers: { 'content-type': 'text/plain' } }),
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    title: 'a compressed body',
    ask: () => ({ key, headers: { 'content-encoding': 'gzip' } }),
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    title: 'an unknown expectation',
    ask: () => ({ key, headers: { expect: 'magic' } }),
    status: 417,
    code: 'expectation_failed',
  },
];

for (const { title, ask: question, status, code, param } of cases) {
  test(`refuses ${title} with ${status} ${code}, and nothing reaches upstream`, async () => {
    const answer = await ask(it, question());
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.code, code);
    const error = answer.json?.error ?? {};
    assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'request_id', 'type']);
    assert.equal(error['request_id'], answer.headers['x-request-id']);
    if (param !== undefined) assert.equal(error['param'], param);
    if (status === 401) assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer /);
    if (status === 405) assert.equal(answer.headers.allow, 'POST');
    assert.deepEqual(
      it.simulator.received().filter(({ path }) => path !== '/v1/models' && path !== '/version'),
      [],
    );
  });
}

test('refuses a key without the scope with 403 insufficient_scope before it reads a body', async () => {
  const { key: narrow } = await it.issue({ scopes: ['models:read'] });
  const answer = await ask(it, { key: narrow, body: 'not even JSON' });
  assert.equal(answer.code, 'insufficient_scope');
  assert.match(answer.headers['www-authenticate'] ?? '', /scope="inference:chat"/);
});

test('refuses an expired key with 401 expired_credential', async () => {
  const { key: old } = await it.issue({ expiresAtMs: Date.now() - 1 });
  assert.equal((await ask(it, { key: old })).code, 'expired_credential');
});

test('refuses a key outside its addresses with 403 ip_denied', async () => {
  const { key: elsewhere } = await it.issue({ allowIp: ['10.0.0.0/8'] });
  const answer = await ask(it, { key: elsewhere });
  assert.equal(answer.status, 403);
  assert.equal(answer.code, 'ip_denied');
});

test('accepts the same key in both credential headers as one', async () => {
  assert.equal((await ask(it, { key, headers: { 'x-api-key': key } })).status, 200);
});

test('answers health without a credential, for GET and HEAD only', async () => {
  assert.equal((await ask(it, { method: 'GET', path: '/healthz?x=1' })).status, 200);
  assert.equal((await ask(it, { method: 'HEAD', path: '/readyz' })).status, 200);
  assert.equal((await ask(it, { path: '/healthz', body: '' })).status, 405);
});

test('BR-09 says nothing of vLLM in the headers of an answer', async () => {
  const { headers, status } = await ask(it, { key });
  assert.equal(status, 200);
  for (const name of ['server', 'via', 'set-cookie', 'vary']) assert.equal(headers[name], undefined, name);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['cache-control'], 'no-store');
  assert.match(headers['strict-transport-security'] ?? '', /max-age/);
});

test('BR-06 sends upstream a head from scratch and the body that was checked', async () => {
  await ask(it, {
    key,
    headers: {
      'x-vllm-priority': '-5',
      'x-request-id': 'mine',
      'x-data-parallel-rank': '7',
      traceparent: 'x',
      cookie: 'a=b',
    },
    body: '{ "model" : "tiny", "messages":[{"role":"user","content":"h\\u0069"}],"max_tokens": 3.0 }',
  });
  const sent = it.simulator.received().find(({ path }) => path === '/v1/chat/completions');
  assert.ok(sent);
  const names = sent.headers.map(([name]) => name.toLowerCase()).sort();
  assert.deepEqual(names, ['accept', 'connection', 'content-length', 'content-type', 'host', 'x-request-id']);
  assert.equal(JSON.stringify(sent.headers).includes('mine'), false);
  assert.match(
    sent.body ?? '',
    /^\{"model":"tiny","messages":\[\{"role":"user","content":"hi"\}\],"max_tokens":3,"cache_salt":"[A-Za-z0-9_-]{43}"\}$/,
  );
});
