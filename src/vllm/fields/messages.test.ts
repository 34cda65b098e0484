import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { Refusal } from './refusal.ts';
import { messageCheck } from './messages.ts';
import { context, defaultCaps, PNG, WAV } from './testing.fixture.ts';

const check = (value: JsonValue) => messageCheck(value, context());

for (const message of [
  { role: 'user', content: 'hello' },
  { role: 'system', content: '' },
  { role: 'developer', content: 'be brief' },
  { role: 'assistant', content: 'yes' },
  { role: 'user', content: 'hello', name: 'ann' },
  { role: 'tool', content: '{"a":1}', tool_call_id: 'call_1' },
  { role: 'user', content: [{ type: 'text', text: 'a' }] },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'a' },
      { type: 'text', text: '' },
    ],
  },
]) {
  test(`passes ${JSON.stringify(message)} as it is`, () => assert.deepEqual(check(message), message));
}

test("takes back the SDK's own answer as a message, without what is empty in it", () => {
  const answer = {
    role: 'assistant',
    content: 'yes',
    refusal: null,
    annotations: [],
    audio: null,
    function_call: null,
    tool_calls: [],
    reasoning: null,
    reasoning_content: null,
  };
  assert.deepEqual(check(answer), { role: 'assistant', content: 'yes' });
});

for (const { answer, content } of [
  { answer: { content: null, refusal: 'No.' }, content: 'No.' },
  { answer: { content: null, refusal: null }, content: '' },
  { answer: { content: null, tool_calls: [] }, content: '' },
  { answer: {}, content: '' },
  { answer: { content: [] }, content: '' },
] satisfies readonly { answer: JsonObject; content: string }[]) {
  test(`takes back an answer of ${JSON.stringify(answer)} as ${JSON.stringify(content)}`, () => {
    assert.deepEqual(check({ role: 'assistant', ...answer }), { role: 'assistant', content });
  });
}

test('takes the result of a tool that gave nothing as an empty text', () => {
  const result = { role: 'tool', tool_call_id: 'call_1' };
  assert.deepEqual(check({ ...result, content: [] }), { ...result, content: '' });
});

test('passes the calls of an assistant, and the reasoning before them', () => {
  const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
  const message = { role: 'assistant', reasoning: 'hm', tool_calls: [call] };
  assert.deepEqual(check({ ...message, content: null, tool_calls: [{ ...call, index: 0 }] }), message);
});

test('binds the key of a medium to the tenant', () => {
  const image = { type: 'image_url', image_url: { url: PNG }, uuid: 'cat' };
  assert.deepEqual(check({ role: 'user', content: [image] }), {
    role: 'user',
    content: [{ ...image, uuid: 'bound(cat)' }],
  });
});

test('counts the images of a request over all its messages', () => {
  const here = context();
  const image = { type: 'image_url', image_url: { url: PNG } };
  const message = { role: 'user', content: [image, image] };
  assert.ok(!(messageCheck(message, here) instanceof Refusal));
  assert.ok(!(messageCheck(message, here) instanceof Refusal));
  const refusal = messageCheck(message, here);
  assert.ok(refusal instanceof Refusal);
  assert.deepEqual([refusal.code, refusal.path], ['value_out_of_range', 'content[0].image_url']);
});

test('takes audio from who has the grant', () => {
  const here = context({ grants: new Set(['fields:media-audio']), caps: { ...defaultCaps, audios: 1 } });
  const content = [{ type: 'input_audio', input_audio: { data: WAV, format: 'wav' } }];
  assert.deepEqual(messageCheck({ role: 'user', content }, here), { role: 'user', content });
});

test('leaves out what the SDK marks a part with', () => {
  const content = [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }];
  assert.deepEqual(check({ role: 'user', content }), { role: 'user', content: [{ type: 'text', text: 'a' }] });
});

for (const { message, code, path } of [
  { message: 'hello', code: 'invalid_field', path: '' },
  { message: ['user', 'hello'], code: 'invalid_field', path: '' },
  { message: null, code: 'invalid_field', path: '' },
  { message: { content: 'a' }, code: 'invalid_field', path: 'role' },
  { message: { role: null, content: 'a' }, code: 'invalid_field', path: 'role' },
  { message: { role: 'function', content: 'a' }, code: 'invalid_field', path: 'role' },
  { message: { role: 'User', content: 'a' }, code: 'invalid_field', path: 'role' },
  { message: { role: 1, content: 'a' }, code: 'invalid_field', path: 'role' },
  { message: { role: 'user' }, code: 'invalid_field', path: 'content' },
  { message: { role: 'user', content: 1 }, code: 'invalid_field', path: 'content' },
  { message: { role: 'user', content: {} }, code: 'invalid_field', path: 'content' },
  { message: { role: 'user', content: [] }, code: 'invalid_field', path: 'content' },
  { message: { role: 'user', content: ['a'] }, code: 'invalid_field', path: 'content[0]' },
  { message: { role: 'user', content: [null] }, code: 'invalid_field', path: 'content[0]' },
  { message: { role: 'user', content: [{ text: 'a' }] }, code: 'invalid_field', path: 'content[0].type' },
  { message: { role: 'user', content: [{ type: 'text' }] }, code: 'invalid_field', path: 'content[0].text' },
  { message: { role: 'user', content: [{ type: 'text', text: 1 }] }, code: 'invalid_field', path: 'content[0].text' },
  { message: { role: 'user', content: [{ type: 'poem', text: 'a' }] }, code: 'invalid_field', path: 'content[0].type' },
  {
    message: { role: 'user', content: [{ type: 'text', text: 'a', x: 1 }] },
    code: 'unknown_field',
    path: 'content[0].x',
  },
  {
    message: {
      role: 'user',
      content: [
        { type: 'text', text: 'a' },
        { type: 'image_url', image_url: { url: 'http://169.254.169.254/' } },
      ],
    },
    code: 'forbidden_field',
    path: 'content[1].image_url',
  },
  { message: { role: 'user', content: [{ type: 'video_url' }] }, code: 'forbidden_field', path: 'content[0].type' },
  {
    message: { role: 'user', content: [{ type: 'input_audio', input_audio: { data: '', format: 'wav' } }] },
    code: 'forbidden_field',
    path: 'content[0].input_audio',
  },
  {
    message: { role: 'user', content: [{ type: 'text', text: 'a', image_url: { url: 'data:' } }] },
    code: 'unknown_field',
    path: 'content[0].image_url',
  },
  {
    message: { role: 'user', content: [{ type: 'prompt_embeds', prompt_embeds: 'AAAA' }] },
    code: 'forbidden_field',
    path: 'content[0].prompt_embeds',
  },
  { message: { role: 'assistant', tool_calls: [{}] }, code: 'invalid_field', path: 'tool_calls[0].function' },
  {
    message: { role: 'user', content: 'a', tool_calls: [{ function: { name: 'f', arguments: '{}' } }] },
    code: 'invalid_field',
    path: 'tool_calls',
  },
  { message: { role: 'assistant', content: 'a', reasoning: {} }, code: 'invalid_field', path: 'reasoning' },
  { message: { role: 'user', content: 'a', channel: 'analysis' }, code: 'forbidden_field', path: 'channel' },
  { message: { role: 'developer', content: 'a', tools: [{}] }, code: 'forbidden_field', path: 'tools' },
  {
    message: { role: 'assistant', function_call: { name: 'f', arguments: '' } },
    code: 'forbidden_field',
    path: 'function_call',
  },
  { message: { role: 'user', content: 'a', foo: 1 }, code: 'unknown_field', path: 'foo' },
  { message: { role: 'user', content: 'a', name: '' }, code: 'value_out_of_range', path: 'name' },
  { message: { role: 'user', content: 'a', name: 'n'.repeat(257) }, code: 'value_out_of_range', path: 'name' },
  { message: { role: 'user', content: 'a', name: 1 }, code: 'invalid_field', path: 'name' },
  { message: { role: 'tool', content: 'a' }, code: 'invalid_field', path: 'tool_call_id' },
  { message: { role: 'tool', content: 'a', tool_call_id: 1 }, code: 'invalid_field', path: 'tool_call_id' },
] satisfies readonly { message: JsonValue; code: string; path: string }[]) {
  test(`refuses ${JSON.stringify(message).slice(0, 90)} as ${code} at ${path === '' ? 'the message' : path}`, () => {
    const refusal = check(message);
    assert.ok(refusal instanceof Refusal);
    assert.deepEqual([refusal.code, refusal.path], [code, path]);
  });
}

test('drops unknown members of messages and parts where the operator wants it', () => {
  const drops = (value: JsonValue) => messageCheck(value, context({ unknownFields: 'drop' }));
  const message = { role: 'user', content: [{ type: 'text', text: 'a', x: 1 }], y: 2 };
  assert.deepEqual(drops(message), { role: 'user', content: [{ type: 'text', text: 'a' }] });
  assert.ok(drops({ role: 'user', content: 'a', channel: 'x' }) instanceof Refusal, 'closed ones stay closed');
});

test('a member that only an object prototype has is not taken for one that was sent', () => {
  const message: JsonValue = JSON.parse('{"__proto__":{"role":"user","content":"a"}}') as JsonValue; // a JSON text
  const refusal = check(message);
  assert.ok(refusal instanceof Refusal);
  assert.equal(refusal.code, 'unknown_field');
});
