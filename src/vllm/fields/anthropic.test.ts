import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferenceRequest } from '../../kernel/exchange.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { createBodyCheck } from './body.ts';
import { Refusal } from './refusal.ts';
import { caller, defaultCaps, PNG } from './testing.fixture.ts';

const judges = {
  messages: createBodyCheck('messages', { unknownFields: 'deny', overCap: 'lower' }),
  'count-tokens': createBodyCheck('count-tokens', { unknownFields: 'deny', overCap: 'lower' }),
};
const minimal: JsonObject = { model: 'tiny', max_tokens: 8, messages: [{ role: 'user', content: 'hi' }] };

function check(fields: JsonObject, kind: keyof typeof judges = 'messages'): InferenceRequest | Refusal {
  const body: JsonObject = { ...minimal, ...fields };
  if (kind === 'count-tokens') delete body['max_tokens'];
  return judges[kind](body, JSON.stringify(body).length, caller({ caps: { ...defaultCaps, tools: 3, images: 1 } }));
}

/** What is sent of a body, without the salt. */
function sent(fields: JsonObject, kind?: keyof typeof judges): JsonObject {
  const request = check(fields, kind);
  assert.ok(!(request instanceof Refusal), request instanceof Refusal ? `${request.code} ${request.path}` : '');
  const { cache_salt: _, ...body } = request.body;
  return body;
}

function verdict(fields: JsonObject): string {
  const refusal = check(fields);
  return refusal instanceof Refusal ? `${refusal.code} ${refusal.path}` : 'passes';
}

const user = (...content: JsonValue[]): JsonObject => ({ messages: [{ role: 'user', content }] });
const assistant = (...content: JsonValue[]): JsonObject => ({
  messages: [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content },
  ],
});
const text = { type: 'text', text: 'a' };
const data = PNG.slice(PNG.indexOf(',') + 1);
const image = (source: JsonObject): JsonObject => ({ type: 'image', source });
const base64 = { type: 'base64', media_type: 'image/png', data };
const tool = { name: 'f', input_schema: { type: 'object' } };
const huge = { name: 'f', input_schema: { type: 'object', properties: { a: { type: 'string', minLength: 100_000 } } } };

test('a minimal body is sent as it came, with the salt; of a count only the model and the messages', () => {
  assert.deepEqual(sent({}), minimal);
  assert.deepEqual((check({}) as InferenceRequest).body['cache_salt'], 'salt');
  const count = check({}, 'count-tokens');
  assert.deepEqual(count instanceof Refusal ? count : count.body, { model: 'tiny', messages: minimal['messages'] });
});

for (const fields of [
  { temperature: 1, top_p: 0.5, top_k: 4, stream: true },
  { stop_sequences: ['a', 'b', 'c', 'd'] },
  { system: 'be brief' },
  { thinking: { type: 'enabled', budget_tokens: 1024, display: 'omitted' } },
  { thinking: { type: 'adaptive' } },
  { thinking: { type: 'disabled' } },
  { output_config: { effort: 'low', format: { type: 'json_schema', schema: { type: 'object' } } } },
  { tools: [tool], tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true } },
  { tools: [{ ...tool, description: 'd', strict: true }], tool_choice: { type: 'any' } },
  { tools: [huge], tool_choice: { type: 'auto' } },
  { tools: [tool], tool_choice: { type: 'none' } },
  { chat_template_kwargs: { enable_thinking: false } },
  user(text, image(base64)),
  user({ type: 'tool_result', tool_use_id: 'c', content: 'Sun.', is_error: false }),
  user({ type: 'tool_result', tool_use_id: 'c', content: [text, image(base64)] }),
  user({ type: 'tool_result', tool_use_id: 'c' }),
  user(image({ type: 'url', url: PNG })),
  assistant({ type: 'thinking', thinking: 'hm' }, text, { type: 'tool_use', id: 'c', name: 'f', input: { a: [1] } }),
] satisfies readonly JsonObject[]) {
  test(`passes ${JSON.stringify(fields).slice(0, 90)} as it is`, () => {
    assert.deepEqual(sent(fields), { ...minimal, ...fields });
  });
}

for (const { name, fields, kept } of [
  {
    name: "hints of Anthropic's cache, citations and seals",
    fields: assistant(
      { ...text, cache_control: { type: 'ephemeral' }, citations: null },
      { type: 'thinking', thinking: 'hm', signature: 'abc' },
      { type: 'tool_use', id: 'c', name: 'f', input: {}, caller: { type: 'direct' } },
    ),
    kept: assistant(text, { type: 'thinking', thinking: 'hm' }, { type: 'tool_use', id: 'c', name: 'f', input: {} }),
  },
  {
    name: 'reasoning that only its author can read, with a message that has nothing else',
    fields: {
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: [{ type: 'redacted_thinking', data: 'x' }] },
        { role: 'user', content: 'go on' },
      ],
    },
    kept: {
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'user', content: 'go on' },
      ],
    },
  },
  {
    name: 'an answer without blocks',
    fields: assistant(),
    kept: { messages: [{ role: 'user', content: 'hi' }] },
  },
  { name: 'a kind of thinking that vLLM does not know', fields: { thinking: { type: 'between_tools' } }, kept: {} },
  { name: 'settings that are empty', fields: { output_config: { effort: null, task_budget: {} } }, kept: {} },
  { name: 'no stop sequences', fields: { stop_sequences: [] }, kept: {} },
  { name: 'a choice where there are no tools', fields: { tools: [], tool_choice: { type: 'auto' } }, kept: {} },
  {
    name: 'what vLLM does not read of a tool',
    fields: {
      tools: [{ ...tool, type: 'custom', defer_loading: true, eager_input_streaming: true, input_examples: [] }],
    },
    kept: { tools: [tool] },
  },
  {
    name: 'blocks of instructions as one text that nothing can be spelt across',
    fields: { system: [{ type: 'text', text: '<|' }, { ...text, text: 'x-anthropic-billing-header: 1' }, text] },
    kept: { system: '<|\na' },
  },
  {
    name: 'the names of tools that a search has found as texts',
    fields: user({ type: 'tool_result', tool_use_id: 'c', content: [{ type: 'tool_reference', tool_name: 'f' }] }),
    kept: user({ type: 'tool_result', tool_use_id: 'c', content: [{ type: 'text', text: 'f' }] }),
  },
  {
    name: 'later instructions apart from those before',
    fields: {
      system: '<|',
      messages: [
        { role: 'system', content: [text, text] },
        { role: 'user', content: 'hi' },
      ],
    },
    kept: {
      system: '<|',
      messages: [
        { role: 'system', content: '\na\na' },
        { role: 'user', content: 'hi' },
      ],
    },
  },
  {
    name: 'pieces of thinking apart',
    fields: assistant({ type: 'thinking', thinking: '<|' }, text, { type: 'thinking', thinking: 'end|>' }),
    kept: assistant({ type: 'thinking', thinking: '<|' }, text, { type: 'thinking', thinking: '\nend|>' }),
  },
] satisfies readonly { name: string; fields: JsonObject; kept: JsonObject }[]) {
  test(`sends ${name}`, () => assert.deepEqual(sent(fields), { ...minimal, ...kept }));
}

for (const kind of ['messages', 'count-tokens'] as const) {
  test(`leaves tools of Anthropic's server out of ${kind}, says so, and takes no choice amiss`, () => {
    const server = [
      { type: 'web_search_20250305', name: 'web_search' },
      { type: 'mcp_toolset', mcp_server_name: 'm' },
    ];
    const request = check({ tools: server, tool_choice: { type: 'any' } }, kind);
    assert.ok(!(request instanceof Refusal));
    assert.deepEqual(request.adjusted, ['tools=dropped']);
    assert.ok(!('tools' in request.body) && !('tool_choice' in request.body));
    const mixed = check({ tools: [...server, tool] }, kind);
    assert.deepEqual(mixed instanceof Refusal ? mixed : mixed.body['tools'], [tool]);
  });
}

const DENIED = 'forbidden_field';
const WRONG = 'invalid_field';
const RANGE = 'value_out_of_range';
for (const [fields, expected] of [
  [{ max_tokens: null }, `${WRONG} max_tokens`],
  [{ max_tokens: 0 }, `${RANGE} max_tokens`],
  [{ max_tokens: 1.5 }, `${WRONG} max_tokens`],
  [{ messages: [] }, `${WRONG} messages`],
  [{ messages: 'hi' }, `${WRONG} messages`],
  [{ messages: [{ role: 'tool', content: 'hi' }] }, `${WRONG} messages[0].role`],
  [{ messages: [{ role: 'developer', content: 'hi' }] }, `${WRONG} messages[0].role`],
  [{ messages: [{ content: 'hi' }] }, `${WRONG} messages[0].role`],
  [{ messages: [{ role: 'user' }] }, `${WRONG} messages[0].content`],
  [{ messages: [{ role: 'user', content: 1 }] }, `${WRONG} messages[0].content`],
  [{ messages: [{ role: 'user', content: 'hi', name: 'x' }] }, 'unknown_field messages[0].name'],
  [user({ type: 'poem' }), `${WRONG} messages[0].content[0].type`],
  [user({ type: 'text' }), `${WRONG} messages[0].content[0].text`],
  [user({ ...text, source: {} }), 'unknown_field messages[0].content[0].source'],
  [user({ type: 'document', source: base64 }), `${DENIED} messages[0].content[0].type`],
  [user({ type: 'thinking', thinking: 'hm' }), `${DENIED} messages[0].content[0].type`],
  [user({ type: 'tool_use', id: 'c', name: 'f', input: {} }), `${DENIED} messages[0].content[0].type`],
  [user({ type: 'tool_reference', tool_name: 'f' }), `${DENIED} messages[0].content[0].type`],
  [user({ type: 'tool_addition', tool: {} }), `${DENIED} messages[0].content[0].type`],
  [user({ type: 'tool_result', tool_use_id: '' }), `${RANGE} messages[0].content[0].tool_use_id`],
  [
    user({ type: 'tool_result', tool_use_id: 'c', content: [{ type: 'document' }] }),
    `${DENIED} messages[0].content[0].content[0].type`,
  ],
  [
    user({ type: 'tool_result', tool_use_id: 'c', content: [image({ type: 'url', url: 'http://a/' })] }),
    `${DENIED} messages[0].content[0].content[0].source.url`,
  ],
  [user(image(base64), image(base64)), `${RANGE} messages[0].content[1].source.data`],
  [user(image({ type: 'url', url: 'https://a/b.png' })), `${DENIED} messages[0].content[0].source.url`],
  [user(image({ type: 'file', file_id: 'f' })), `${DENIED} messages[0].content[0].source.type`],
  [user(image({ media_type: 'image/png', data })), `${WRONG} messages[0].content[0].source.type`],
  [user(image({ ...base64, media_type: 'image/svg+xml' })), `${WRONG} messages[0].content[0].source.media_type`],
  [user(image({ ...base64, media_type: 'image/jpeg' })), `${WRONG} messages[0].content[0].source.data`],
  [user(image({ ...base64, data: 'nonsense' })), `${WRONG} messages[0].content[0].source.data`],
  [user(image({ ...base64, url: 'http://a/' })), 'unknown_field messages[0].content[0].source.url'],
  [assistant({ type: 'tool_result', tool_use_id: 'c' }), `${DENIED} messages[1].content[0].type`],
  [assistant(image(base64)), `${DENIED} messages[1].content[0].type`],
  [assistant({ type: 'server_tool_use', id: 'c', name: 'f', input: {} }), `${DENIED} messages[1].content[0].type`],
  [assistant({ type: 'tool_use', id: 'c', name: 'f', input: 'x' }), `${WRONG} messages[1].content[0].input`],
  [{ system: [image(base64)] }, `${DENIED} system[0].type`],
  [{ system: { type: 'text', text: 'a' } }, `${WRONG} system`],
  [{ stop_sequences: ['a', 'b', 'c', 'd', 'e'] }, `${RANGE} stop_sequences`],
  [{ stop_sequences: ['a'.repeat(1025)] }, `${RANGE} stop_sequences[0]`],
  [{ thinking: { type: 'enabled', budget_tokens: 1023 } }, `${RANGE} thinking.budget_tokens`],
  [{ thinking: { type: 'enabled' } }, `${WRONG} thinking.budget_tokens`],
  [{ output_config: { effort: 'huge' } }, `${WRONG} output_config.effort`],
  [{ output_format: { type: 'json_schema', schema: {} } }, `${DENIED} output_format`],
  [{ thread: { type: 'create' } }, `${DENIED} thread`],
  [{ kv_transfer_params: {} }, `${DENIED} kv_transfer_params`],
  [{ vllm_xargs: { a: 1 } }, `${DENIED} vllm_xargs`],
  [{ n: 2 }, 'unknown_field n'],
  [{ tools: [{ name: 'f' }] }, `${WRONG} tools[0].input_schema`],
  [{ tools: [{ ...tool, type: 'function' }] }, `${WRONG} tools[0].type`],
  [{ tools: [tool, tool, tool, tool] }, `${RANGE} tools`],
  [{ tool_choice: { type: 'any' } }, `${WRONG} tool_choice`],
  [{ tools: [tool], tool_choice: { type: 'tool', name: 'g' } }, `${WRONG} tool_choice.name`],
  [{ tools: [tool], tool_choice: 'any' }, `${WRONG} tool_choice`],
  [{ tools: [huge], tool_choice: { type: 'any' } }, `${RANGE} tools[0].input_schema.properties.a.minLength`],
] satisfies readonly (readonly [JsonObject, string])[]) {
  test(`says of ${JSON.stringify(fields).slice(0, 100)}: ${expected}`, () => assert.equal(verdict(fields), expected));
}
