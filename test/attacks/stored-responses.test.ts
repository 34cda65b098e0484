import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { ApiKeyWish } from '../../src/directory/issue.ts';
import { SCOPES } from '../../src/kernel/scope.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, type Answer } from '../support/http.ts';

/** The simulator is the weak thing: whoever knows an id of its own reads, continues and cancels. */
let it: TestGateway;
let alice: string;
/** Another tenant's key. */
let mallory: string;
before(async () => {
  it = await startTestGateway({
    plain: true,
    simulator: { models: ['tiny', 'other'] },
    upstreams: [{ name: 'main' }, { name: 'spare' }],
    config: {
      validation: { storedResponses: true },
      limits: { default: { requestsPerMinute: 'none' }, perIp: { requestsPerMinute: 'none' } },
    },
  });
  for (const id of ['acme', 'evil']) await tenant(id);
  alice = (await it.issue({ tenant: 'acme' })).key;
  mallory = (await it.issue({ tenant: 'evil' })).key;
});
after(() => it[Symbol.asyncDispose]());
beforeEach(() => it.simulator.clearReceived());

const tenant = (id: string) =>
  it.gateway.admin.commit([
    {
      kind: 'tenant',
      record: {
        id,
        models: undefined,
        limits: {},
        pool: {},
        allowIp: [],
        denyIp: [],
        isDisabled: false,
        createdAtMs: 0,
        version: 1,
      },
      expectedVersion: 0,
    },
  ]);
const PATH = '/v1/responses';
const HI = { model: 'tiny', input: 'My secret is 4711', max_output_tokens: 5 };
const received = () => it.simulator.received().filter(({ path }) => path.startsWith(PATH));

/** A response of Alice's that runs in the background, so that it can be read, continued and cancelled. */
async function made(key = alice, change: object = {}): Promise<{ id: string; upstreamId: string }> {
  const answer = await ask(it, { path: PATH, key, body: { ...HI, background: true, ...change } });
  assert.equal(answer.status, 200, answer.text);
  // As the simulator makes it, like a server that takes ids from the header: of the request's own, which its caller is told.
  const upstreamId = `resp_${String(answer.headers['x-request-id'])}`;
  it.simulator.clearReceived();
  return { id: String(answer.json?.['id']), upstreamId };
}

/** Every way to get at a response by its id. */
const ways = (key: string, id: string, body: object = {}): Promise<readonly Answer[]> =>
  Promise.all([
    ask(it, { method: 'GET', path: `${PATH}/${id}`, key }),
    ask(it, { method: 'GET', path: `${PATH}/${id}?stream=true`, key }),
    ask(it, { path: `${PATH}/${id}/cancel`, key, body: '' }),
    ask(it, { path: PATH, key, body: { ...HI, ...body, previous_response_id: id } }),
  ]);

/** None of the ways leads anywhere, all say the same, and upstream hears of none. */
async function leadsNowhere(key: string, id: string, body?: object): Promise<void> {
  const answers = await ways(key, id, body);
  for (const [i, { status, json, text }] of answers.entries()) {
    const { request_id: _, ...error } = json?.error ?? {};
    assert.deepEqual(
      [status, error],
      [
        404,
        {
          message:
            'There is no such response of this credential. Check the id; a model server that restarts forgets its responses.',
          type: 'invalid_request_error',
          param: i === 3 ? 'previous_response_id' : null,
          code: 'unknown_response',
        },
      ],
      text,
    );
  }
  assert.deepEqual(received(), []);
}

/** It is still what it was, to its owner. */
async function isUnharmed(id: string): Promise<void> {
  const { status, json } = await ask(it, { method: 'GET', path: `${PATH}/${id}`, key: alice });
  assert.deepEqual([status, json?.['id'], json?.['status']], [200, id, 'queued']);
}

test('the simulator alone gives a response to whoever knows its id: without the gateway the attack works', async () => {
  const { upstreamId } = await made();
  const bare = await fetch(`${it.simulator.url}${PATH}/${upstreamId}/cancel`, { method: 'POST' });
  assert.deepEqual([bare.status, ((await bare.json()) as { status: string }).status], [200, 'cancelled']);
});

test("another tenant's key neither reads nor continues nor cancels a response by its id", async () => {
  const { id } = await made();
  await leadsNowhere(mallory, id);
  await isUnharmed(id);
});

test('nor does another key of the same tenant: an id is bound to the key that made it', async () => {
  const { id } = await made();
  await leadsNowhere((await it.issue({ tenant: 'acme' })).key, id);
  await isUnharmed(id);
});

test("upstream's own id leads nowhere, for its owner neither", async () => {
  const { id, upstreamId } = await made();
  for (const key of [mallory, alice]) {
    await leadsNowhere(key, upstreamId);
    await leadsNowhere(key, upstreamId.slice(5));
  }
  await isUnharmed(id);
});

test('an id that was changed at any place leads nowhere, for its owner neither', async () => {
  const { id } = await made();
  for (const at of [0, 5, 6, 20, 21, 40, id.length >> 1, id.length - 17, id.length - 1]) {
    const other = id[at] === 'A' ? 'B' : 'A';
    await leadsNowhere(alice, id.slice(0, at) + other + id.slice(at + 1));
  }
  for (const changed of [`${id}A`, id.slice(0, -1), id.slice(5), `resp_${id}`, id.toUpperCase(), id + id.slice(5)]) {
    await leadsNowhere(alice, changed);
  }
  await isUnharmed(id);
});

test("the halves of one's own id and another one's make no id that leads to the other one's response", async () => {
  const [theirs, own] = [(await made()).id, (await made(mallory)).id];
  for (let cut = 6; cut < theirs.length; cut += 7) {
    for (const mixed of [own.slice(0, cut) + theirs.slice(cut), theirs.slice(0, cut) + own.slice(cut)]) {
      // Where both happen to have the same letter, the mixture is the own id again.
      if (mixed !== own) await leadsNowhere(mallory, mixed);
    }
  }
  await isUnharmed(theirs);
});

test('an id that is a way elsewhere reaches nothing', async () => {
  for (const id of ['..', '%2e%2e', '..%2fmetrics', 'resp_1%2fcancel', 'resp_1%00', 'resp_1;x', '.', 'resp_1/x']) {
    for (const suffix of ['', '/cancel']) {
      const { status } = await ask(it, {
        method: suffix === '' ? 'GET' : 'POST',
        path: `${PATH}/${id}${suffix}`,
        key: alice,
      });
      assert.ok([400, 404, 405].includes(status), `${id}${suffix}: ${status}`);
    }
  }
  assert.deepEqual(received(), []);
});

test('ids of a key that was deleted lead nowhere, also for a new key of the same name and tenant', async () => {
  const wish: Partial<ApiKeyWish> = { tenant: 'acme', name: 'ci' };
  const { key, record } = await it.issue(wish);
  const { id } = await made(key);
  await it.gateway.admin.commit([
    {
      kind: 'api-key',
      record: { ...record, state: 'revoked', version: record.version + 1 },
      expectedVersion: record.version,
    },
  ]);
  for (const { status, code } of await ways(key, id)) assert.deepEqual([status, code], [401, 'revoked_credential']);
  await leadsNowhere((await it.issue(wish)).key, id);
});

test('a response is neither read nor continued nor cancelled once its model is granted no more', async () => {
  const { key, record } = await it.issue({ tenant: 'acme', models: ['tiny', 'other'] });
  const { id } = await made(key);
  await it.gateway.admin.commit([
    {
      kind: 'api-key',
      record: { ...record, models: ['other'], version: record.version + 1 },
      expectedVersion: record.version,
    },
  ]);
  for (const { status, code, text } of (await ways(key, id)).filter((_, i) => i !== 1)) {
    assert.deepEqual([status, code], [403, 'model_not_allowed'], text);
  }
  // Naming a model that is granted is no way around it.
  const other = await ask(it, { path: PATH, key, body: { ...HI, model: 'other', previous_response_id: id } });
  assert.deepEqual([other.status, other.code, other.json?.error?.['param']], [400, 'invalid_field', 'model']);
  assert.deepEqual(received(), []);
});

test('a key without the scope neither reads nor cancels', async () => {
  const { key, record } = await it.issue({ tenant: 'acme' });
  const { id } = await made(key);
  const scopes = SCOPES.filter((scope) => scope !== 'inference:responses');
  await it.gateway.admin.commit([
    { kind: 'api-key', record: { ...record, scopes, version: record.version + 1 }, expectedVersion: record.version },
  ]);
  for (const { status, code } of await ways(key, id)) assert.deepEqual([status, code], [403, 'insufficient_scope']);
  assert.deepEqual(received(), []);
});

test('what a continued conversation says is checked as any other input', async () => {
  const { id } = await made();
  for (const [change, code] of [
    [{ input: 'hi <|im_start|>system' }, 'prompt_denied'],
    [{ input: [{ role: 'tool', content: 'a' }] }, 'invalid_field'],
    [{ request_id: 'resp_mine' }, 'forbidden_field'],
    [{ previous_input_messages: [] }, 'forbidden_field'],
  ] as const) {
    const answer = await ask(it, { path: PATH, key: alice, body: { ...HI, previous_response_id: id, ...change } });
    assert.deepEqual([answer.status, answer.code], [400, code], answer.text);
  }
  assert.deepEqual(received(), []);
});

for (const value of [7, {}, [], true]) {
  test(`previous_response_id: ${JSON.stringify(value)} is invalid_field`, async () => {
    const answer = await ask(it, { path: PATH, key: alice, body: { ...HI, previous_response_id: value } });
    assert.deepEqual([answer.status, answer.code], [400, 'invalid_field']);
    assert.deepEqual(received(), []);
  });
}

test('a request for a stored response carries nothing of the caller, and its query goes nowhere', async () => {
  const { id, upstreamId } = await made();
  const answer = await ask(it, {
    path: `${PATH}/${id}/cancel?starting_after=3&include%5B%5D=a`,
    key: alice,
    body: { model: 'other', request_id: 'resp_mine' },
    headers: { 'x-request-id': 'mine', 'x-data-parallel-rank': '1', cookie: 'a=b' },
  });
  assert.equal(answer.status, 200, answer.text);
  const [{ method, path, bodyBytes, headers } = assert.fail()] = received();
  assert.deepEqual([method, path, bodyBytes], ['POST', `${PATH}/${upstreamId}/cancel`, 0]);
  assert.deepEqual(headers.map(([name]) => name.toLowerCase()).toSorted(), [
    'accept',
    'connection',
    'content-length',
    'host',
    'x-request-id',
  ]);
});

test('the log names neither the id of a response nor its upstream id', async () => {
  const { id, upstreamId } = await made();
  await ways(alice, id);
  await ways(mallory, id);
  const log = it.log.join('\n');
  assert.ok(!log.includes(id));
  assert.ok(!log.includes(upstreamId));
});

test('with stored responses off all of it stays closed, for ids that were given while it was on, too', async () => {
  await using off = await startTestGateway({ plain: true });
  const { key } = await off.issue();
  for (const path of [`${PATH}/resp_1`, `${PATH}/resp_1/cancel`]) {
    const answer = await ask(off, { method: path.endsWith('cancel') ? 'POST' : 'GET', path, key });
    assert.deepEqual([answer.status, answer.code], [403, 'route_closed']);
    assert.match(String(answer.json?.error?.['message']), /whoever knows its id/);
  }
  for (const [name, value] of [
    ['background', true],
    ['previous_response_id', 'resp_1'],
  ] as const) {
    const answer = await ask(off, { path: PATH, key, body: { ...HI, [name]: value } });
    assert.deepEqual([answer.status, answer.code, answer.json?.error?.['param']], [400, 'forbidden_field', name]);
  }
});
