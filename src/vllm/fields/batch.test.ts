import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { judge, testBodies } from './body-verdict.fixture.ts';
import { PNG } from './testing.fixture.ts';

const chat = (content: JsonValue = 'hi'): JsonObject[] => [{ role: 'user', content }];
const smallest: JsonObject = { model: 'tiny', messages: [chat()], max_tokens: 8 };
const image: JsonObject = { type: 'image_url', image_url: { url: PNG } };

testBodies('chat-batch', smallest, [
  { name: 'of one conversation', fields: {}, expected: {} },
  { name: 'of as many as the cap', fields: { messages: [chat(), chat()] }, caps: { conversations: 2 }, expected: {} },
  {
    name: 'of one more',
    fields: { messages: [chat(), chat(), chat()] },
    caps: { conversations: 2 },
    expected: 'value_out_of_range messages',
  },
  { name: 'with none', fields: { messages: [] }, expected: 'invalid_field messages' },
  { name: 'with an empty one', fields: { messages: [chat(), []] }, expected: 'invalid_field messages[1]' },
  { name: 'with messages that are no lists', fields: { messages: chat() }, expected: 'invalid_field messages[0]' },
  {
    name: 'with as many messages in all as the cap',
    fields: { messages: [chat(), chat()] },
    caps: { messages: 2 },
    expected: {},
  },
  {
    name: 'with one message more in all',
    fields: { messages: [chat(), [...chat(), ...chat()]] },
    caps: { messages: 2 },
    expected: 'value_out_of_range messages',
  },
  {
    name: 'with a role of its own',
    fields: { messages: [chat(), [{ role: 'root', content: 'a' }]] },
    expected: 'invalid_field messages[1][0].role',
  },
  {
    name: 'with as many images in all as the cap',
    fields: { messages: [chat([image]), chat([image])] },
    caps: { images: 2 },
    expected: {},
  },
  {
    name: 'with one image more in all',
    fields: { messages: [chat([image]), chat([image, image])] },
    caps: { images: 2 },
    expected: 'value_out_of_range messages[1][0].content[1].image_url',
  },
  {
    name: 'with an image that vLLM would fetch',
    fields: { messages: [chat([{ type: 'image_url', image_url: { url: 'http://a/' } }])] },
    expected: 'forbidden_field messages[0][0].content[0].image_url',
  },
  { name: 'with one answer each', fields: { n: 1 }, expected: {} },
  { name: 'with two answers each', fields: { n: 2 }, expected: 'value_out_of_range n' },
  { name: 'that does not stream', fields: { stream: false }, expected: { stream: null } },
  { name: 'that streams', fields: { stream: true }, expected: 'forbidden_field stream' },
  { name: 'with no tools', fields: { tools: [], tool_choice: 'none' }, expected: { tools: null, tool_choice: null } },
  { name: 'with tools', fields: { tools: [{ type: 'function' }] }, expected: 'forbidden_field tools' },
  { name: 'with a choice of tools', fields: { tool_choice: 'auto' }, expected: 'forbidden_field tool_choice' },
  { name: 'with beam search', fields: { use_beam_search: true }, expected: 'forbidden_field use_beam_search' },
  {
    name: 'with top_logprobs without logprobs',
    fields: { top_logprobs: 1 },
    expected: 'invalid_field top_logprobs',
  },
]);

test('the output length that a batch leaves out is what the longest conversation leaves of the context', () => {
  const body: JsonObject = { model: 'tiny', messages: [chat('x'.repeat(540)), chat(), chat('y'.repeat(540))] };
  const request = judge('chat-batch', body, { contextTokens: 1000 });
  assert.ok(typeof request !== 'string');
  // 540 characters, the four of the role and the 256 of the template make a hundred tokens; the other conversations have a context of their own.
  assert.equal(request.body['max_tokens'], 900);
  assert.deepEqual(request.output, { name: 'max_tokens', isOurs: true });
});

test('a salt of the caller is replaced by that of the tenant', () => {
  const request = judge('chat-batch', { ...smallest, cache_salt: 'mine' });
  assert.equal(typeof request !== 'string' && request.body['cache_salt'], 'salt');
});
