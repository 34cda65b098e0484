import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferenceRequest } from '../../kernel/exchange.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { createBodyCheck } from './body.ts';
import { Refusal } from './refusal.ts';
import { caller, defaultCaps, PNG } from './testing.fixture.ts';

const judge = createBodyCheck('responses', { unknownFields: 'deny', overCap: 'lower' });
const minimal: JsonObject = { model: 'tiny', input: 'hi' };

function check(fields: JsonObject, grants: readonly string[] = []): InferenceRequest | Refusal {
  const body: JsonObject = { ...minimal, ...fields };
  const caps = { ...defaultCaps, tools: 3, images: 1 };
  return judge(body, JSON.stringify(body).length, caller({ caps, grants: new Set(grants) }));
}

/** What is sent of a body, without what every body gets. */
function sent(fields: JsonObject, grants?: readonly string[]): JsonObject {
  const request = check(fields, grants);
  assert.ok(!(request instanceof Refusal), request instanceof Refusal ? `${request.code} ${request.path}` : '');
  const { cache_salt: salt, store, max_output_tokens: most, ...body } = request.body;
  assert.deepEqual([salt, store, typeof most], ['salt', false, 'number']);
  return body;
}

function verdict(fields: JsonObject): string {
  const refusal = check(fields);
  return refusal instanceof Refusal ? `${refusal.code} ${refusal.path}` : 'passes';
}

const items = (...input: JsonValue[]): JsonObject => ({ input });
const parts = (...content: JsonValue[]): JsonObject => items({ role: 'user', content });
const text = { type: 'input_text', text: 'a' };
const image = { type: 'input_image', image_url: PNG, detail: 'auto' };
const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' };
const output = { type: 'function_call_output', call_id: 'c', output: 'Sun.' };
const tool = { type: 'function', name: 'f', parameters: { type: 'object' } };
const huge = { ...tool, parameters: { type: 'object', properties: { a: { type: 'string', minLength: 100_000 } } } };

test('an output length that is left out is put in, and one that is named stays', () => {
  assert.deepEqual((check({}) as InferenceRequest).output, { name: 'max_output_tokens', isOurs: true });
  const named = check({ max_output_tokens: 7 }) as InferenceRequest;
  assert.deepEqual([named.body['max_output_tokens'], named.output?.isOurs], [7, false]);
});

for (const store of [true, false, null]) {
  test(`store: ${store} goes upstream as false`, () => assert.deepEqual(sent({ store }), minimal));
}

for (const fields of [
  { temperature: 1, top_p: 0.5, top_k: 4, min_p: 0.1, seed: 1, stream: true, user: 'u' },
  { instructions: 'be brief' },
  { tools: [tool], tool_choice: 'required', parallel_tool_calls: false },
  { tools: [tool], tool_choice: { type: 'function', name: 'f' } },
  { tools: [huge], tool_choice: 'auto' },
  { reasoning: { effort: 'high' } },
  { text: { format: { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true } } },
  { include: ['message.output_text.logprobs'], top_logprobs: 5 },
  { structured_outputs: { choice: ['a', 'b'] } },
  items({ role: 'developer', content: 'a' }, { type: 'message', role: 'user', content: [text, image] }),
  items({ role: 'user', content: 'a' }, { ...call, id: 'fc_1', status: 'completed' }, output),
  items({ ...output, output: [text, image] }),
  items({ type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] }),
] satisfies readonly JsonObject[]) {
  test(`passes ${JSON.stringify(fields).slice(0, 90)} as it is`, () => {
    assert.deepEqual(sent(fields), { ...minimal, ...fields });
  });
}

for (const { name, fields, kept } of [
  {
    name: "the SDK's own answer as input, without citations, probabilities and phase",
    fields: items({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      phase: null,
      content: [{ type: 'output_text', text: 'a', annotations: [{ type: 'file_citation' }], logprobs: [] }],
    }),
    kept: items({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'a', annotations: [] }],
    }),
  },
  {
    name: 'reasoning without what only its author can read',
    fields: items({ type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: 'x' }),
    kept: items({ type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] }),
  },
  {
    name: 'no reasoning that nobody but its author can read',
    fields: items({ role: 'user', content: 'a' }, { type: 'reasoning', id: 'r', summary: [], encrypted_content: 'x' }),
    kept: items({ role: 'user', content: 'a' }),
  },
  {
    name: 'no wish for parts of answers that vLLM does not have',
    fields: { include: ['reasoning.encrypted_content', 'web_search_call.results'], top_logprobs: 3 },
    kept: {},
  },
  {
    name: 'settings without what vLLM ignores',
    fields: {
      reasoning: { summary: 'auto' },
      text: { format: { type: 'text' }, verbosity: 'low' },
      truncation: 'auto',
    },
    kept: {},
  },
  {
    name: "the wish for any JSON in vLLM's own words, which it reads",
    fields: { text: { format: { type: 'json_object' } } },
    kept: { structured_outputs: { json_object: true } },
  },
  {
    name: 'a tool without what vLLM ignores',
    fields: { tools: [{ ...tool, defer_loading: true, output_schema: {}, async: true, strict: null }] },
    kept: { tools: [tool] },
  },
  {
    name: 'defaults of what is closed as nothing',
    fields: { background: false, enable_response_messages: false, priority: 0, previous_response_id: null },
    kept: {},
  },
] satisfies readonly { name: string; fields: JsonObject; kept: JsonObject }[]) {
  test(`sends ${name}`, () => assert.deepEqual(sent(fields), { ...minimal, ...kept }));
}

test('an unfinished last answer is a finished one, except for who may put words into the mouth of the model', () => {
  const unfinished = { type: 'message', role: 'assistant', status: 'incomplete', content: 'Sure, ' };
  assert.deepEqual(sent(items(unfinished)), { ...minimal, ...items({ ...unfinished, status: 'completed' }) });
  assert.deepEqual(sent(items(unfinished), ['fields:prefill']), { ...minimal, ...items(unfinished) });
});

test('leaves tools that vLLM does not run out, says so, and takes no choice amiss', () => {
  const foreign = [{ type: 'web_search' }, { type: 'mcp', server_label: 'm', server_url: 'http://169.254.169.254/' }];
  const request = check({ tools: foreign, tool_choice: 'required' });
  assert.ok(!(request instanceof Refusal));
  assert.deepEqual(request.adjusted, ['tools=dropped']);
  assert.ok(!('tools' in request.body) && !('tool_choice' in request.body));
  assert.deepEqual(sent({ tools: [...foreign, tool] }), { ...minimal, tools: [tool] });
});

const DENIED = 'forbidden_field';
const WRONG = 'invalid_field';
const RANGE = 'value_out_of_range';
for (const [fields, expected] of [
  [{ input: null }, `${WRONG} input`],
  [{ input: [] }, `${WRONG} input`],
  [{ input: 1 }, `${WRONG} input`],
  [{ max_output_tokens: 0 }, `${RANGE} max_output_tokens`],
  [{ background: true }, `${DENIED} background`],
  [{ previous_response_id: 'resp_1' }, `${DENIED} previous_response_id`],
  [{ conversation: 'c' }, `${DENIED} conversation`],
  [{ prompt: { id: 'p' } }, `${DENIED} prompt`],
  [{ previous_input_messages: [] }, `${DENIED} previous_input_messages`],
  [{ enable_response_messages: true }, `${DENIED} enable_response_messages`],
  [{ request_id: 'r' }, `${DENIED} request_id`],
  [{ kv_transfer_params: {} }, `${DENIED} kv_transfer_params`],
  [{ messages: [] }, 'unknown_field messages'],
  [{ include: ['secrets'] }, `${WRONG} include[0]`],
  [{ include: ['message.output_text.logprobs'], top_logprobs: 6 }, `${RANGE} top_logprobs`],
  [{ truncation: 'some' }, `${WRONG} truncation`],
  [{ text: { format: { type: 'grammar' } } }, `${WRONG} text.format.type`],
  [{ text: { format: { type: 'json_schema', name: 'n' } } }, `${WRONG} text.format.schema`],
  [
    { text: { format: { type: 'json_schema', name: 'n', schema: huge.parameters } } },
    `${RANGE} text.format.schema.properties.a.minLength`,
  ],
  [{ tools: [{ type: 'function', name: 'f', handler: 1 }] }, 'unknown_field tools[0].handler'],
  [{ tools: [{ type: 'poem' }] }, `${WRONG} tools[0].type`],
  [{ tools: [tool, tool, tool, tool] }, `${RANGE} tools`],
  [{ tool_choice: 'required' }, `${WRONG} tool_choice`],
  [{ tools: [tool], tool_choice: { type: 'function', name: 'g' } }, `${WRONG} tool_choice.name`],
  [{ tools: [tool], tool_choice: { type: 'mcp', server_label: 'm' } }, `${DENIED} tool_choice.type`],
  [{ tools: [tool], tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [] } }, `${DENIED} tool_choice.type`],
  [{ tools: [huge], tool_choice: 'required' }, `${RANGE} tools[0].parameters.properties.a.minLength`],
  [items('hi'), `${WRONG} input[0]`],
  [items({ id: 'msg_1' }), `${WRONG} input[0].type`],
  [items({ type: 'item_reference', id: 'msg_1' }), `${DENIED} input[0].type`],
  [items({ type: 'mcp_approval_response', approve: true }), `${DENIED} input[0].type`],
  [items({ type: 'computer_call_output', output: { image_url: 'http://a/' } }), `${DENIED} input[0].type`],
  [items({ type: 'additional_tools', tools: [{ type: 'mcp' }] }), `${DENIED} input[0].type`],
  [items({ type: 'poem' }), `${WRONG} input[0].type`],
  [items({ role: 'tool', content: 'a' }), `${WRONG} input[0].role`],
  [items({ role: 'user' }), `${WRONG} input[0].content`],
  [items({ role: 'user', content: 'a', channel: 'x' }), 'unknown_field input[0].channel'],
  [items({ ...call, namespace: 'n' }), `${DENIED} input[0].namespace`],
  [items({ ...call, arguments: {} }), `${WRONG} input[0].arguments`],
  [items({ type: 'function_call_output', output: 'a' }), `${WRONG} input[0].call_id`],
  [items({ ...output, output: [{ type: 'input_file', file_url: 'http://a/' }] }), `${DENIED} input[0].output[0].type`],
  [parts(), `${WRONG} input[0].content`],
  [parts({ type: 'input_file', file_url: 'http://a/' }), `${DENIED} input[0].content[0].type`],
  [parts({ type: 'image_url', image_url: { url: PNG } }), `${WRONG} input[0].content[0].type`],
  [parts({ ...image, image_url: 'http://169.254.169.254/' }), `${DENIED} input[0].content[0].image_url`],
  [parts({ ...image, image_url: { url: PNG } }), `${WRONG} input[0].content[0].image_url`],
  [parts({ type: 'input_image', file_id: 'f', image_url: PNG }), `${DENIED} input[0].content[0].file_id`],
  [parts(image, image), `${RANGE} input[0].content[1].image_url`],
] satisfies readonly (readonly [JsonObject, string])[]) {
  test(`says of ${JSON.stringify(fields).slice(0, 100)}: ${expected}`, () => assert.equal(verdict(fields), expected));
}

const storing = createBodyCheck('responses', { unknownFields: 'deny', overCap: 'lower', storedResponses: true });
const held = { upstream: 'main', id: 'resp_held', model: 'tiny' };
function stored(fields: JsonObject): InferenceRequest | Refusal {
  const body: JsonObject = { ...minimal, ...fields };
  const openResponse = (id: string) => (id === 'resp_mine' ? held : undefined);
  return storing(body, JSON.stringify(body).length, caller({ openResponse }));
}

for (const { fields, kept } of [
  { fields: {}, kept: { store: false } },
  { fields: { store: false }, kept: { store: false } },
  { fields: { store: null, background: null, previous_response_id: null }, kept: { store: false } },
  { fields: { store: true }, kept: { store: true } },
  { fields: { store: true, background: false }, kept: { store: true } },
  { fields: { background: true }, kept: { store: true, background: true } },
  { fields: { background: true, store: true }, kept: { store: true, background: true } },
  { fields: { previous_response_id: 'resp_mine' }, kept: { store: false, previous_response_id: 'resp_held' } },
] satisfies readonly { fields: JsonObject; kept: JsonObject }[]) {
  test(`where responses are stored, ${JSON.stringify(fields)} is sent as ${JSON.stringify(kept)}`, () => {
    const request = stored(fields);
    assert.ok(!(request instanceof Refusal));
    const { cache_salt: _, max_output_tokens: __, ...body } = request.body;
    assert.deepEqual(body, { ...minimal, ...kept });
    assert.deepEqual(request.held, 'previous_response_id' in kept ? held : undefined);
  });
}

for (const [fields, expected] of [
  [{ background: true, store: false }, `${WRONG} background`],
  [{ background: 'true' }, `${WRONG} background`],
  [{ store: 1 }, `${WRONG} store`],
  [{ previous_response_id: 7 }, `${WRONG} previous_response_id`],
  [{ previous_response_id: 'resp_held' }, 'unknown_response previous_response_id'],
  [{ previous_response_id: '' }, 'unknown_response previous_response_id'],
  [{ previous_input_messages: [] }, `${DENIED} previous_input_messages`],
  [{ conversation: 'c' }, `${DENIED} conversation`],
] satisfies readonly (readonly [JsonObject, string])[]) {
  test(`where responses are stored, ${JSON.stringify(fields)} is ${expected}`, () => {
    const refusal = stored(fields);
    assert.ok(refusal instanceof Refusal);
    assert.equal(`${refusal.code} ${refusal.path}`, expected);
  });
}
