import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import { judge } from '../fields/body-verdict.fixture.ts';
import { media } from './media.ts';
import { createPatchCheck } from './patch.ts';
import { prompt } from './prompt.ts';
import { templates } from './templates.ts';

const said = (id: string, body: JsonObject): string | undefined => {
  const row = [...prompt, ...media].find((one) => one.id === id);
  assert.ok(row !== undefined);
  return createPatchCheck([row])('chat-completions', body)?.path;
};
const assistant = (fields: JsonObject): JsonObject => ({ messages: [{ role: 'assistant', ...fields }] });
const called = (json: string): JsonObject =>
  assistant({ tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: json } }] });
const text = (part: string): JsonObject => ({ type: 'text', text: part });

const PAD = '<|image_pad|>';
for (const [name, body] of Object.entries<JsonObject>({
  thinking: assistant({ content: [{ type: 'thinking', thinking: PAD }] }),
  'a refusal': assistant({ content: [{ type: 'refusal', refusal: PAD }] }),
  reasoning: assistant({ reasoning: PAD }),
  reasoning_content: assistant({ reasoning_content: PAD }),
  'arguments of a call': called(`{"a":"${PAD}"}`),
  'arguments of a call, escaped': called('{"a":"\\u003c|image_pad|>"}'),
  'arguments of a call, escaped twice': called('{"a":"{\\"b\\":\\"\\\\u003c|image_pad|>\\"}"}'),
  'the name of a call': assistant({ tool_calls: [{ id: 'c', function: { name: PAD, arguments: '{}' } }] }),
  'the input of a call': assistant({ content: [{ type: 'tool_use', id: 'c', name: 'f', input: { a: [{ b: PAD }] } }] }),
  'a name in the input of a call': assistant({ content: [{ type: 'tool_use', input: { [PAD]: 1 } }] }),
  'the description of a tool': { tools: [{ type: 'function', function: { name: 'f', description: PAD } }] },
  'a name in the schema of a tool': { tools: [{ name: 'f', input_schema: { properties: { [PAD]: {} } } }] },
  'a document': { documents: [{ title: PAD }] },
  'a variable of the template': { chat_template_kwargs: { reasoning_effort: PAD } },
  'what a function gave': { input: [{ type: 'function_call_output', call_id: 'c', output: PAD }] },
  'two parts together': { messages: [{ role: 'user', content: [text('<|ima'), text('ge_pad|>')] }] },
  'two parts around one of another kind': {
    messages: [{ role: 'assistant', content: [text('<|im'), { type: 'thinking', thinking: 'hm' }, text('age_pad|>')] }],
  },
})) {
  test(`a placeholder of a medium in ${name} is stopped`, () => {
    assert.equal(said('media-placeholders', body), Object.keys(body)[0]);
  });
}

test('a placeholder of a medium is no matter where no prompt is made of it', () => {
  assert.equal(
    said('media-placeholders', { user: PAD, stop: [PAD], messages: [{ role: 'user', content: 'hi' }] }),
    undefined,
  );
  assert.equal(said('media-placeholders', { prompt: ['<|ima', 'ge_pad|>'] }), undefined, 'prompts are no neighbours');
});

test('the variables of a template that the field policy opens are those that its patch lets pass', () => {
  const row = templates.find(({ id }) => id === 'chat-template-kwargs');
  assert.ok(row !== undefined);
  const check = createPatchCheck([row]);
  const messages = [{ role: 'user', content: 'hi' }];
  for (const name of ['enable_thinking', 'thinking', 'preserve_thinking', 'reasoning_effort', 'thinking_budget']) {
    const body = { model: 'm', messages, chat_template_kwargs: { [name]: name === 'reasoning_effort' ? 'low' : true } };
    const isOpen = typeof judge('chat', body) !== 'string';
    assert.equal(check('chat-completions', body) === undefined, isOpen, name);
    assert.equal(row.message.includes(name), isOpen, name);
  }
});

const u16 = (value: number): number[] => [value >>> 8, value & 255];
const bytes = (ascii: string): number[] => [...Buffer.from(ascii, 'latin1')];
const png = (width: number, height: number): number[] => [
  ...bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'),
  ...[0, 0, ...u16(width), 0, 0, ...u16(height), 8, 2, 0, 0, 0, 0, 0, 0, 0],
  ...[...bytes('\0\0\x01\0IDAT'), ...Array.from({ length: 260 }, () => 0), ...bytes('\0\0\0\0IEND\0\0\0\0')],
];
const jpeg = (width: number, height: number): number[] => [
  ...[0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, ...u16(height), ...u16(width), 1, 1, 0x11, 0],
  ...[0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0xff, 0xd9],
];
const gif = (width: number, height: number): number[] => {
  const size = [width, 0, height, 0];
  return [...bytes('GIF89a'), ...size, 0, 0, 0, 0x2c, 0, 0, 0, 0, ...size, 0, 2, 2, 0x4c, 0x01, 0, 0x3b];
};
const webp = (width: number, height: number): number[] => [
  ...bytes('RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0\x2f'),
  ...[(width - 1) & 255, ((height - 1) << 6) & 255, (height - 1) >> 2, 0, 0],
];

for (const [name, make] of Object.entries({ png, jpeg, gif, webp })) {
  test(`an image of less than 4 pixels in width or height is stopped as ${name}, in every form that holds one`, () => {
    const found = (width: number, height: number): unknown[] => {
      const data = Buffer.from(make(width, height)).toString('base64');
      const url = `data:image/${name};base64,${data}`;
      const content: JsonObject[] = [
        { type: 'image_url', image_url: { url } },
        { type: 'image_url', image_url: url },
        { type: 'image', source: { type: 'base64', media_type: `image/${name}`, data } },
        { type: 'image', source: { type: 'url', url } },
      ];
      return [{ images: [url] }, ...content.map((part): JsonObject => ({ messages: [{ content: [part] }] }))].map(
        (body) => said('image-one-pixel', body),
      );
    };
    const at = 'messages[0].content[0]';
    const places = ['images[0]', `${at}.image_url.url`, `${at}.image_url`, `${at}.source.data`, `${at}.source.url`];
    for (const [width, height] of [
      [1, 1],
      [3, 9],
      [9, 3],
    ] as const)
      assert.deepEqual(found(width, height), places);
    assert.deepEqual(found(4, 4), [undefined, undefined, undefined, undefined, undefined]);
  });
}
