import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let it: TestGateway;
let key: string;

before(async () => {
  it = await startTestGateway({
    plain: true,
    simulator: { models: ['tiny'] },
    config: { validation: { remoteMedia: { hosts: ['img.example.org'] } } },
  });
  const { record } = await it.issue({ models: ['tiny'] });
  key = record.id;
});
after(() => it[Symbol.asyncDispose]());

const question = (body: object, change: object = {}) => ({
  key,
  method: 'POST',
  path: '/v1/chat/completions',
  address: '192.0.2.1',
  headers: {},
  body: JSON.stringify(body),
  ...change,
});
const chat = { model: 'tiny', messages: [{ role: 'user', content: 'hi' }] };
const decisions = async (asked: Parameters<TestGateway['gateway']['admin']['explain']>[0]) => {
  const found = await it.gateway.admin.explain(asked);
  assert.ok(found !== undefined);
  return found;
};

test('a good request is allowed by every stage, and what upstream would get is shown', async () => {
  const { stages, sent, fields } = await decisions(question({ ...chat, store: true, cache_salt: 'mine' }));
  assert.deepEqual(
    stages.map(({ stage, decision }) => `${stage} ${decision}`),
    [
      'network allow',
      'authenticate allow',
      'rate-limit allow',
      'route allow',
      'validate allow',
      'authorize allow',
      'conditions allow',
      'meter allow',
      'token-limit allow',
      'fetch-media allow',
      'sanitize allow',
    ],
  );
  assert.deepEqual(
    fields.map(({ name, policy, isSent }) => `${name} ${policy} ${isSent}`),
    ['model pass true', 'messages pass true', 'store drop false', 'cache_salt overwrite true'],
  );
  assert.notEqual(sent?.body['cache_salt'], 'mine');
});

for (const { asked, stage, code } of [
  { asked: question({ ...chat, priority: 1 }), stage: 'validate', code: 'forbidden_field' },
  { asked: question({ ...chat, model: 'other' }), stage: 'authorize', code: 'model_not_allowed' },
  { asked: question(chat, { path: '/invocations' }), stage: 'route', code: 'route_closed' },
  { asked: question(chat, { path: '/v1//models' }), stage: 'head', code: 'invalid_request' },
]) {
  test(`a request that is ${code} is denied by ${stage}`, async () => {
    const last = (await decisions({ ...asked, key })).stages.at(-1);
    assert.deepEqual([last?.stage, last?.decision, last?.code], [stage, 'deny', code]);
  });
}

test('a body may be as long as validation.maxBodyBytes lets requests be, and is judged as one', async () => {
  assert.equal(it.gateway.admin.maxExplainedBytes(), 8 * 1024 * 1024);
  const ofBytes = (bytes: number): string => JSON.stringify(chat).padEnd(bytes);
  for (const [bytes, code] of [
    [8 * 1024 * 1024, undefined],
    [8 * 1024 * 1024 + 1, 'body_too_large'],
  ] as const) {
    const { stages } = await decisions({ ...question(chat, { key }), body: ofBytes(bytes) });
    assert.equal(stages.find(({ stage }) => stage === 'validate')?.code, code);
  }
});

test('an image by URL is not fetched, which is said, and what upstream would get holds no URL', async () => {
  const content = [{ type: 'image_url', image_url: { url: 'https://img.example.org/a.png' } }];
  const { stages, sent } = await decisions(question({ ...chat, messages: [{ role: 'user', content }] }));
  const said = stages.find(({ stage }) => stage === 'fetch-media');
  assert.equal(said?.decision, 'allow');
  assert.match(said.message ?? '', /^Nothing was fetched\. .*: 1\.$/);
  assert.ok(stages.every(({ stage, message }) => stage === 'fetch-media' || message === undefined));
  assert.match(JSON.stringify(sent?.body), /data:,not-fetched/);
  assert.doesNotMatch(JSON.stringify(sent?.body), /https:/);
});

test('nothing is spent and nothing reaches upstream, and a key that is not there is said to be none', async () => {
  it.simulator.clearReceived();
  for (let i = 0; i < 700; i++) await decisions(question(chat, { key }));
  const own = it.simulator.received().filter(({ path }) => path === '/v1/chat/completions');
  assert.deepEqual(own, []);
  assert.equal(it.gateway.testing.held(), 0);
  assert.equal(await it.gateway.admin.explain(question(chat, { key: 'nobody' })), undefined);
});

test('what is said of stored responses is what the configuration says', async () => {
  const asked = (of: TestGateway, body: object) =>
    of
      .issue({ models: ['tiny'] })
      .then(({ record }) => of.gateway.admin.explain({ ...question(body, { path: '/v1/responses' }), key: record.id }));
  const hi = { model: 'tiny', input: 'hi', store: true, background: true };
  const closed = await asked(it, hi);
  assert.deepEqual(
    closed?.fields.map(({ name, policy, isSent }) => `${name} ${policy} ${isSent}`),
    ['model pass false', 'input pass false', 'store overwrite false', 'background deny false'],
  );
  await using storing = await startTestGateway({ plain: true, config: { validation: { storedResponses: true } } });
  const open = await asked(storing, hi);
  assert.deepEqual(
    open?.fields.map(({ name, policy, isSent }) => `${name} ${policy} ${isSent}`),
    ['model pass true', 'input pass true', 'store pass true', 'background pass true'],
  );
  const { record } = await storing.issue();
  const read = await storing.gateway.admin.explain({
    ...question({}, { method: 'GET', path: '/v1/responses/resp_1' }),
    key: record.id,
  });
  assert.deepEqual([read?.stages.at(-1)?.stage, read?.stages.at(-1)?.code], ['validate', 'unknown_response']);
});
