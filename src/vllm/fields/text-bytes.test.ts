import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { judge } from './body-verdict.fixture.ts';
import type { BodyKind } from './field.ts';
import { markupBytesOf, textBytesOf } from './text-bytes.ts';

const CAP = 1024;
const messages = [{ role: 'user', content: 'hi' }];
const withInput = (input: JsonObject): JsonObject => ({
  max_tokens: 9,
  messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'c', name: 'f', input }] }],
});
const verdict = (kind: BodyKind, body: JsonObject): string => {
  const said = judge(kind, { model: 'tiny', ...body }, { caps: { textBytes: CAP } });
  return typeof said === 'string' ? said : 'passes';
};

for (const { name, kind, bodyOf } of [
  {
    name: 'the input of a call',
    kind: 'messages',
    bodyOf: (length) => withInput({ ['x'.repeat(length)]: { ['y'.repeat(length)]: 1 } }),
  },
  {
    name: 'a document',
    kind: 'chat',
    bodyOf: (length) => ({ messages, documents: [{ ['x'.repeat(length)]: '' }, { ['y'.repeat(length)]: '' }] }),
  },
  {
    name: 'the schema of a tool',
    kind: 'chat',
    bodyOf: (length) => ({
      messages,
      tools: [
        {
          type: 'function',
          function: {
            name: 'f',
            parameters: { properties: { ['x'.repeat(length)]: true, ['y'.repeat(length)]: true } },
          },
        },
      ],
    }),
  },
  {
    name: 'the schema of a tool to be tokenized',
    kind: 'tokenize',
    bodyOf: (length) => ({
      messages,
      tools: [{ type: 'function', function: { name: 'f', parameters: { required: ['x'.repeat(2 * length)] } } }],
    }),
  },
] satisfies readonly { name: string; kind: BodyKind; bodyOf: (length: number) => JsonObject }[]) {
  test(`names in ${name} count as text`, () => {
    assert.equal(verdict(kind, bodyOf(400)), 'passes');
    assert.equal(verdict(kind, bodyOf(600)).split(' ')[0], 'value_out_of_range');
  });
}

for (const { item, bytes } of [
  { item: 1e20, bytes: 23 }, // of five in the body
  { item: -0.5, bytes: 6 },
  { item: true, bytes: 6 },
  { item: null, bytes: 6 },
  { item: [], bytes: 4 },
  { item: '\n', bytes: 6 },
] satisfies readonly { item: JsonValue; bytes: number }[]) {
  test(`each ${JSON.stringify(item)} in the input of a call counts as ${bytes} bytes of text`, () => {
    const ofItems = (count: number): JsonObject => withInput({ a: Array.from({ length: count }, () => item) });
    const others = textBytesOf({ model: 'tiny', ...ofItems(0), cache_salt: 'salt' });
    const most = Math.floor((CAP - others) / bytes);
    assert.equal(verdict('messages', ofItems(most - 8)), 'passes');
    assert.equal(verdict('messages', ofItems(most + 8)), 'value_out_of_range messages');
  });
}

test('texts and markup of a value are together as long as the JSON that Python writes', () => {
  const value = { a: [1, 'é"\n\u0001', { 'b\\': null, c: {} }], d: false, e: [] };
  const written = '{"a": [1, "é\\"\\n\\u0001", {"b\\\\": null, "c": {}}], "d": false, "e": []}';
  assert.equal(textBytesOf(value) + markupBytesOf(value), Buffer.byteLength(written));
});
