import Anthropic from '@anthropic-ai/sdk';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';

let gateway: TestGateway;
let key = '';
before(async () => {
  gateway = await startTestGateway({
    plain: true,
    config: { models: { aliases: { 'gpt-4o': 'tiny', small: 'tiny', gone: 'not-served' } } },
  });
  ({ key } = await gateway.issue({ models: ['tiny'] }));
});
after(() => gateway[Symbol.asyncDispose]());

const openai = () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 });
const messages = [{ role: 'user' as const, content: 'Hello' }];

/** Models that upstream was asked for since the last look. */
async function asked(): Promise<unknown[]> {
  const url = `${gateway.simulator.url}/_simulator/requests`;
  const list = (await (await fetch(url)).json()) as { method: string; body?: string }[];
  await fetch(url, { method: 'DELETE' });
  return list
    .filter(({ method }) => method === 'POST')
    .map(({ body }) => (JSON.parse(body ?? '{}') as { model?: unknown }).model);
}

test('an alias reaches upstream as the served name, and the answer shows the alias', async () => {
  const answer = await openai().chat.completions.create({ model: 'gpt-4o', messages });
  assert.equal(answer.model, 'gpt-4o');
  const models = new Set<string>();
  for await (const part of await openai().chat.completions.create({ model: 'small', messages, stream: true }))
    models.add(part.model);
  assert.deepEqual([...models], ['small']);
  assert.equal((await openai().completions.create({ model: 'small', prompt: 'Hello' })).model, 'small');
  assert.equal((await openai().embeddings.create({ model: 'small', input: 'Hello' })).model, 'small');
  assert.deepEqual(await asked(), ['tiny', 'tiny', 'tiny', 'tiny']);
});

test('events with names show the alias where they name the model', async () => {
  const anthropic = new Anthropic({ baseURL: gateway.url, apiKey: key, maxRetries: 0 });
  const message = await anthropic.messages.stream({ model: 'small', max_tokens: 5, messages }).finalMessage();
  assert.equal(message.model, 'small');
  const models = new Set<string>();
  for await (const event of await openai().responses.create({ model: 'small', input: 'Hello', stream: true })) {
    if ('response' in event) models.add(event.response.model);
  }
  assert.deepEqual([...models], ['small']);
  assert.deepEqual(await asked(), ['tiny', 'tiny']);
});

test('an answer by the served name shows that, as before', async () => {
  assert.equal((await openai().chat.completions.create({ model: 'tiny', messages })).model, 'tiny');
  await asked();
});

test('the list shows the aliases whose model the caller may use and that is served', async () => {
  const ids = async (models: readonly string[]) => {
    const made = await gateway.issue({ models });
    const { json } = await ask(gateway, { method: 'GET', path: '/v1/models', key: made.key });
    const data = (json?.['data'] ?? []) as { id: string }[];
    return data.map(({ id }) => id).sort();
  };
  assert.deepEqual(await ids(['tiny']), ['gpt-4o', 'small', 'tiny']);
  assert.deepEqual(await ids(['*']), ['gpt-4o', 'small', 'tiny']);
  assert.deepEqual(await ids(['other', 'small']), []);
});

test('a grant of an alias opens nothing: what it means is the configuration, which may change', async () => {
  const made = await gateway.issue({ models: ['small'] });
  const { status, code } = await ask(gateway, { key: made.key, body: { model: 'small', messages } });
  assert.deepEqual([status, code], [403, 'model_not_allowed']);
  assert.deepEqual(await asked(), []);
});

test('an alias of what nobody serves is unknown_model to who is granted it, and model_not_allowed to others', async () => {
  const granted = await gateway.issue({ models: ['*'] });
  assert.equal((await ask(gateway, { key: granted.key, body: { model: 'gone', messages } })).code, 'unknown_model');
  assert.equal((await ask(gateway, { key, body: { model: 'gone', messages } })).code, 'model_not_allowed');
});

test('a policy means a model by whichever of its names, and holds for all of them', async () => {
  const run = async (line: string) => assert.equal((await sallyport(gateway.stateDir, line)).exit, 0, line);
  const refused = { status: 403, code: 'condition_failed' };
  for (const name of ['gpt-4o', 'tiny']) {
    await run(`policies create closed --effect deny --models ${name}`);
    for (const model of ['gpt-4o', 'small', 'tiny'])
      await assert.rejects(openai().chat.completions.create({ model, messages }), refused);
    assert.deepEqual((await openai().models.list()).data, []);
    await run('policies delete closed');
  }
  await openai().chat.completions.create({ model: 'gpt-4o', messages });
});
