import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferenceRequest } from '../../kernel/exchange.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { createBodyCheck } from './body.ts';
import type { BodySettings } from './body.ts';
import { Refusal } from './check.ts';
import type { BodyKind } from './field.ts';

const defaults: BodySettings = {
  caps: { n: 4, stop: 4, messages: 4096, promptList: 16, inputList: 256, textBytes: 4 * 1024 * 1024 },
  unknownFields: 'deny',
  maxOutputTokens: 65_536,
  overCap: 'lower',
};
const minimal: Readonly<Record<BodyKind, JsonObject>> = {
  chat: { model: 'tiny', messages: [{ role: 'user', content: 'hi' }] },
  completions: { model: 'tiny', prompt: 'hi' },
  embeddings: { model: 'tiny', input: 'hi' },
};
const checks = {
  chat: createBodyCheck('chat', defaults),
  completions: createBodyCheck('completions', defaults),
  embeddings: createBodyCheck('embeddings', defaults),
};

function check(kind: BodyKind, fields: JsonObject, settings?: Partial<BodySettings>): InferenceRequest | Refusal {
  const body = { ...minimal[kind], ...fields };
  const judge = settings === undefined ? checks[kind] : createBodyCheck(kind, { ...defaults, ...settings });
  return judge(body, Buffer.byteLength(JSON.stringify(body)));
}

function passes(kind: BodyKind, fields: JsonObject, settings?: Partial<BodySettings>): InferenceRequest {
  const request = check(kind, fields, settings);
  assert.ok(!(request instanceof Refusal), request instanceof Refusal ? `${request.code} ${request.path}` : '');
  return request;
}

function refuses(
  kind: BodyKind,
  fields: JsonObject,
  code: string,
  param: string,
  settings?: Partial<BodySettings>,
): Refusal {
  const refusal = check(kind, fields, settings);
  assert.ok(refusal instanceof Refusal, 'was let through');
  assert.deepEqual([refusal.code, refusal.path], [code, param]);
  return refusal;
}

for (const kind of ['chat', 'completions', 'embeddings'] as const) {
  test(`a minimal ${kind} body is sent as it came`, () => {
    const request = passes(kind, {});
    assert.deepEqual(request, {
      model: 'tiny',
      body: minimal[kind],
      isStream: false,
      wantsUsage: false,
      adjusted: [],
    });
  });

  for (const model of [undefined, null, '']) {
    test(`a ${kind} body whose model is ${JSON.stringify(model) ?? 'missing'} is model_not_allowed`, () => {
      const { model: _, ...body } = minimal[kind];
      const refusal = checks[kind](model === undefined ? body : { ...body, model }, 10);
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
    const refusal = checks[kind](body, 10);
    assert.ok(refusal instanceof Refusal);
    assert.deepEqual([refusal.code, refusal.path], ['invalid_field', name]);
    refuses(kind, { [name]: null }, 'invalid_field', name);
    refuses(kind, { [name]: [] }, 'invalid_field', name);
  });
}

const BOTH = ['chat', 'completions'] as const;
for (const { name, good, bad, on = BOTH } of [
  { name: 'temperature', good: [0, 2, 0.7], bad: [-0.1, 2.1] },
  { name: 'top_p', good: [1, 0.01], bad: [0, 1.01] },
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
] satisfies readonly { name: string; good: JsonValue[]; bad: JsonValue[]; on?: readonly BodyKind[] }[]) {
  for (const kind of on) {
    test(`${name} of ${kind} passes within its bounds and is value_out_of_range beyond`, () => {
      for (const value of good) assert.deepEqual(passes(kind, { [name]: value }).body[name], value);
      for (const value of bad) refuses(kind, { [name]: value }, 'value_out_of_range', name);
    });

    test(`${name} of ${kind} is invalid_field for another type, and absent for null`, () => {
      for (const value of [{}, true]) refuses(kind, { [name]: value }, 'invalid_field', name);
      assert.ok(!(name in passes(kind, { [name]: null }).body));
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
  refuses('completions', { prompt: [1, 2, 3] }, 'invalid_field', 'prompt[0]');
  refuses('completions', { prompt: [[1], [2]] }, 'invalid_field', 'prompt[0]');
});

test('an input is a text or a list of up to 256 texts, not token ids', () => {
  const list = Array.from({ length: 256 }, () => 'a');
  assert.deepEqual(passes('embeddings', { input: list }).body['input'], list);
  refuses('embeddings', { input: [...list, 'a'] }, 'value_out_of_range', 'input');
  refuses('embeddings', { input: [1] }, 'invalid_field', 'input[0]');
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
  const caps = { ...defaults.caps, textBytes: 1024 };
  const half = 'é'.repeat(256);
  const messages = [
    { role: 'user', content: half },
    { role: 'user', content: [{ type: 'text', text: half.slice(0, -10) }] },
  ];
  const rest = 1024 - Buffer.byteLength(half + half.slice(0, -10)) - 'useruserusertext'.length;
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
    assert.deepEqual(request.body['stream_options'], { include_usage: true });
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
  assert.equal(passes('chat', { max_tokens: 1e9 }, { maxOutputTokens: 'none' }).body['max_tokens'], 1e9);
  assert.ok(!('max_tokens' in passes('chat', {}).body));
});

test('of max_tokens and max_completion_tokens the second is sent alone, as vLLM obeys it', () => {
  const request = passes('chat', { max_tokens: 99_999_999, max_completion_tokens: 7 });
  assert.deepEqual(request.body, { ...minimal.chat, max_completion_tokens: 7 });
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
  assert.deepEqual(request.body, minimal.chat);
  assert.deepEqual(request.adjusted, ['foo=dropped']);
});

test('at most 16 dropped fields are named', () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, i]));
  assert.equal(passes('chat', many, { unknownFields: 'drop' }).adjusted.length, 16);
});

test('a closed field stays closed where unknown ones are dropped', () => {
  refuses('chat', { priority: 1 }, 'forbidden_field', 'priority', { unknownFields: 'drop' });
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
]) {
  test(`${JSON.stringify(fields)} of the SDK is accepted and not sent on`, () => {
    const request = passes('chat', fields);
    assert.deepEqual(request.body, minimal.chat);
    assert.deepEqual(request.adjusted, []);
  });
}

for (const { kind, fields } of [
  { kind: 'chat', fields: { logprobs: false, echo: false, top_logprobs: 0, skip_special_tokens: true } },
  { kind: 'chat', fields: { add_generation_prompt: true, add_special_tokens: false, include_reasoning: true } },
  { kind: 'chat', fields: { stop_token_ids: [], bad_words: [], tool_choice: 'none', parallel_tool_calls: true } },
  { kind: 'chat', fields: { response_format: { type: 'text' }, priority: 0, length_penalty: 1, tools: null } },
  { kind: 'completions', fields: { add_special_tokens: true, use_beam_search: false, min_tokens: 0, suffix: null } },
  { kind: 'embeddings', fields: { add_special_tokens: true, embed_dtype: 'float32', endianness: 'native' } },
] satisfies readonly { kind: BodyKind; fields: JsonObject }[]) {
  test(`vLLM's own defaults ${JSON.stringify(fields)} are accepted on ${kind} and not sent on`, () => {
    assert.deepEqual(passes(kind, fields).body, minimal[kind]);
  });
}

for (const { kind, fields } of [
  { kind: 'chat', fields: { logprobs: true } },
  { kind: 'chat', fields: { logprobs: 0 } },
  { kind: 'chat', fields: { skip_special_tokens: false } },
  { kind: 'chat', fields: { add_special_tokens: true } },
  { kind: 'chat', fields: { stop_token_ids: [1] } },
  { kind: 'chat', fields: { response_format: { type: 'json_object' } } },
  { kind: 'chat', fields: { response_format: { type: 'text', schema: {} } } },
  { kind: 'chat', fields: { chat_template: '{{ x }}' } },
  { kind: 'chat', fields: { kv_transfer_params: {} } },
  { kind: 'chat', fields: { cache_salt: 'x' } },
  { kind: 'chat', fields: { tools: [] } },
  { kind: 'completions', fields: { add_special_tokens: false } },
  { kind: 'completions', fields: { prompt_embeds: 'AAAA' } },
  { kind: 'completions', fields: { logprobs: 0 } },
  { kind: 'embeddings', fields: { messages: [] } },
  { kind: 'embeddings', fields: { truncate_prompt_tokens: 1 } },
] satisfies readonly { kind: BodyKind; fields: JsonObject }[]) {
  test(`${JSON.stringify(fields)} is forbidden_field on ${kind}`, () => {
    refuses(kind, fields, 'forbidden_field', Object.keys(fields)[0] ?? '');
  });
}

test('the body that is sent shares no list or message object with the one that came', () => {
  const messages = [{ role: 'user', content: [{ type: 'text', text: 'a' }] }];
  const sent = passes('chat', { messages }).body['messages'];
  assert.deepEqual(sent, messages);
  assert.notEqual(sent, messages);
});
