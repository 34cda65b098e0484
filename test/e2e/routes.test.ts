import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { after, before, beforeEach, test } from 'node:test';
import { SCOPES } from '../../src/kernel/scope.ts';
import type { Scope } from '../../src/kernel/scope.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, type Answer } from '../support/http.ts';

/** A route, a good request, and what upstream and caller get of it. */
interface Case {
  readonly path: string;
  readonly scope: Scope;
  readonly body: Readonly<Record<string, unknown>>;
  /** What upstream gets besides the body. */
  readonly added?: Readonly<Record<string, unknown>>;
  readonly isSalted?: false;
  /** Closed unless the configuration opens it. */
  readonly isClosed?: true;
  /** Names of the answer's members. */
  readonly answer: readonly string[];
  /** A field that is closed, with a value that is not vLLM's default. */
  readonly closed: readonly [name: string, value: unknown];
  readonly isAdapter?: true;
}

const MODEL = { model: 'tiny' };
const chat = [{ role: 'user', content: 'hi there' }];
const cases: readonly Case[] = [
  {
    path: '/v1/score',
    scope: 'inference:rerank',
    body: { ...MODEL, queries: 'a', documents: ['b', 'c'] },
    answer: ['id', 'object', 'created', 'model', 'data', 'usage'],
    closed: ['priority', -1],
  },
  {
    path: '/v1/rerank',
    scope: 'inference:rerank',
    body: { ...MODEL, query: 'a', documents: ['b', 'c'], top_n: 1 },
    answer: ['id', 'model', 'usage', 'results'],
    closed: ['request_id', 'x'],
  },
  {
    path: '/v2/rerank',
    scope: 'inference:rerank',
    body: { ...MODEL, query: 'a', documents: ['b', 'c'] },
    answer: ['id', 'model', 'usage', 'results'],
    closed: ['mm_processor_kwargs', { a: 1 }],
    isClosed: true,
  },
  {
    path: '/classify',
    scope: 'inference:pooling',
    body: { ...MODEL, input: ['a'] },
    answer: ['id', 'object', 'created', 'model', 'data', 'usage'],
    closed: ['chat_template', '{{ 1 }}'],
    isClosed: true,
  },
  {
    path: '/pooling',
    scope: 'inference:pooling',
    body: { ...MODEL, input: 'a', task: 'embed' },
    answer: ['id', 'object', 'created', 'model', 'data', 'usage'],
    closed: ['data', { plugin: 1 }],
    isClosed: true,
  },
  {
    path: '/v2/embed',
    scope: 'inference:embeddings',
    body: { ...MODEL, texts: ['a'], embedding_types: ['float'] },
    isSalted: false,
    answer: ['id', 'embeddings', 'texts', 'meta', 'response_type'],
    closed: ['priority', 1],
    isClosed: true,
  },
  {
    path: '/v1/chat/completions/batch',
    scope: 'inference:chat',
    body: { ...MODEL, messages: [chat, chat] },
    added: { max_tokens: 2014 },
    answer: ['id', 'object', 'created', 'model', 'choices', 'usage'],
    closed: ['stream', true],
    isClosed: true,
  },
  {
    path: '/tokenize',
    scope: 'inference:tokenize',
    body: { ...MODEL, messages: chat },
    isSalted: false,
    answer: ['count', 'max_model_len', 'tokens'],
    closed: ['return_token_strs', true],
  },
  {
    path: '/detokenize',
    scope: 'inference:tokenize',
    body: { ...MODEL, tokens: [20, 21, 22] },
    isSalted: false,
    answer: ['prompt'],
    closed: ['return_token_ids', true],
  },
  {
    path: '/v1/load_lora_adapter',
    scope: 'lora:write',
    body: { lora_name: 'sql', lora_path: '/srv/adapters/sql' },
    isSalted: false,
    answer: ['id', 'object', 'loaded'],
    closed: ['load_inplace', true],
    isClosed: true,
    isAdapter: true,
  },
];

let open: TestGateway;
let plain: TestGateway;
let key: string;
before(async () => {
  open = await startTestGateway({
    plain: true,
    config: {
      validation: {
        openRoutes: ['rerank-v2', 'classify', 'pooling', 'embed-v2', 'chat-completions-batch'],
        loraPaths: ['/srv/adapters'],
      },
    },
  });
  plain = await startTestGateway({ plain: true });
  ({ key } = await open.issue({ scopes: SCOPES, models: ['tiny', 'sql'] }));
});
after(async () => {
  await open[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
});
beforeEach(() => open.simulator.clearReceived());

const sentTo = (path: string) => open.simulator.received().filter((request) => request.path === path);
async function refuses(answer: Answer, path: string, status: number, code: string, param?: string): Promise<void> {
  assert.deepEqual([answer.status, answer.code], [status, code], answer.text);
  if (param !== undefined) assert.equal(answer.json?.error?.['param'], param);
  assert.equal(sentTo(path).length, 0);
}

for (const { path, scope, body, added, isSalted = true, isClosed, answer: members, closed, isAdapter } of cases) {
  test(`${path} answers with what the route's API has, and upstream gets the checked body`, async () => {
    const answer = await ask(open, { path, key, body: { ...body, user: undefined } });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(Object.keys(answer.json ?? {}), members);
    assert.doesNotMatch(answer.text, /fingerprint|kv_transfer|token_ids|stop_reason|multi_modal|token_strs/);
    const [request] = sentTo(path);
    const { cache_salt: salt, ...sent } = JSON.parse(request?.body ?? '{}') as Record<string, unknown>;
    assert.deepEqual(sent, { ...body, ...added });
    if (isSalted) assert.match(String(salt), /^[A-Za-z0-9_-]{43}$/);
    else assert.equal(salt, undefined);
  });

  test(`${path} wants the scope ${scope} and nothing else`, async () => {
    const { key: narrow } = await open.issue({ scopes: [scope], models: ['tiny', 'sql'] });
    assert.equal((await ask(open, { path, key: narrow, body })).status, 200);
    open.simulator.clearReceived();
    const { key: other } = await open.issue({ scopes: SCOPES.filter((one) => one !== scope) });
    const answer = await ask(open, { path, key: other, body });
    await refuses(answer, path, 403, 'insufficient_scope');
    assert.match(answer.headers['www-authenticate'] ?? '', new RegExp(`scope="${scope}"`));
  });

  test(`${path} denies a name that was not granted, and none`, async () => {
    const name = isAdapter === true ? 'lora_name' : 'model';
    const { [name]: _, ...nameless } = body;
    await refuses(
      await ask(open, { path, key, body: { ...body, [name]: 'foreign' } }),
      path,
      403,
      'model_not_allowed',
      name,
    );
    await refuses(await ask(open, { path, key, body: nameless }), path, 403, 'model_not_allowed', name);
  });

  test(`${path} refuses ${closed[0]}, an unknown field and a caller's own salt has no effect`, async () => {
    const [name, value] = closed;
    // Of a body without such a field the name is merely unknown.
    const code = path === '/detokenize' ? 'unknown_field' : 'forbidden_field';
    await refuses(await ask(open, { path, key, body: { ...body, [name]: value } }), path, 400, code, name);
    await refuses(await ask(open, { path, key, body: { ...body, zzzz: 1 } }), path, 400, 'unknown_field', 'zzzz');
    if (!isSalted) return;
    assert.equal((await ask(open, { path, key, body: { ...body, cache_salt: 'mine' } })).status, 200);
    assert.equal(sentTo(path)[0]?.body?.includes('mine'), false);
  });

  test(`${path} is ${isClosed === true ? 'closed' : 'open'} by default`, async () => {
    const { key: all } = await plain.issue({ scopes: SCOPES, models: ['tiny', 'sql'] });
    const answer = await ask(plain, { path, key: all, body });
    assert.equal(answer.code, isClosed === true ? 'route_closed' : undefined);
    assert.equal(answer.status, isClosed === true ? 403 : 200);
  });
}

for (const path of ['/score', '/rerank']) {
  test(`${path} without its version stays closed`, async () => {
    await refuses(
      await ask(open, { path, key, body: { ...MODEL, text_1: 'a', text_2: 'b' } }),
      path,
      403,
      'route_closed',
    );
  });
}

test('two tenants score the same text with different salts, one tenant with one', async () => {
  const record = {
    id: 'other',
    models: undefined,
    limits: {},
    pool: {},
    isDisabled: false,
    createdAtMs: Date.now(),
    version: 1,
  };
  await open.gateway.admin.commit([{ kind: 'tenant', record, expectedVersion: 0 }]);
  const salt = async (tenant: string): Promise<unknown> => {
    const { key: own } = await open.issue({ tenant, scopes: ['inference:rerank'] });
    open.simulator.clearReceived();
    await ask(open, { path: '/v1/score', key: own, body: { ...MODEL, text_1: 'a', text_2: 'b' } });
    return (JSON.parse(sentTo('/v1/score')[0]?.body ?? '{}') as Record<string, unknown>)['cache_salt'];
  };
  const first = await salt('default');
  assert.equal(await salt('default'), first);
  assert.notEqual(await salt('other'), first);
});

test('64 KiB of text are tokenized and one byte more is not', async () => {
  const path = '/tokenize';
  const prompt = 'a '.repeat(32 * 1024);
  // The name of the model is text as well.
  assert.equal((await ask(open, { path, key, body: { ...MODEL, prompt: prompt.slice(4) } })).status, 200);
  open.simulator.clearReceived();
  await refuses(
    await ask(open, { path, key, body: { ...MODEL, prompt: prompt.slice(3) } }),
    path,
    400,
    'value_out_of_range',
  );
});

for (const { place, code } of [
  { place: '/srv/adapters', code: undefined },
  { place: '/srv/adapters/a/b.safetensors', code: undefined },
  { place: '/srv/adapters-of-others', code: 'forbidden_field' },
  { place: '/etc/passwd', code: 'forbidden_field' },
  { place: 'org/adapter', code: 'forbidden_field' },
  { place: '/srv/adapters/../../etc', code: 'invalid_field' },
  { place: '/srv//adapters/a', code: 'invalid_field' },
  { place: '~/adapters', code: 'invalid_field' },
]) {
  test(`an adapter from ${place} is ${code ?? 'loaded'}`, async () => {
    const path = '/v1/load_lora_adapter';
    const answer = await ask(open, { path, key, body: { lora_name: 'sql', lora_path: place } });
    if (code !== undefined) return refuses(answer, path, 400, code, 'lora_path');
    assert.deepEqual(answer.json, { id: 'sql', object: 'lora_adapter', loaded: true });
  });
}

test('an adapter cannot take the name of a model that is served', async () => {
  const path = '/v1/load_lora_adapter';
  const body = { lora_name: 'tiny', lora_path: '/srv/adapters/x' };
  await refuses(await ask(open, { path, key, body }), path, 400, 'invalid_field', 'lora_name');
});

test('the log line of a Cohere embedding has the tokens that it says', async () => {
  await ask(open, { path: '/v2/embed', key, body: { ...MODEL, texts: ['one two', 'three'] } });
  const isLogged = () => open.log.some((line) => /"route":"embed-v2".*"promptTokens":3\b/.test(line));
  // A worker tells of its requests a moment later.
  for (let i = 0; i < 100 && !isLogged(); i++) await setTimeout(20);
  assert.ok(isLogged());
});

test('the admin API tells what is open by default, what can be opened, and what the configuration has opened', async () => {
  const states = async (of: TestGateway): Promise<Record<string, string>> => {
    const { key: root } = await of.issue({ scopes: ['admin:read'] });
    const to = { url: of.gateway.adminUrl, ca: of.ca, port: 0 };
    const { json } = await ask(to, { method: 'GET', path: '/api/v1/routes', key: root });
    const items = json?.['items'] as { id: string; open: boolean; openable: boolean }[];
    return Object.fromEntries(items.map((row) => [row.id, `${row.open}/${row.openable}`]));
  };
  const [before, now] = [await states(plain), await states(open)];
  for (const id of ['score-v1', 'rerank-v1', 'tokenize', 'detokenize']) assert.equal(before[id], 'true/false', id);
  for (const id of ['rerank-v2', 'classify', 'pooling', 'embed-v2', 'chat-completions-batch']) {
    assert.deepEqual([before[id], now[id]], ['false/true', 'true/true'], id);
  }
  assert.deepEqual([before['load-lora-adapter'], now['load-lora-adapter']], ['false/false', 'true/false']);
  for (const id of ['score', 'rerank', 'unload-lora-adapter']) assert.equal(now[id], 'false/false', id);
});
