import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import { createBodyCheck } from './body.ts';
import { Refusal } from './refusal.ts';
import { caller } from './testing.fixture.ts';

/** Harmless where a model reads it; a real vLLM spent 660 MB on making a grammar of its like. */
const WIDE = { type: 'object', properties: { a: { type: 'string', minLength: 100_000_000 } } };
const NARROW = { type: 'object', properties: { a: { type: ['string', 'null'] } }, additionalProperties: false };

interface Tool {
  readonly schema: JsonObject;
  readonly strict?: boolean;
}
const KINDS = [
  {
    kind: 'chat',
    body: { messages: [{ role: 'user', content: 'a' }] },
    tool: ({ schema, ...strict }: Tool, name: string) => ({
      type: 'function',
      function: { name, parameters: schema, ...strict },
    }),
    none: 'none',
    at: 'function.parameters',
  },
  {
    kind: 'responses',
    body: { input: 'a' },
    tool: ({ schema, ...strict }: Tool, name: string) => ({ type: 'function', name, parameters: schema, ...strict }),
    none: 'none',
    at: 'parameters',
  },
  {
    kind: 'messages',
    body: { messages: [{ role: 'user', content: 'a' }], max_tokens: 4 },
    tool: ({ schema, ...strict }: Tool, name: string) => ({ name, input_schema: schema, ...strict }),
    none: { type: 'none' },
    at: 'input_schema',
  },
] as const;

for (const { kind, body, tool, none, at } of KINDS) {
  const check = createBodyCheck(kind, { unknownFields: 'deny', overCap: 'lower' });
  const judge = (tools: readonly Tool[], more: JsonObject = {}) => {
    const sent = { model: 'm', ...body, tools: tools.map((one, i) => tool(one, `f${i}`)), ...more };
    return check(JSON.parse(JSON.stringify(sent)) as JsonObject, 1000, caller()); // what is written is an object
  };
  const isSent = (...judged: Parameters<typeof judge>) => !(judge(...judged) instanceof Refusal);

  test(`${kind}: a strict tool has all be judged as grammars that do not say they are none`, () => {
    for (const tools of [
      [{ schema: WIDE, strict: true }],
      [{ schema: NARROW, strict: true }, { schema: WIDE }],
      [{ schema: WIDE }, { schema: NARROW, strict: true }],
    ]) {
      const refusal = judge(tools);
      assert.ok(refusal instanceof Refusal, JSON.stringify(tools));
      assert.equal(refusal.code, 'value_out_of_range');
      const index = tools.findIndex(({ schema }) => schema === WIDE);
      assert.ok(refusal.path.startsWith(`tools[${index}].${at}`), refusal.path);
    }
  });

  test(`${kind}: without a strict tool, or where none may be called, they are only read`, () => {
    assert.ok(isSent([{ schema: WIDE }, { schema: WIDE, strict: false }]));
    assert.ok(
      isSent([
        { schema: NARROW, strict: true },
        { schema: WIDE, strict: false },
      ]),
    );
    assert.ok(isSent([{ schema: NARROW, strict: true }]));
    assert.ok(isSent([{ schema: WIDE, strict: true }], { tool_choice: none }));
  });
}
