import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fetch, Agent, type Response } from 'undici';
import { connected } from '../support/connected.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

/**
 * Stands for Cursor, whose agent asks from its maker's servers and so cannot be run here: what it is known to send
 * (`test/data/cursor.json`, each field with its source), to the URL and with the model that `connect cursor` prints.
 */
interface Message {
  readonly role: string;
  readonly content: string;
}
interface Recorded {
  readonly sources: Readonly<Record<string, string>>;
  readonly editor: { readonly origin: string; readonly from: readonly string[] };
  readonly fields: Readonly<Record<string, string>>;
  readonly agent: { readonly messages: readonly Message[]; readonly tools: readonly object[] };
  readonly toolResult: string;
  readonly later: object;
  readonly customTool: object;
  readonly refused: readonly { readonly name: string; readonly body: object; readonly param: string }[];
}
const cursor = JSON.parse(readFileSync(new URL('../data/cursor.json', import.meta.url), 'utf8')) as Recorded;
const { origin } = cursor.editor;

interface Call {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: string };
}
interface Chunk {
  readonly choices: readonly {
    readonly delta: { readonly content?: string | null; readonly tool_calls?: readonly Partial<Call>[] };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: object | null;
}

let gateway: TestGateway;
let dispatcher: Agent;
let key = { key: '', id: '' };
let baseUrl = '';
let model = '';
before(async () => {
  gateway = await startTestGateway({ config: { listen: { cors: { origins: [origin] } } } });
  const made = await gateway.issue();
  key = { key: made.key, id: made.record.id };
  dispatcher = new Agent({ connect: { ca: gateway.ca ?? '' } });
  const text = (await connected(gateway, 'cursor', key)).notes.join('\n');
  baseUrl = /Override OpenAI Base URL = (\S+),/.exec(text)?.[1] ?? '';
  model = /Add Custom Model = (\S+)\./.exec(text)?.[1] ?? '';
});
after(async () => {
  await dispatcher.close();
  await gateway[Symbol.asyncDispose]();
});

const ask = (path: string, method: string, more: Record<string, string> = {}, body?: object): Promise<Response> =>
  fetch(`${baseUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json', ...more },
    ...(body === undefined ? {} : { body: JSON.stringify({ model, ...body }) }),
    dispatcher,
  });
const chat = (body: object): Promise<Response> => ask('/chat/completions', 'POST', {}, body);

/** What a stream says in the end. */
async function answerOf(response: Response): Promise<{ text: string; call: Call | undefined; ends: string[] }> {
  const events = (await response.text()).split('\n\n').filter((event) => event.startsWith('data: {'));
  assert.equal(response.status, 200, events.join('\n'));
  const choices = events.flatMap((event) => (JSON.parse(event.slice('data: '.length)) as Chunk).choices);
  const deltas = choices.flatMap(({ delta }) => delta.tool_calls ?? []);
  const [first] = deltas;
  const args = deltas.map((delta) => delta.function?.arguments ?? '').join('');
  return {
    text: choices.map(({ delta }) => delta.content ?? '').join(''),
    call:
      first?.id === undefined
        ? undefined
        : { id: first.id, function: { name: first.function?.name ?? '', arguments: args } },
    ends: choices.flatMap(({ finish_reason: end }) => end ?? []),
  };
}

/** Paths of all members; what a tool's author names is not looked into. */
function pathsOf(value: unknown, path = ''): string[] {
  if (/(parameters|input_schema|format|input|content\[\]\.input)$/.test(path) && path !== 'input') return [path];
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, item]) => pathsOf(item, path === '' ? name : `${path}.${name}`));
}

test('every field of the replay has its source', () => {
  const bodies = [
    cursor.agent,
    cursor.later,
    { tools: [cursor.customTool] },
    ...cursor.refused.map(({ body }) => body),
  ];
  const used = bodies.flatMap((body) => pathsOf(body));
  assert.deepEqual(
    used.filter((path) => !Object.hasOwn(cursor.fields, path)),
    [],
  );
  const named = [...Object.values(cursor.fields), ...cursor.editor.from];
  assert.deepEqual(
    named.filter((source) => !Object.hasOwn(cursor.sources, source)),
    [],
  );
});

test('Verify: the editor may ask for a chat and the models from its own origin', async () => {
  for (const { path, method, body } of [
    { path: '/chat/completions', method: 'POST', body: { messages: [{ role: 'user', content: 'Hello' }] } },
    { path: '/models', method: 'GET', body: undefined },
  ]) {
    const preflight = await fetch(`${baseUrl}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type',
      },
      dispatcher,
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /authorization/i);
    const answer = await ask(path, method, { origin }, body);
    assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [200, origin]);
    assert.ok((await answer.text()).includes(model));
  }
});

for (const [name, more] of [
  ['as it was recorded', {}],
  ['with what later releases add', cursor.later],
] as const) {
  test(`the agent calls a tool and goes on with its result, ${name}`, async () => {
    const { agent } = cursor;
    const first = await answerOf(await chat({ ...agent, ...more }));
    assert.deepEqual([first.call?.function.name, first.ends], ['read_file', ['tool_calls']]);
    const call = { type: 'function', id: first.call?.id, index: 0, function: first.call?.function };
    const messages = [
      ...agent.messages,
      { role: 'assistant', content: '', tool_calls: [call] },
      { role: 'tool', name: 'read_file', tool_call_id: call.id, content: cursor.toolResult },
    ];
    const second = await answerOf(await chat({ ...agent, ...more, messages }));
    assert.ok(second.text !== '' && second.call === undefined, JSON.stringify(second));

    const sent = JSON.parse(gateway.simulator.received().at(-1)?.body ?? '{}') as {
      messages: { role: string; content: string }[];
      reasoning?: object;
    };
    assert.equal(sent.reasoning, undefined, 'vLLM would ignore it');
    assert.deepEqual(
      sent.messages.map(({ role, content }) => [role, content]),
      messages.map(({ role, content }) => [role, content]),
    );
  });
}

test('a custom tool among functions is left out, and the answer says so', async () => {
  const response = await chat({ ...cursor.agent, tools: [...cursor.agent.tools, cursor.customTool] });
  assert.equal(response.headers.get('x-sallyport-adjusted'), 'tools=dropped');
  assert.equal((await answerOf(response)).call?.function.name, 'read_file');
});

for (const { name, body, param } of cursor.refused) {
  test(`${name}, is refused, as by vLLM itself`, async () => {
    const response = await chat(body);
    const { error } = (await response.json()) as { error: { param: string } };
    assert.deepEqual([response.status, error.param], [400, param]);
  });
}

test('a model that is named after another maker is told of, with what to do', async () => {
  const alias = /another name by models\.aliases/;
  assert.doesNotMatch((await connected(gateway, 'cursor', key)).notes.join('\n'), alias);
  const { record, key: value } = await gateway.issue({ models: ['openai/gpt-oss-20b'] });
  assert.match((await connected(gateway, 'cursor', { key: value, id: record.id })).notes.join('\n'), alias);
});
