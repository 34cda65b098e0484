import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferenceRequest } from '../../kernel/exchange.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { createBodyCheck } from './body.ts';
import type { BodySettings } from './body.ts';
import { Refusal } from './refusal.ts';
import type { Caps } from './caps.ts';
import { caller, defaultCaps, PNG } from './testing.fixture.ts';

type Kind = 'chat' | 'completions' | 'embeddings';
const defaults: BodySettings = { unknownFields: 'deny', overCap: 'lower' };
/** What a test changes of operator, caller and model. */
interface Setting extends Partial<BodySettings> {
  readonly caps?: Partial<Caps>;
  readonly grants?: readonly string[];
  readonly knowsSalt?: boolean;
  readonly contextTokens?: number;
}
const minimal: Readonly<Record<Kind, JsonObject>> = {
  chat: { model: 'tiny', messages: [{ role: 'user', content: 'hi' }] },
  completions: { model: 'tiny', prompt: 'hi' },
  embeddings: { model: 'tiny', input: 'hi' },
};
/** What is sent of the minimal bodies. */
const sent: Readonly<Record<Kind, JsonObject>> = {
  chat: { ...minimal.chat, max_tokens: 65_536, cache_salt: 'salt' },
  completions: { ...minimal.completions, cache_salt: 'salt' },
  embeddings: { ...minimal.embeddings, cache_salt: 'salt' },
};
const checks = {
  chat: createBodyCheck('chat', defaults),
  completions: createBodyCheck('completions', defaults),
  embeddings: createBodyCheck('embeddings', defaults),
};

function check(kind: Kind, fields: JsonObject, setting: Setting = {}): InferenceRequest | Refusal {
  const body = { ...minimal[kind], ...fields };
  const { caps, grants = [], contextTokens, knowsSalt = true, ...settings } = setting;
  const judge = createBodyCheck(kind, { ...defaults, ...settings });
  const who = caller({
    caps: { ...defaultCaps, ...caps },
    grants: new Set(grants),
  });
  return judge(body, Buffer.byteLength(JSON.stringify(body)), who, () => ({ contextTokens, knowsSalt }));
}

function passes(kind: Kind, fields: JsonObject, setting?: Setting): InferenceRequest {
  const request = check(kind, fields, setting);
  assert.ok(!(request instanceof Refusal), request instanceof Refusal ? `${request.code} ${request.path}` : '');
  return request;
}

function refuses(kind: Kind, fields: JsonObject, code: string, param: string, setting?: Setting): Refusal {
  const refusal = check(kind, fields, setting);
  assert.ok(refusal instanceof Refusal, 'was let through');
  assert.deepEqual([refusal.code, refusal.path], [code, param]);
  return refusal;
}

for (const kind of ['chat', 'completions', 'embeddings'] as const) {
  test(`a minimal ${kind} body is sent as it came, with the salt of the tenant`, () => {
    assert.deepEqual(passes(kind, {}), {
      model: 'tiny',
      body: sent[kind],
      isStream: false,
      wantsUsage: kind === 'embeddings',
      adjusted: [],
      output: kind === 'chat' ? { name: 'max_tokens', isOurs: true } : undefined,
    });
  });

  for (const model of [undefined, null, '']) {
    test(`a ${kind} body whose model is ${JSON.stringify(model) ?? 'missing'} is model_not_allowed`, () => {
      const { model: _, ...body } = minimal[kind];
      const refusal = checks[kind](model === undefined ? body : { ...body, model }, 10, caller());
      assert.ok(refusal instanceof Refusal);
      assert.deepEqual([refusal.code, refusal.path], ['model_not_allowed', 'model']);
    });
  }

  for (const model of [1, true, ['tiny'], {}]) {
    test(`a ${kind} body whose model is ${JSON.stringify(model)} is invalid_field`, () => {
      refuses(kind, { model }, 'invalid_field', 'model');
    });
  }

  test(`the model of a ${kind} body may have 256 characters and not one more`, () => {
    assert.equal(passes(kind, { model: 'm'.repeat(256) }).model.length, 256);
    refuses(kind, { model: 'm'.repeat(257) }, 'invalid_field', 'model');
  });

  test(`the model of a ${kind} body is plain text, whatever its language`, () => {
    for (const model of ['org/Name-7B_v1.0:latest', 'Modell für 日本 🚀'])
      assert.equal(passes(kind, { model }).model, model);
    for (const character of [
      '\n',
      '\x1b',
      '\x7f',
      '\x85',
      '\u200b',
      '\u202e',
      '\ufeff',
      '\u2028',
      '\u2029',
      '\ud800',
      '\udc00',
    ]) {
      refuses(kind, { model: `a${character}b` }, 'invalid_field', 'model');
    }
  });
}

for (const { kind, name } of [
  { kind: 'chat', name: 'messages' },
  { kind: 'completions', name: 'prompt' },
  { kind: 'embeddings', name: 'input' },
] as const) {
  test(`a ${kind} body needs ${name}`, () => {
    const { [name]: _, ...body } = minimal[kind];
    const refusal = checks[kind](body, 10, caller());
    assert.ok(refusal instanceof Refusal);
    assert.deepEqual([refusal.code, refusal.path], ['invalid_field', name]);
    refuses(kind, { [name]: null }, 'invalid_field', name);
    refuses(kind, { [name]: [] }, 'invalid_field', name);
  });
}

const BOTH = ['chat', 'completions'] as const;
for (const { name, good, bad, on = BOTH } of [
  { name: 'temperature', good: [0, 2, 0.7], bad: [-0.1, 2.1] },
  { name: 'top_p', good: [1, 0.01, 1e-7], bad: [0, 9e-8, 5e-324, 1.01] },
  { name: 'presence_penalty', good: [-2, 2], bad: [-2.1, 2.1] },
  { name: 'frequency_penalty', good: [-2, 2], bad: [-2.1, 2.1] },
  { name: 'seed', good: [0, -5, Number.MAX_SAFE_INTEGER], bad: [2 ** 53, -(2 ** 53)] },
  { name: 'n', good: [1, 4], bad: [0, 5] },
  { name: 'max_tokens', good: [1, 65_536], bad: [0, -1] },
  { name: 'max_completion_tokens', good: [1, 65_536], bad: [0, -1], on: ['chat'] },
  {
    name: 'stop',
    good: ['a', ['a', 'b', 'c', 'd'], 'x'.repeat(1024)],
    bad: [['a', 'b', 'c', 'd', 'e'], '', 'x'.repeat(1025)],
  },
  { name: 'user', good: ['', 'u'.repeat(512)], bad: ['u'.repeat(513)] },
  { name: 'dimensions', good: [1, 1024], bad: [0, -1], on: ['embeddings'] },
] satisfies readonly { name: string; good: JsonValue[]; bad: JsonValue[]; on?: readonly Kind[] }[]) {
  for (const kind of on) {
    test(`${name} of ${kind} passes within its bounds and is value_out_of_range beyond`, () => {
      for (const value of good) assert.deepEqual(passes(kind, { [name]: value }).body[name], value);
      for (const value of bad) refuses(kind, { [name]: value }, 'value_out_of_range', name);
    });

    test(`${name} of ${kind} is invalid_field for another type, and absent for null`, () => {
      for (const value of [{}, true]) refuses(kind, { [name]: value }, 'invalid_field', name);
      assert.deepEqual(passes(kind, { [name]: null }).body, sent[kind]);
    });
  }
}

for (const name of ['n', 'seed', 'max_tokens']) {
  test(`${name} is invalid_field as a text or with a fraction`, () => {
    refuses('chat', { [name]: '2' }, 'invalid_field', name);
    refuses('chat', { [name]: 1.5 }, 'invalid_field', name);
  });
}

test('an empty list of stop strings is not sent on, and an item that is no text is named', () => {
  assert.ok(!('stop' in passes('chat', { stop: [] }).body));
  refuses('chat', { stop: ['a', 1] }, 'invalid_field', 'stop[1]');
});

test('a prompt is a text or a list of up to 16 texts, not token ids', () => {
  const list = Array.from({ length: 16 }, () => 'a');
  assert.deepEqual(passes('completions', { prompt: list }).body['prompt'], list);
  refuses('completions', { prompt: [...list, 'a'] }, 'value_out_of_range', 'prompt');
  refuses('completions', { prompt: [1, 2, 3] }, 'forbidden_field', 'prompt');
  refuses('completions', { prompt: [[1], [2]] }, 'forbidden_field', 'prompt');
  refuses('completions', { prompt: [['a']] }, 'invalid_field', 'prompt[0]');
});

test('an input is a text or a list of up to 256 texts, not token ids', () => {
  const list = Array.from({ length: 256 }, () => 'a');
  assert.deepEqual(passes('embeddings', { input: list }).body['input'], list);
  refuses('embeddings', { input: [...list, 'a'] }, 'value_out_of_range', 'input');
  refuses('embeddings', { input: [1] }, 'forbidden_field', 'input');
});

test('who sends token ids to be embedded is told how LangChain sends texts, and which grant opens them', () => {
  for (const input of [
    [1, 2],
    [[1, 2], [3]],
  ]) {
    const { message } = refuses('embeddings', { input }, 'forbidden_field', 'input');
    assert.match(message, /check_embedding_ctx_length=False.*fields:token-ids/);
  }
});

test('the grant of token ids opens lists of them as inputs, within the vocabulary and the cap', () => {
  const grants = ['fields:token-ids'];
  for (const input of [
    [0, 2_000_000],
    [[1, 2], [3]],
  ]) {
    assert.deepEqual(passes('embeddings', { input }, { grants }).body['input'], input);
  }
  const lists = Array.from({ length: 257 }, () => [1]);
  refuses('embeddings', { input: lists }, 'value_out_of_range', 'input', { grants });
  refuses('embeddings', { input: [2_000_001] }, 'value_out_of_range', 'input[0]', { grants });
  refuses('embeddings', { input: [[1], [-1]] }, 'value_out_of_range', 'input[1][0]', { grants });
  refuses('embeddings', { input: [1, 'a'] }, 'invalid_field', 'input[1]', { grants });
});

test('a best_of of one asks for nothing and is not sent on; of two it is closed', () => {
  for (const kind of ['chat', 'completions'] as const) {
    assert.ok(!('best_of' in passes(kind, { best_of: 1 }).body));
    refuses(kind, { best_of: 2 }, 'forbidden_field', 'best_of');
  }
});

test('a chat has up to 4096 messages, and a bad one is named by its place', () => {
  const message = { role: 'user', content: 'a' };
  const messages = Array.from({ length: 4096 }, () => message);
  passes('chat', { messages });
  refuses('chat', { messages: [...messages, message] }, 'value_out_of_range', 'messages');
  const content = [{ type: 'text', text: 1 }];
  refuses(
    'chat',
    { messages: [message, message, { role: 'user', content }] },
    'invalid_field',
    'messages[2].content[0].text',
  );
});

test('encoding_format is float or base64', () => {
  for (const encoding_format of ['float', 'base64']) {
    assert.equal(passes('embeddings', { encoding_format }).body['encoding_format'], encoding_format);
  }
  refuses('embeddings', { encoding_format: 'bytes' }, 'invalid_field', 'encoding_format');
});

test('texts of a body may have textBytes bytes of UTF-8 in all and not one more', () => {
  const caps = { textBytes: 1024 };
  const half = 'é'.repeat(256);
  const messages = [
    { role: 'user', content: half },
    { role: 'user', content: [{ type: 'text', text: half.slice(0, -10) }] },
  ];
  const rest = 1024 - Buffer.byteLength(half + half.slice(0, -10)) - 'useruserusertexttiny'.length;
  const last = (length: number): JsonObject => ({
    messages: [...messages, { role: 'user', content: 'x'.repeat(length) }],
  });
  passes('chat', last(rest), { caps });
  refuses('chat', last(rest + 1), 'value_out_of_range', 'messages', { caps });
});

test('a stream asks upstream for usage, and remembers whether the caller did', () => {
  for (const { fields, wantsUsage } of [
    { fields: {}, wantsUsage: false },
    { fields: { stream_options: null }, wantsUsage: false },
    { fields: { stream_options: {} }, wantsUsage: false },
    { fields: { stream_options: { include_usage: false } }, wantsUsage: false },
    { fields: { stream_options: { include_usage: null } }, wantsUsage: false },
    { fields: { stream_options: { include_usage: true } }, wantsUsage: true },
    { fields: { stream_options: { include_usage: true, include_obfuscation: false } }, wantsUsage: true },
    { fields: { stream_options: { include_usage: true, continuous_usage_stats: false } }, wantsUsage: true },
  ] satisfies readonly { fields: JsonObject; wantsUsage: boolean }[]) {
    const request = passes('chat', { stream: true, ...fields });
    assert.equal(request.isStream, true);
    assert.equal(request.wantsUsage, wantsUsage);
    assert.deepEqual(request.body['stream_options'], { include_usage: true, continuous_usage_stats: true });
  }
});

test('stream_options without a stream is invalid_field', () => {
  for (const stream of [undefined, null, false]) {
    const fields = { ...(stream === undefined ? {} : { stream }), stream_options: { include_usage: true } };
    refuses('chat', fields, 'invalid_field', 'stream_options');
  }
});

for (const { options, code, param } of [
  { options: true, code: 'invalid_field', param: 'stream_options' },
  { options: [], code: 'invalid_field', param: 'stream_options' },
  { options: { include_usage: 1 }, code: 'invalid_field', param: 'stream_options.include_usage' },
  {
    options: { continuous_usage_stats: true },
    code: 'forbidden_field',
    param: 'stream_options.continuous_usage_stats',
  },
  { options: { foo: 1 }, code: 'unknown_field', param: 'stream_options.foo' },
] satisfies readonly { options: JsonValue; code: string; param: string }[]) {
  test(`stream_options ${JSON.stringify(options)} is ${code}`, () => {
    refuses('chat', { stream: true, stream_options: options }, code, param);
  });
}

test('stream is true or false, not 1 or "true"', () => {
  refuses('chat', { stream: 1 }, 'invalid_field', 'stream');
  refuses('chat', { stream: 'true' }, 'invalid_field', 'stream');
  assert.equal(passes('chat', { stream: false }).isStream, false);
});

test('an output length above the cap is lowered and named', () => {
  const request = passes('completions', { max_tokens: 65_537 });
  assert.equal(request.body['max_tokens'], 65_536);
  assert.deepEqual(request.adjusted, ['max_tokens=65536']);
});

test('an output length above the cap is value_out_of_range where the operator denies it', () => {
  refuses('chat', { max_tokens: 65_537 }, 'value_out_of_range', 'max_tokens', { overCap: 'deny' });
  refuses('chat', { max_completion_tokens: 65_537 }, 'value_out_of_range', 'max_completion_tokens', {
    overCap: 'deny',
  });
  passes('chat', { max_tokens: 65_536 }, { overCap: 'deny' });
});

test('without a cap any output length passes, and none stays none', () => {
  const caps = { outputTokens: Infinity };
  assert.equal(passes('chat', { max_tokens: 1e9 }, { caps }).body['max_tokens'], 1e9);
  assert.ok(!('max_tokens' in passes('chat', {}, { caps }).body));
});

test('of max_tokens and max_completion_tokens the second is sent alone, as vLLM obeys it', () => {
  const request = passes('chat', { max_tokens: 99_999_999, max_completion_tokens: 7 });
  assert.deepEqual(request.body, { ...minimal.chat, max_completion_tokens: 7, cache_salt: 'salt' });
  assert.deepEqual(request.adjusted, []);
});

test('an unknown field is unknown_field and the message names the nearest one', () => {
  assert.match(refuses('chat', { max_token: 1 }, 'unknown_field', 'max_token').message, /max_tokens/);
  assert.match(refuses('embeddings', { inputs: 'a' }, 'unknown_field', 'inputs').message, /input\?/);
  refuses('chat', { foo: 1 }, 'unknown_field', 'foo');
  refuses('completions', { max_completion_tokens: 1 }, 'unknown_field', 'max_completion_tokens');
  refuses('chat', { ['x'.repeat(100_000)]: 1 }, 'unknown_field', `["${'x'.repeat(64)}\\u2026"]`);
});

test('an unknown field is dropped and named where the operator wants it, harmful names unnamed', () => {
  const request = passes('chat', { foo: 1, 'a\r\nset-cookie: b': 2, ['x'.repeat(65)]: 3 }, { unknownFields: 'drop' });
  assert.deepEqual(request.body, sent.chat);
  assert.deepEqual(request.adjusted, ['foo=dropped']);
});

test('at most 16 dropped fields are named', () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, i]));
  assert.equal(passes('chat', many, { unknownFields: 'drop' }).adjusted.length, 16);
});

test('a closed field stays closed where unknown ones are dropped', () => {
  refuses('chat', { priority: 1 }, 'forbidden_field', 'priority', { unknownFields: 'drop' });
});

test('the salt of the caller is replaced by that of the tenant, or left out for a server that knows none', () => {
  assert.equal(passes('chat', { cache_salt: 'of another tenant' }).body['cache_salt'], 'salt');
  assert.ok(!('cache_salt' in passes('chat', { cache_salt: 'x' }, { knowsSalt: false }).body));
});

test('of constraints there is one: the default of another is left out, more of them are refused', () => {
  const json = { type: 'object' };
  for (const kind of ['chat', 'completions'] as const) {
    const said = (value: JsonObject) => passes(kind, { structured_outputs: value }).body['structured_outputs'];
    assert.equal(said({ json_object: false }), undefined);
    assert.deepEqual(said({ json, json_object: false }), { json });
    assert.deepEqual(said({ json_object: true }), { json_object: true });
    for (const two of [
      { json, json_object: true },
      { json, choice: ['a'] },
      { json_object: true, choice: ['a'] },
    ]) {
      refuses(kind, { structured_outputs: two }, 'invalid_field', 'structured_outputs');
    }
  }
});

test('the base64 of an image is no text of the prompt', () => {
  const asked = (text: string) => ({ messages: [{ role: 'user', content: [{ type: 'text', text }] }] });
  const part = { type: 'image_url', image_url: { url: PNG } };
  const withImages = { messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }, part, part, part, part] }] };
  const left = (fields: JsonObject) => Number(passes('chat', fields, { contextTokens: 2048 }).body['max_tokens']);
  assert.ok(left(asked('a')) - left(withImages) < (4 * 80) / 8, `${left(asked('a'))} and ${left(withImages)}`);
});

test('an output length that is left out is what the cap and the context leave', () => {
  const { body, output } = passes('chat', {}, { contextTokens: 2048 });
  // Six bytes of text, and what the template writes around them.
  assert.equal(body['max_tokens'], 2048 - 33);
  assert.deepEqual(output, { name: 'max_tokens', isOurs: true });
  assert.equal(passes('chat', {}, { contextTokens: 2048, caps: { outputTokens: 100 } }).body['max_tokens'], 100);
  // vLLM answers 16 tokens then, and the caller may rely on it.
  assert.ok(!('max_tokens' in passes('completions', {}, { contextTokens: 2048 }).body));
});

test('an output length above the context is lowered and named, and never below one', () => {
  const request = passes('completions', { max_tokens: 60_000 }, { contextTokens: 2048 });
  assert.deepEqual(request.adjusted, [`max_tokens=${String(request.body['max_tokens'])}`]);
  assert.ok(Number(request.body['max_tokens']) < 2048);
  assert.equal(passes('chat', {}, { contextTokens: 1 }).body['max_tokens'], 1);
});

for (const { name, kind, fields, left } of [
  { name: 'text', kind: 'chat', fields: { messages: [{ role: 'user', content: 'x'.repeat(796 - 256) }] }, left: 900 },
  {
    name: 'text of characters that JSON can escape',
    kind: 'chat',
    fields: { messages: [{ role: 'user', content: '\u0001'.repeat(796 - 256) }] },
    left: 900,
  },
  { name: 'a field that is dropped', kind: 'chat', fields: { metadata: { a: 'x'.repeat(120_000) } }, left: 967 },
  {
    name: 'the longest of several texts',
    kind: 'completions',
    fields: { prompt: ['a', 'x'.repeat(800), 'y'.repeat(400)], max_tokens: 5000 },
    left: 900,
  },
  {
    name: 'the longest of several lists of token ids',
    kind: 'completions',
    fields: { prompt: [[1], Array.from({ length: 100 }, () => 7)], max_tokens: 5000 },
    left: 900,
  },
  {
    name: 'one list of token ids',
    kind: 'completions',
    fields: { prompt: Array.from({ length: 100 }, () => 7), max_tokens: 5000 },
    left: 900,
  },
] satisfies readonly { name: string; kind: 'chat' | 'completions'; fields: JsonObject; left: number }[]) {
  test(`${name} leaves the output what its own tokens leave of the context`, () => {
    const { body } = passes(kind, fields, { contextTokens: 1000, grants: ['fields:token-ids'] });
    assert.equal(body['max_tokens'], left);
  });
}

for (const { fields, grant, path } of [
  { fields: { use_beam_search: true }, grant: 'fields:beam-search', path: 'use_beam_search' },
  { fields: { length_penalty: 2 }, grant: 'fields:beam-search', path: 'length_penalty' },
  { fields: { ignore_eos: true }, grant: 'fields:benchmark', path: 'ignore_eos' },
  { fields: { min_tokens: 5 }, grant: 'fields:benchmark', path: 'min_tokens' },
  { fields: { stop_token_ids: [1] }, grant: 'fields:token-ids', path: 'stop_token_ids' },
  { fields: { continue_final_message: true }, grant: 'fields:prefill', path: 'continue_final_message' },
  {
    fields: { structured_outputs: { regex: '[a-z]{1,4}' } },
    grant: 'fields:structured-output',
    path: 'structured_outputs.regex',
  },
] satisfies readonly { fields: JsonObject; grant: string; path: string }[]) {
  test(`${JSON.stringify(fields)} is open to who has ${grant}, and to nobody else`, () => {
    assert.match(refuses('chat', fields, 'forbidden_field', path).message, new RegExp(grant));
    refuses('chat', fields, 'forbidden_field', path, { grants: ['fields:media-audio'] });
    assert.partialDeepStrictEqual(passes('chat', fields, { grants: [grant] }).body, fields);
  });
}

test('a caller has its own caps', () => {
  refuses('chat', { n: 8 }, 'value_out_of_range', 'n');
  assert.equal(passes('chat', { n: 8 }, { caps: { n: 8 } }).body['n'], 8);
  refuses('chat', { n: 2 }, 'value_out_of_range', 'n', { caps: { n: 1 } });
});

test('token ids as a prompt are open to who has fields:token-ids', () => {
  const grants = ['fields:token-ids'];
  assert.deepEqual(passes('completions', { prompt: [1, 2] }, { grants }).body['prompt'], [1, 2]);
  assert.deepEqual(passes('completions', { prompt: [[1], [2]] }, { grants }).body['prompt'], [[1], [2]]);
  refuses('completions', { prompt: [1, -2] }, 'value_out_of_range', 'prompt[1]', { grants });
});

const weather = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};
for (const fields of [
  { tools: [weather] },
  { tools: [weather], tool_choice: 'auto', parallel_tool_calls: false },
  { tools: [weather], tool_choice: 'required' },
  { tools: [weather], tool_choice: { type: 'function', function: { name: 'weather' } } },
  { response_format: { type: 'json_object' } },
  { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' }, strict: true } } },
  { structured_outputs: { json: { type: 'object' } } },
  { structured_outputs: { choice: ['a', 'b'] } },
  { logprobs: true, top_logprobs: 5 },
  { logit_bias: { '42': -100 } },
  { chat_template_kwargs: { enable_thinking: false } },
  { documents: [{ title: 'a', text: 'b' }] },
  { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: PNG } }] }] },
] satisfies readonly JsonObject[]) {
  test(`${JSON.stringify(fields).slice(0, 100)} passes on chat`, () => {
    assert.partialDeepStrictEqual(passes('chat', fields).body, fields);
  });
}

for (const { fields, code, param } of [
  { fields: { tools: [{ type: 'function' }] }, code: 'invalid_field', param: 'tools[0].function' },
  { fields: { tools: [{ type: 'robot' }] }, code: 'invalid_field', param: 'tools[0].type' },
  { fields: { tool_choice: 'required' }, code: 'invalid_field', param: 'tool_choice' },
  {
    fields: { tools: [weather], tool_choice: { type: 'function', function: { name: 'other' } } },
    code: 'invalid_field',
    param: 'tool_choice.function.name',
  },
  {
    fields: { tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'stringy' } } }] },
    code: 'invalid_field',
    param: 'tools[0].function.parameters.type',
  },
  { fields: { response_format: { type: 'grammar' } }, code: 'invalid_field', param: 'response_format.type' },
  {
    fields: { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { $ref: 'http://h/' } } } },
    code: 'invalid_field',
    param: 'response_format.json_schema.schema.$ref',
  },
  {
    fields: { response_format: { type: 'structural_tag', format: {} } },
    code: 'forbidden_field',
    param: 'response_format.type',
  },
  // Without members it was sent as {}.
  { fields: { response_format: { type: 'structural_tag' } }, code: 'forbidden_field', param: 'response_format.type' },
  {
    fields: { structured_outputs: { choice: Array.from({ length: 101 }, (_, i) => `${i}`) } },
    code: 'value_out_of_range',
    param: 'structured_outputs.choice',
  },
  {
    fields: { structured_outputs: { grammar: 'root ::= "a"' } },
    code: 'forbidden_field',
    param: 'structured_outputs.grammar',
  },
  { fields: { top_logprobs: 5 }, code: 'invalid_field', param: 'top_logprobs' },
  { fields: { logprobs: true, top_logprobs: 6 }, code: 'value_out_of_range', param: 'top_logprobs' },
  { fields: { logit_bias: { a: 1 } }, code: 'invalid_field', param: 'logit_bias.a' },
  { fields: { logit_bias: { '1': 101 } }, code: 'value_out_of_range', param: 'logit_bias["1"]' },
  {
    fields: { chat_template_kwargs: { chat_template: '{{ x }}' } },
    code: 'forbidden_field',
    param: 'chat_template_kwargs.chat_template',
  },
  {
    fields: { chat_template_kwargs: { enable_thinking: {} } },
    code: 'invalid_field',
    param: 'chat_template_kwargs.enable_thinking',
  },
  { fields: { documents: [{ text: 1 }] }, code: 'invalid_field', param: 'documents[0].text' },
] satisfies readonly { fields: JsonObject; code: string; param: string }[]) {
  test(`${JSON.stringify(fields).slice(0, 100)} is ${code} on chat`, () => void refuses('chat', fields, code, param));
}

test('tools that vLLM cannot run are left out and named, and with them what nobody else could be called for', () => {
  const custom = { type: 'custom', custom: { name: 'x' } };
  const request = passes('chat', { tools: [custom, weather] });
  assert.deepEqual(request.body['tools'], [weather]);
  assert.deepEqual(request.adjusted, ['tools=dropped']);
  const none = passes('chat', { tools: [custom], tool_choice: 'required' });
  assert.ok(!('tools' in none.body) && !('tool_choice' in none.body));
});

test('the tools of a coding agent pass: two hundred, of all sizes', () => {
  const tools = Array.from({ length: 200 }, (_, i) => ({
    type: 'function',
    function: { ...weather.function, name: `tool_${i}`, description: 'Does it. '.repeat(i) },
  }));
  assert.deepEqual(passes('chat', { tools }).body['tools'], tools);
  refuses('chat', { tools }, 'value_out_of_range', 'tools', { caps: { tools: 199 } });
  refuses('chat', { tools }, 'value_out_of_range', 'tools', { caps: { toolBytes: 100_000 } });
});

test('guided_json is forbidden_field and the message names structured_outputs', () => {
  for (const name of ['guided_json', 'guided_regex', 'guided_choice', 'guided_grammar', 'guided_whitespace_pattern']) {
    assert.match(refuses('chat', { [name]: 'x' }, 'forbidden_field', name).message, /structured_outputs/);
  }
});

for (const fields of [
  { store: true },
  { metadata: { a: 'b' } },
  { service_tier: 'auto' },
  { safety_identifier: 'x' },
  { prompt_cache_key: 'x' },
  { verbosity: 'low' },
  { reasoning: { effort: 'high' } },
]) {
  test(`${JSON.stringify(fields)} of the SDK is accepted and not sent on`, () => {
    const request = passes('chat', fields);
    assert.deepEqual(request.body, sent.chat);
    assert.deepEqual(request.adjusted, []);
  });
}

for (const { kind, fields } of [
  { kind: 'chat', fields: { logprobs: false, echo: false, top_logprobs: 0, skip_special_tokens: true } },
  { kind: 'chat', fields: { add_special_tokens: false, continue_final_message: false, ignore_eos: false } },
  { kind: 'chat', fields: { stop_token_ids: [], bad_words: [], tool_choice: 'none', parallel_tool_calls: true } },
  { kind: 'chat', fields: { response_format: { type: 'text' }, priority: 0, length_penalty: 1, tools: null } },
  { kind: 'completions', fields: { add_special_tokens: true, use_beam_search: false, min_tokens: 0, suffix: null } },
  { kind: 'embeddings', fields: { add_special_tokens: true, embed_dtype: 'float32', endianness: 'native' } },
] satisfies readonly { kind: Kind; fields: JsonObject }[]) {
  test(`vLLM's own defaults ${JSON.stringify(fields)} are accepted on ${kind} and not sent on`, () => {
    assert.deepEqual(passes(kind, fields).body, sent[kind]);
  });
}

for (const { kind, fields } of [
  { kind: 'chat', fields: { skip_special_tokens: false } },
  { kind: 'chat', fields: { add_special_tokens: true } },
  { kind: 'chat', fields: { stop_token_ids: [1] } },
  { kind: 'chat', fields: { chat_template: '{{ x }}' } },
  { kind: 'chat', fields: { kv_transfer_params: {} } },
  { kind: 'completions', fields: { add_special_tokens: false } },
  { kind: 'completions', fields: { prompt_embeds: 'AAAA' } },
  { kind: 'embeddings', fields: { messages: [] } },
  { kind: 'embeddings', fields: { truncate_prompt_tokens: 1 } },
] satisfies readonly { kind: Kind; fields: JsonObject }[]) {
  test(`${JSON.stringify(fields)} is forbidden_field on ${kind}`, () => {
    refuses(kind, fields, 'forbidden_field', Object.keys(fields)[0] ?? '');
  });
}

test('the body that is sent shares no list or message object with the one that came', () => {
  const messages = [{ role: 'user', content: [{ type: 'text', text: 'a' }] }];
  const passed = passes('chat', { messages }).body['messages'];
  assert.deepEqual(passed, messages);
  assert.notEqual(passed, messages);
});
