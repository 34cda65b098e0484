import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LaxValue } from './lax-json.ts';
import { callOf, type OfferedTool, type ToolWish } from './tool-calls.ts';

const tools: readonly OfferedTool[] = [
  { name: 'first', schema: undefined },
  { name: 'second', schema: { type: 'object' } },
];
const called = (wish: ToolWish, text: string): string | undefined => callOf(tools, wish, text, 'id')?.name;

for (const { name, wish, text, expected } of [
  { name: 'the first where any has to be called', wish: 'required', text: '', expected: 'first' },
  { name: 'the named one', wish: { name: 'second' }, text: 'first', expected: 'second' },
  { name: 'none that is not offered', wish: { name: 'third' }, text: '', expected: undefined },
  { name: 'the one that the text names', wish: 'auto', text: 'call second now', expected: 'second' },
  { name: 'none that the text does not name', wish: 'auto', text: 'hello', expected: undefined },
  { name: 'none where none may be called', wish: 'none', text: 'first', expected: undefined },
] satisfies readonly { name: string; wish: ToolWish; text: string; expected: string | undefined }[]) {
  test(`calls ${name}`, () => assert.equal(called(wish, text), expected));
}

for (const { schema, expected } of [
  { schema: undefined, expected: {} },
  { schema: { type: 'object', properties: { a: { type: 'string' } } }, expected: {} },
  {
    schema: {
      type: 'object',
      required: ['a', 'b', 'c', 'd'],
      properties: {
        a: { enum: ['Paris', 'Berlin'] },
        b: { type: ['integer', 'null'] },
        c: { type: 'array', items: { type: 'boolean' } },
        d: { const: 'x' },
      },
    },
    expected: { a: 'Paris', b: 1, c: [true], d: 'x' },
  },
] satisfies readonly { schema: LaxValue | undefined; expected: LaxValue }[]) {
  test(`makes arguments that fit ${JSON.stringify(schema)}`, () => {
    const call = callOf([{ name: 'f', schema }], 'required', '', 'id') ?? assert.fail();
    assert.deepEqual(JSON.parse(call.pieces.join('')), expected);
  });
}
