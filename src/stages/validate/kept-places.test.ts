import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import { createBodyCheck } from '../../vllm/fields/body.ts';
import type { BodyKind } from '../../vllm/fields/field.ts';
import { Refusal } from '../../vllm/fields/refusal.ts';
import { caller } from '../../vllm/fields/testing.fixture.ts';
import { patches } from '../../vllm/patches/index.ts';
import { createPatchCheck } from '../../vllm/patches/patch.ts';
import { createControlTokens } from './control-tokens.ts';

const checkTokens = createControlTokens('deny', []);
const neutralise = createControlTokens('neutralise', []);

function sentOf(kind: BodyKind, body: JsonObject): JsonObject {
  const sent = createBodyCheck(kind, { unknownFields: 'deny', overCap: 'lower' })(body, 1000, caller());
  assert.ok(!(sent instanceof Refusal), sent instanceof Refusal ? `${sent.code} ${sent.path}` : '');
  return sent.body;
}

const SPELLED = 'a <|im_start|> b';
const IMAGE = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=';
const responses = (...input: JsonObject[]): JsonObject => ({ model: 'm', input });

for (const { name, kind, body, path } of [
  {
    name: 'an item behind reasoning',
    kind: 'responses',
    body: responses({ type: 'reasoning' }, { role: 'user', content: SPELLED }),
    path: 'input[1].content',
  },
  {
    name: 'a tool behind one of the server',
    kind: 'responses',
    body: {
      ...responses({ role: 'user', content: 'hi' }),
      tools: [{ type: 'web_search' }, { type: 'function', name: 'f', description: SPELLED }],
    },
    path: 'tools[1].description',
  },
  {
    name: 'a tool of a chat behind one of the server',
    kind: 'chat',
    body: {
      model: 'm',
      messages: [{ role: 'user', content: 'hi' }],
      tools: [{ type: 'web_search' }, { type: 'function', function: { name: 'f', description: SPELLED } }],
    },
    path: 'tools[1].function.description',
  },
  {
    name: 'a block behind redacted thinking',
    kind: 'messages',
    body: {
      model: 'm',
      max_tokens: 5,
      messages: [
        {
          role: 'assistant',
          content: [
            { type: 'redacted_thinking', data: 'x' },
            { type: 'text', text: SPELLED },
          ],
        },
      ],
    },
    path: 'messages[0].content[1].text',
  },
  {
    name: 'a spelling over two blocks behind redacted thinking',
    kind: 'messages',
    body: {
      model: 'm',
      max_tokens: 5,
      messages: [
        {
          role: 'assistant',
          content: [
            { type: 'redacted_thinking', data: 'x' },
            { type: 'text', text: '<|im_' },
            { type: 'text', text: 'start|>' },
          ],
        },
      ],
    },
    path: 'messages[0].content[2].text',
  },
] satisfies readonly { name: string; kind: BodyKind; body: JsonObject; path: string }[]) {
  test(`a control token in ${name} is told where the caller wrote it`, () => {
    const refusal = checkTokens('m', sentOf(kind, body));
    assert.deepEqual([refusal instanceof Refusal && refusal.path], [path]);
  });
}

test('a name that cannot be broken is told where the caller wrote it', () => {
  const tools = [
    { type: 'web_search' },
    { type: 'function', name: 'f', parameters: { type: 'object', properties: { '<|im_end|>': {} } } },
  ];
  const refusal = neutralise('m', sentOf('responses', { ...responses({ role: 'user', content: 'hi' }), tools }));
  assert.equal(refusal instanceof Refusal && refusal.path, 'tools[1].parameters.properties["<|im_end|>"]');
});

test('what a virtual patch stops is told where the caller wrote it', () => {
  const content = [{ type: 'input_image', image_url: IMAGE }];
  const hole = createPatchCheck(patches)(
    'responses',
    sentOf('responses', responses({ type: 'reasoning' }, { role: 'user', content })),
  );
  assert.equal(hole?.path, 'input[1].content[0].image_url');
});

for (const { kind, list, choice, path } of [
  {
    kind: 'responses',
    list: [{ type: 'web_search' }, { type: 'function', name: 'f', parameters: { maxLength: 1001 } }],
    choice: 'required',
    path: 'tools[1].parameters.maxLength',
  },
  {
    kind: 'messages',
    list: [
      { type: 'bash_20250124', name: 'bash' },
      { name: 'f', input_schema: { maxLength: 1001 } },
    ],
    choice: { type: 'any' },
    path: 'tools[1].input_schema.maxLength',
  },
  {
    kind: 'chat',
    list: [{ type: 'web_search' }, { type: 'function', function: { name: 'f', parameters: { maxLength: 1001 } } }],
    choice: 'required',
    path: 'tools[1].function.parameters.maxLength',
  },
] satisfies readonly { kind: BodyKind; list: JsonObject[]; choice: string | JsonObject; path: string }[]) {
  test(`a schema of an enforced tool of ${kind} is told where the caller wrote it`, () => {
    const messages: JsonObject[] = [{ role: 'user', content: 'hi' }];
    const smallest: JsonObject = kind === 'responses' ? { model: 'm', input: 'hi' } : { model: 'm', messages };
    const body = { ...smallest, ...(kind === 'messages' ? { max_tokens: 5 } : {}), tools: list, tool_choice: choice };
    const check = createBodyCheck(kind, { unknownFields: 'deny', overCap: 'lower' });
    const refusal = check(body, 1000, caller());
    assert.deepEqual(refusal instanceof Refusal && `${refusal.code} ${refusal.path}`, `value_out_of_range ${path}`);
  });
}
