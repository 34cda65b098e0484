import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { RouteFamily } from '../../../kernel/exchange.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import { SHAPES } from './index.ts';
import { keepFields } from './shape.ts';

const keep = (family: RouteFamily, answer: JsonObject): JsonObject =>
  keepFields(answer, SHAPES[family]?.body ?? assert.fail('no shape'));

/** The body of an answer of a real vLLM. */
function recorded(name: string): JsonObject {
  const raw = readFileSync(new URL(`../../../simulator/recordings/${name}.http`, import.meta.url), 'utf8');
  return JSON.parse(raw.slice(raw.indexOf('\r\n\r\n'))) as JsonObject;
}

for (const { family, name, lost } of [
  { family: 'score', name: 'score', lost: [] },
  { family: 'rerank', name: 'rerank', lost: ['results[0].document.multi_modal'] },
  { family: 'classify', name: 'classify', lost: [] },
  { family: 'pooling', name: 'pooling', lost: [] },
  { family: 'tokenize', name: 'tokenize', lost: ['token_strs'] },
  { family: 'tokenize', name: 'tokenize-token-strs', lost: ['token_strs'] },
  { family: 'detokenize', name: 'detokenize', lost: [] },
  {
    family: 'chat-batch',
    name: 'chat-batch',
    lost: [
      ...[0, 1].flatMap((i) => ['stop_reason', 'token_ids', 'routed_experts'].map((field) => `choices[${i}].${field}`)),
      'service_tier',
      'system_fingerprint',
      'prompt_logprobs',
      'prompt_token_ids',
      'prompt_text',
      'kv_transfer_params',
      'ec_transfer_params',
      'metrics',
    ],
  },
] as const) {
  test(`of the recorded answer ${name} everything passes but ${lost.join(', ') || 'nothing'}`, () => {
    const answer = recorded(name);
    assert.deepEqual(missing(answer, keep(family, answer)).sort(), [...lost].sort());
  });
}

const FAMILIES = ['score', 'rerank', 'classify', 'pooling', 'cohere-embed', 'tokenize', 'detokenize'] as const;
for (const family of FAMILIES) {
  test(`what vLLM could add to an answer of ${family} does not pass, at any depth`, () => {
    const extra = { secret: 1 };
    const inside = { ...extra, text: 'b', usage: extra };
    const answer: JsonObject = {
      ...extra,
      kv_transfer_params: {},
      metrics: {},
      token_strs: ['a'],
      data: [{ ...inside, index: 0 }],
      results: [{ ...inside, index: 0, document: inside }],
      embeddings: { ...extra, float: [[1]] },
      usage: { ...extra, prompt_tokens: 1, prompt_tokens_details: extra },
      meta: { ...extra, api_version: { ...extra, version: '2' }, billed_units: { ...extra, input_tokens: 1 } },
    };
    assert.doesNotMatch(JSON.stringify(keep(family, answer)), /secret|kv_|metrics|token_strs/);
  });
}

test('an answer in the Cohere format keeps its embeddings and what was counted', () => {
  const answer = {
    id: 'embd-1',
    embeddings: { float: [[0.5]], base64: ['AAAAPw=='] },
    texts: ['a'],
    meta: { api_version: { version: '2' }, billed_units: { input_tokens: 1 } },
    response_type: 'embeddings_by_type',
  };
  assert.deepEqual(keep('cohere-embed', answer), answer);
});

test('a transcription keeps what the OpenAI API has of it and nothing else', () => {
  const segment = { id: 0, start: 0, end: 1, text: 'a', tokens: [1], avg_logprob: -1, no_speech_prob: null };
  const answer = {
    text: 'a',
    language: 'en',
    duration: '1.0',
    segments: [segment],
    words: [{ word: 'a', start: 0, end: 1 }],
    usage: { type: 'duration', seconds: 1 },
  };
  const more = { kv_transfer_params: {}, metrics: { secret: 1 }, segments: [{ ...segment, secret: 1 }] };
  assert.deepEqual(keep('transcription', { ...answer, ...more }), answer);
  assert.equal(SHAPES.transcription?.isAnswer?.({ object: 'error' }), false);
});

const ANSWERS = {
  chat: ['chat', 'chat-n2'],
  'chat-batch': ['chat-batch'],
  completions: ['completions', 'completions-list-prompt'],
  embeddings: ['embeddings', 'embeddings-base64', 'embeddings-list'],
  score: ['score'],
  rerank: ['rerank', 'rerank-v2'],
  classify: ['classify'],
  pooling: ['pooling'],
  tokenize: ['tokenize', 'tokenize-chat', 'tokenize-token-strs'],
  detokenize: ['detokenize'],
  messages: ['messages'],
  'count-tokens': ['messages-count-tokens'],
  responses: ['responses'],
  'stored-response': ['responses'],
} as const satisfies { readonly [family in RouteFamily]?: readonly string[] };
const COHERE = { embeddings: { float: [[1]] } };
const isAnswer = (family: RouteFamily, value: JsonObject): boolean =>
  SHAPES[family]?.isAnswer(value) ?? assert.fail('no shape');

test('what vLLM was recorded to answer is an answer of its family', () => {
  for (const [family, names] of Object.entries(ANSWERS)) {
    for (const name of names) assert.ok(isAnswer(family as RouteFamily, recorded(name)), name);
  }
  assert.ok(isAnswer('cohere-embed', COHERE));
});

test('an answer of any family that is empty, an error, or has no object or list where one belongs, is none', () => {
  const named = new Map(Object.entries(ANSWERS).map(([family, [name]]) => [family as RouteFamily, recorded(name)]));
  for (const [family, answer] of [...named, ['cohere-embed', COHERE], ['transcription', { text: 'a' }]] as const) {
    const holder = HOLDERS[family] ?? assert.fail(family);
    for (const value of [
      {},
      { error: { message: 'at /opt/vllm' } },
      ...LIES.map((lie): JsonObject => ({ ...answer, [holder]: lie })),
    ]) {
      assert.equal(isAnswer(family, value as JsonObject), false, `${family} ${JSON.stringify(value).slice(0, 80)}`);
    }
  }
});
/** The member that makes an answer of each family one. */
const HOLDERS: Readonly<Record<string, string>> = {
  ...{ chat: 'choices', 'chat-batch': 'choices', completions: 'choices' },
  ...{ embeddings: 'data', score: 'data', classify: 'data', pooling: 'data', rerank: 'results' },
  ...{ tokenize: 'tokens', detokenize: 'prompt', transcription: 'text', 'cohere-embed': 'embeddings' },
  ...{ messages: 'content', 'count-tokens': 'input_tokens', responses: 'output', 'stored-response': 'output' },
};
const LIES = [null, true, { secret: 1 }];

test('a scalar in a list, or in the place of a list or object, does not pass', () => {
  const message = { role: 'assistant', content: 'a', tool_calls: 'secret' };
  assert.deepEqual(keep('chat', { choices: [{ message, logprobs: 'secret' }, 'secret'], usage: ['secret'] }), {
    choices: [{ message: { role: 'assistant', content: 'a' } }],
  });
  assert.deepEqual(keep('chat', { choices: { index: 0 }, usage: null }), { usage: null });
});

/** Paths of members that are in one value and not in the other. */
function missing(before: unknown, after: unknown, at = ''): string[] {
  if (typeof before !== 'object' || before === null) return before === after ? [] : [at];
  if (typeof after !== 'object' || after === null) return [at];
  const kept = new Map(Object.entries(after));
  return Object.entries(before).flatMap(([name, value]) => {
    const path = Array.isArray(before) ? `${at}[${name}]` : at === '' ? name : `${at}.${name}`;
    return kept.has(name) ? missing(value, kept.get(name), path) : [path];
  });
}
