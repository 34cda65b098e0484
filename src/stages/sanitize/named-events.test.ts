import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import { inspectEvent } from '../../forward/stream-event.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import type { Inspector } from '../../kernel/stage.ts';
import { createSanitize } from './stage.ts';

type Family = 'messages' | 'count-tokens' | 'responses';

function inspector(family: Family): Inspector {
  const request = { model: 'tiny', body: {}, isStream: true, wantsUsage: true, adjusted: [], output: undefined };
  const route = { id: family, family, method: 'POST', path: '/', scope: 'inference:chat' } as const;
  const head = { status: 200, header: () => undefined };
  return createSanitize().inspect?.(exchange(fakeDownstream(), { route, request }), head) ?? assert.fail();
}

/** What passes of an event: its data, or `dropped`, or the code of the denial that ends the stream. */
function passed(family: Family, type: string, data: JsonObject): JsonValue {
  const text = inspectEvent({ type, data: JSON.stringify(data) }, [inspector(family)]);
  if (text === undefined) return 'upstream_error';
  if (typeof text !== 'string') return text.code;
  if (text === '') return 'dropped';
  const [name, body = ''] = text.split('\n');
  assert.equal(name, `event: ${type}`, 'its name is kept');
  return JSON.parse(body.slice('data: '.length)) as JsonValue;
}

const SECRET = { kv_transfer_params: {}, token_ids: [1], secret: 1 };
const usage = { input_tokens: 5, output_tokens: 0, cache_read_input_tokens: 2 };
const message = { id: 'm', type: 'message', role: 'assistant', model: 'tiny', content: [], stop_reason: null };

for (const { type, data, kept } of [
  {
    type: 'message_start',
    data: { message: { ...message, ...SECRET, usage: { ...usage, ...SECRET } } },
    kept: { message: { ...message, usage } },
  },
  {
    type: 'content_block_start',
    data: { index: 0, content_block: { type: 'tool_use', id: 'c', name: 'f', input: { secret: 1 }, ...SECRET } },
    kept: { index: 0, content_block: { type: 'tool_use', id: 'c', name: 'f', input: { secret: 1 } } },
  },
  {
    type: 'content_block_delta',
    data: { index: 0, delta: { type: 'text_delta', text: 'a', ...SECRET }, ...SECRET },
    kept: { index: 0, delta: { type: 'text_delta', text: 'a' } },
  },
  {
    type: 'content_block_delta',
    data: { index: 0, delta: { type: 'input_json_delta', partial_json: '{"a' } },
    kept: { index: 0, delta: { type: 'input_json_delta', partial_json: '{"a' } },
  },
  { type: 'content_block_stop', data: { index: 0, ...SECRET }, kept: { index: 0 } },
  {
    type: 'message_delta',
    data: { delta: { stop_reason: 'end_turn', stop_sequence: null, ...SECRET }, usage },
    kept: { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
  },
  { type: 'message_stop', data: SECRET, kept: {} },
  { type: 'ping', data: SECRET, kept: {} },
] satisfies readonly { type: string; data: JsonObject; kept: JsonObject }[]) {
  test(`of ${type} with ${JSON.stringify(data).slice(0, 60)} only Anthropic's members pass`, () => {
    assert.deepEqual(passed('messages', type, { type, ...data }), { type, ...kept });
  });
}

const counted = { input_tokens: 5, output_tokens: 6, total_tokens: 11 };
const details = { cached_tokens: 0, cache_write_tokens: 0 };
const item = { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', phase: null };
const part = { type: 'output_text', text: 'a', annotations: [] };
const response = { id: 'resp_1', object: 'response', status: 'completed', tools: [], instructions: 'be brief' };
const whole: JsonObject = {
  ...response,
  ...SECRET,
  input_messages: ['the prompt'],
  output_messages: ['the answer'],
  system_fingerprint: 'v',
  error: { message: '/srv/secret' },
  output: [{ ...item, ...SECRET, content: [{ ...part, ...SECRET }] }],
  usage: { ...counted, input_tokens_details: { ...details, cached_tokens_per_turn: [] }, ...SECRET },
};
const wholeKept: JsonObject = {
  ...response,
  output: [{ ...item, content: [part] }],
  usage: { ...counted, input_tokens_details: details },
};
const at = { item_id: 'msg_1', output_index: 0, content_index: 0, sequence_number: 4 };

for (const { type, data, kept } of [
  ...['created', 'in_progress', 'queued', 'completed', 'incomplete'].map((state) => ({
    type: `response.${state}`,
    data: { response: whole, sequence_number: 0, ...SECRET },
    kept: { response: wholeKept, sequence_number: 0 },
  })),
  {
    type: 'response.output_item.added',
    data: { item: { ...item, ...SECRET, content: [] }, output_index: 0, sequence_number: 2 },
    kept: { item: { ...item, content: [] }, output_index: 0, sequence_number: 2 },
  },
  {
    type: 'response.output_item.done',
    data: { item: { type: 'mcp_call', id: 'i', status: 'completed', output: 'secret', server_label: 's' } },
    kept: { item: { type: 'mcp_call', id: 'i', status: 'completed' } },
  },
  { type: 'response.content_part.done', data: { ...at, part: { ...part, ...SECRET } }, kept: { ...at, part } },
  {
    type: 'response.output_text.delta',
    data: { ...at, delta: 'a', logprobs: [{ token: 'a', logprob: -1, token_id: 7 }] },
    kept: { ...at, delta: 'a', logprobs: [{ token: 'a', logprob: -1 }] },
  },
  {
    type: 'response.function_call_arguments.done',
    data: { item_id: 'fc_1', output_index: 0, name: 'f', arguments: '{}', ...SECRET },
    kept: { item_id: 'fc_1', output_index: 0, name: 'f', arguments: '{}' },
  },
  { type: 'response.reasoning_text.delta', data: { ...at, delta: 'hm', ...SECRET }, kept: { ...at, delta: 'hm' } },
] satisfies readonly { type: string; data: JsonObject; kept: JsonObject }[]) {
  test(`of ${type} only members of OpenAI's Responses API pass`, () => {
    assert.deepEqual(passed('responses', type, { type, ...data }), { type, ...kept });
  });
}

for (const [family, type, data, expected] of [
  ['messages', 'vllm_debug', { type: 'vllm_debug', prompt: 'secret' }, 'dropped'],
  ['messages', '__proto__', { type: '__proto__' }, 'dropped'],
  ['messages', 'message_stop', { type: 'message_start', message: {} }, 'upstream_error'],
  ['messages', 'message_stop', {}, 'upstream_error'],
  ['messages', '', { type: 'message_stop' }, 'upstream_error'],
  ['messages', '', { id: 'x', choices: [] }, 'upstream_error'],
  ['messages', 'error', { type: 'error', error: { message: '/srv/secret' } }, 'upstream_error'],
  ['responses', 'response.mcp_call.in_progress', { type: 'response.mcp_call.in_progress' }, 'dropped'],
  [
    'responses',
    'response.code_interpreter_call_code.delta',
    { type: 'response.code_interpreter_call_code.delta' },
    'dropped',
  ],
  ['responses', 'response.created', { type: 'response.completed', response: {} }, 'upstream_error'],
  ['responses', 'response.failed', { type: 'response.failed', response: { error: {} } }, 'upstream_error'],
  ['responses', 'error', { type: 'error', message: '/srv/secret', code: 'x' }, 'upstream_error'],
  ['responses', '', { error: { message: '/srv/secret' } }, 'upstream_error'],
] satisfies readonly (readonly [Family, string, JsonObject, string])[]) {
  test(`an event of ${family} named "${type}" with ${JSON.stringify(data).slice(0, 50)}: ${expected}`, () => {
    assert.equal(passed(family, type, data), expected);
  });
}

const body = (family: Family, value: JsonObject): JsonValue => {
  const verdict = inspector(family).body?.(value);
  return verdict !== undefined && 'standings' in verdict ? String(verdict['code']) : ((verdict as JsonObject) ?? null);
};

for (const { family, value, expected } of [
  {
    family: 'messages',
    value: { ...message, content: [{ type: 'text', text: 'a', ...SECRET }], usage: { ...usage, ...SECRET }, ...SECRET },
    expected: { ...message, content: [{ type: 'text', text: 'a' }], usage },
  },
  { family: 'messages', value: { ...message, type: 'completion' }, expected: 'upstream_error' },
  { family: 'messages', value: { ...message, content: 'a' }, expected: 'upstream_error' },
  { family: 'messages', value: { type: 'error', error: { message: '/srv/secret' } }, expected: 'upstream_error' },
  {
    family: 'count-tokens',
    value: { input_tokens: 5, context_management: { original_input_tokens: 5, ...SECRET }, ...SECRET },
    expected: { input_tokens: 5, context_management: { original_input_tokens: 5 } },
  },
  { family: 'count-tokens', value: { count: 5 }, expected: 'upstream_error' },
  { family: 'responses', value: whole, expected: wholeKept },
  { family: 'responses', value: { ...whole, object: 'list' }, expected: 'upstream_error' },
  { family: 'responses', value: { ...whole, output: null }, expected: 'upstream_error' },
  { family: 'responses', value: { ...whole, status: 'failed' }, expected: 'upstream_error' },
] satisfies readonly { family: Family; value: JsonObject; expected: JsonValue }[]) {
  const says = expected === 'upstream_error' ? expected : 'loses what is not of its API';
  test(`a body of ${family} ${JSON.stringify(value).slice(0, 70)}: ${says}`, () => {
    assert.deepEqual(body(family, value), expected);
  });
}

for (const [family, type] of [
  ['messages', 'message_start'],
  ['messages', 'content_block_start'],
  ['messages', 'content_block_delta'],
  ['messages', 'message_delta'],
  ['responses', 'response.created'],
  ['responses', 'response.completed'],
  ['responses', 'response.output_item.added'],
  ['responses', 'response.content_part.done'],
] as const) {
  test(`an event ${type} without what it is about is upstream_error`, () => {
    for (const about of [undefined, null, 'a', [{}]]) {
      const members = ['message', 'content_block', 'delta', 'response', 'item', 'part'].map((name) => [name, about]);
      assert.equal(passed(family, type, { type, ...(Object.fromEntries(members) as JsonObject) }), 'upstream_error');
    }
  });
}
