import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { defaultSimulatorOptions } from './options.ts';
import { createResponseStore } from './response-store.ts';
import { answerRequest } from './simulator.ts';

const IDLE = { running: 0, waiting: 0, peak: 0, queries: 1, hits: 0 };

/** A request that a real vLLM 0.32.0 was sent, and how closely the simulator must give the recorded answer. */
interface Case {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly models?: readonly string[];
  readonly maxModelLen?: number;
  readonly apiKey?: string;
}

const HELLO = '"model":"tiny","messages":[{"role":"user","content":"hello"}]';
const HI = '"model":"tiny","messages":[{"role":"user","content":"hi"}],"max_tokens":2';
const chat = (name: string, rest: string): Case => ({ name, body: `{${HELLO}${rest}}` });
const hi = (name: string, rest: string): Case => ({ name, body: `{${HI}${rest}}` });
const path = (name: string, path: string, body: string): Case => ({ name, path, body });
const get = (name: string, path: string): Case => ({ name, method: 'GET', path });
const ZQ = 'zq '.repeat(2100);

/** Answers whose words, ids and times differ, but nothing else may. */
const sameShape: readonly Case[] = [
  chat('chat', ',"max_tokens":6,"temperature":0'),
  chat('chat-n2', ',"max_tokens":2,"n":2,"seed":1'),
  chat('chat-stream', ',"max_tokens":6,"temperature":0,"stream":true'),
  chat('chat-stream-usage', ',"max_tokens":6,"stream":true,"stream_options":{"include_usage":true}'),
  chat(
    'chat-stream-continuous-usage',
    ',"max_tokens":6,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}',
  ),
  path('completions', '/v1/completions', '{"model":"tiny","prompt":"hello","max_tokens":6,"temperature":0}'),
  path('completions-list-prompt', '/v1/completions', '{"model":"tiny","prompt":["a","b"],"max_tokens":2}'),
  path(
    'completions-stream',
    '/v1/completions',
    '{"model":"tiny","prompt":"hello","max_tokens":3,"stream":true,"stream_options":{"include_usage":true}}',
  ),
  path('embeddings', '/v1/embeddings', '{"model":"tiny","input":"hello"}'),
  path('messages', '/v1/messages', `{"max_tokens":6,"temperature":0,${HELLO}}`),
  path('messages-stream', '/v1/messages', `{"max_tokens":6,"temperature":0,${HELLO},"stream":true}`),
  path('responses', '/v1/responses', '{"model":"tiny","input":"hello","max_output_tokens":6,"temperature":0}'),
  path(
    'responses-stream',
    '/v1/responses',
    '{"model":"tiny","input":"hello","max_output_tokens":6,"temperature":0,"stream":true}',
  ),
  path('embeddings-base64', '/v1/embeddings', '{"model":"tiny","input":"hello","encoding_format":"base64"}'),
  path('embeddings-list', '/v1/embeddings', '{"model":"tiny","input":["a","b"]}'),
  path('score', '/v1/score', '{"model":"tiny","text_1":"a","text_2":["b","c"]}'),
  path('rerank', '/v1/rerank', '{"model":"tiny","query":"a","documents":["b","c"],"top_n":1}'),
  path('rerank-v2', '/v2/rerank', '{"model":"tiny","query":"a","documents":["b","c"]}'),
  path('classify', '/classify', '{"model":"tiny","input":"hello"}'),
  path('pooling', '/pooling', '{"model":"tiny","input":"hello"}'),
  path('tokenize', '/tokenize', '{"model":"tiny","prompt":"hello world"}'),
  path('tokenize-chat', '/tokenize', '{"model":"tiny","messages":[{"role":"user","content":"hello"}]}'),
  path('tokenize-token-strs', '/tokenize', '{"model":"tiny","prompt":"hello world","return_token_strs":true}'),
  path(
    'chat-batch',
    '/v1/chat/completions/batch',
    '{"model":"tiny","messages":[[{"role":"user","content":"hello"}],[{"role":"user","content":"hello"}]],"max_tokens":2}',
  ),
];

/** Answers that are the same to the byte, their head included. */
const same: readonly Case[] = [
  get('version', '/version'),
  get('health', '/health'),
  get('ping', '/ping'),
  get('load', '/load'),
  get('error-404-path', '/v1/nope'),
  get('responses-404-id', '/v1/responses/resp_none'),
  get('error-405', '/v1/chat/completions'),
  { ...get('api-key-401', '/v1/models'), apiKey: 'secret' },
  { name: 'error-404-model', body: '{"model":"nope","messages":[]}' },
  { name: 'error-stream-404-model', body: '{"model":"nope","messages":[],"stream":true}' },
  chat('error-400-bad-type', ',"temperature":"hot"'),
  { name: 'error-400-missing-messages', body: '{"model":"tiny"}' },
  chat('error-400-temperature-range', ',"temperature":-1'),
  chat('error-context-length', ',"max_tokens":5000'),
  path('error-context-length-completions', '/v1/completions', `{"model":"tiny","prompt":"${ZQ}"}`),
  { name: 'error-context-length-prompt', body: `{"model":"tiny","messages":[{"role":"user","content":"${ZQ}"}]}` },
  chat('error-n-zero', ',"n":0'),
  chat('error-stream-options-without-stream', ',"stream_options":{"include_usage":true}'),
  chat('error-tool-choice-no-tools', ',"tool_choice":"required"'),
  path('embeddings-dimensions', '/v1/embeddings', '{"model":"tiny","input":"hello","dimensions":8}'),
  {
    ...path('embeddings-too-long', '/v1/embeddings', `{"model":"tiny","input":"${'zq '.repeat(2000)}"}`),
    maxModelLen: 256,
  },
  path('detokenize', '/detokenize', '{"model":"tiny","tokens":[20,21,22]}'),
  path(
    'v2-embed',
    '/v2/embed',
    '{"model":"tiny","texts":["hello"],"input_type":"search_query","embedding_types":["float"]}',
  ),
  path('messages-400', '/v1/messages', `{${HELLO}}`),
  path('messages-404-model', '/v1/messages', `{"max_tokens":6,${HELLO.replace('tiny', 'nope')}}`),
  path('messages-count-tokens', '/v1/messages/count_tokens', `{${HELLO}}`),
  { name: 'array-body', body: '[]' },
  { name: 'empty-body', body: '' },
  { name: 'not-json', body: 'hello' },
  hi('trailing-comma', ','),
  { name: 'trailing-garbage', body: `{${HI}} {"x":1}` },
  { name: 'invalid-utf8', body: Buffer.from(`{${HI},"x":"\xff\xfe"}`, 'latin1') },
  hi('deep-nesting-json', `,"x":${'['.repeat(100_000)}${']'.repeat(100_000)}`),
  hi('huge-int-max-tokens', `,"max_tokens":99999999999999999999999999`),
  hi('huge-int-5000-digits', `,"max_tokens":${'9'.repeat(5000)}`),
  hi('huge-int-seed', ',"seed":99999999999999999999999999'),
  hi('nan-temperature', ',"temperature":NaN'),
  hi('nan-top-p', ',"top_p":NaN'),
  hi('infinity-temperature', ',"temperature":Infinity'),
  hi('float-1e400', ',"temperature":1e400'),
  { name: 'lone-surrogate', body: '{"model":"tiny","messages":[{"role":"user","content":"a\\ud800b"}]}' },
  { ...chat('content-type-form', ''), headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  { ...chat('path-trailing-slash', ''), path: '/v1/chat/completions/' },
  {
    name: 'cors-preflight',
    method: 'OPTIONS',
    headers: {
      origin: 'https://a.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  },
];

for (const one of sameShape) {
  test(`answers ${one.name} with the recorded keys, types and headers`, () => {
    const recorded = readRecording(one.name);
    const answer = answerCase(one);
    assert.equal(answer.status, recorded.status);
    assert.deepEqual(answer.headers, recorded.headers);
    assert.deepEqual(shapeOfBody(answer.body), shapeOfBody(recorded.body));
  });
}

for (const one of same) {
  test(`answers ${one.name} as recorded to the byte`, () => {
    assert.deepEqual(answerCase(one), readRecording(one.name));
  });
}

test('answers /v1/models with the recorded keys and types of a base model', () => {
  const recorded: { data: unknown[] } = JSON.parse(readRecording('models').body);
  const expected = shapeOf({ ...recorded, data: recorded.data.slice(0, 1) });
  assert.deepEqual(shapeOf(JSON.parse(answerCase(get('models', '/v1/models')).body)), expected);
});

function answerCase(one: Case) {
  const { body = '', headers = {}, method = 'POST', path: target = '/v1/chat/completions' } = one;
  const head = { host: '127.0.0.1:8000', 'content-type': 'application/json', ...headers };
  const plan = answerRequest(
    { method, target, headers: new Map(Object.entries(head)), body: Buffer.from(body) },
    {
      ...defaultSimulatorOptions,
      ...(one.maxModelLen === undefined ? {} : { maxModelLen: one.maxModelLen }),
      apiKey: one.apiKey,
    },
    { serial: 1, load: IDLE, nowMs: 1_795_329_640_000, responses: createResponseStore() },
  );
  const text = Buffer.isBuffer(plan.body) ? plan.body.toString() : [...plan.body].join('');
  return { status: plan.status, headers: plan.headers, body: text };
}

/** A recorded answer without the headers of the connection and without chunk framing. */
function readRecording(name: string) {
  const raw = readFileSync(new URL(`recordings/${name}.http`, import.meta.url), 'utf8');
  const end = raw.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = raw.slice(0, end).split('\r\n');
  const headers = lines.flatMap((line) => {
    const colon = line.indexOf(':');
    const header = line.slice(0, colon);
    return CONNECTION_HEADERS.has(header) ? [] : [header, line.slice(colon + 1).trim()];
  });
  const body = raw.slice(end + 4);
  const isChunked = /^transfer-encoding: chunked$/m.test(raw.slice(0, end).replaceAll('\r', ''));
  const whole = isChunked ? body.replace(/(?:^|\r\n)[0-9a-f]+\r\n/g, '').replace(/\r\n/g, '') : body;
  return { status: Number(statusLine.split(' ')[1]), headers, body: whole };
}

/** The shapes of a body: of one JSON value, or of each event of a stream. */
function shapeOfBody(body: string): unknown {
  if (body.startsWith('event: ')) return shapeOfNamedEvents(body);
  if (!body.startsWith('data: ')) return shapeOf(JSON.parse(body));
  return body
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.slice('data: '.length))
    .map((data) => (data === '[DONE]' ? data : shapeOf(JSON.parse(data))));
}

/** Names and shapes of a stream's events; of deltas one, for how many tokens come in one depends on the model. */
function shapeOfNamedEvents(body: string): unknown {
  const events = body.split('\n\n').filter((event) => event !== '');
  const shapes = events.map((event) => {
    const [name = '', data = ''] = event.split('\n');
    return JSON.stringify([name, shapeOf(JSON.parse(data.slice('data: '.length)))]);
  });
  return shapes.filter((shape, i) => shape !== shapes[i - 1]);
}

/** A value with its texts and numbers replaced by their types, and its keys in their order. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value === 'object' && value !== null) return Object.entries(value).map(([k, v]) => [k, shapeOf(v)]);
  return value === null || typeof value === 'boolean' ? value : typeof value;
}

const CONNECTION_HEADERS = new Set(['date', 'server', 'content-length', 'connection', 'transfer-encoding']);
