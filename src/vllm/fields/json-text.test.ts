import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import { judge } from './body-verdict.fixture.ts';
import type { BodyKind } from './field.ts';
import { jsonText } from './json-text.ts';
import { Refusal } from './refusal.ts';
import { context } from './testing.fixture.ts';

const nested = (depth: number): string => `${'{"a":['.repeat(depth / 2)}1${']}'.repeat(depth / 2)}`;
const message = (json: string): JsonObject => ({
  role: 'assistant',
  tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: json } }],
});
const called = 'messages[0].tool_calls[0].function.arguments';

for (const { kind, bodyOf, at, grants } of [
  { kind: 'chat', bodyOf: (json) => ({ messages: [message(json)] }), at: called },
  { kind: 'tokenize', bodyOf: (json) => ({ messages: [message(json)] }), at: called },
  {
    kind: 'chat-batch',
    bodyOf: (json) => ({ messages: [[message(json)]] }),
    at: called.replace('messages[0]', 'messages[0][0]'),
  },
  {
    kind: 'responses',
    bodyOf: (json) => ({ input: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: json }] }),
    at: 'input[0].arguments',
  },
  {
    kind: 'completions',
    bodyOf: (json) => ({ prompt: 'hi', structured_outputs: { structural_tag: json } }),
    at: 'structured_outputs.structural_tag',
    grants: ['fields:structured-output'],
  },
] satisfies readonly {
  kind: BodyKind;
  bodyOf: (json: string) => JsonObject;
  at: string;
  grants?: readonly string[];
}[]) {
  test(`JSON in ${at} of ${kind} is nested 64 deep and not deeper`, () => {
    const said = (depth: number): unknown => {
      const request = judge(kind, { model: 'tiny', ...bodyOf(nested(depth)) }, grants === undefined ? {} : { grants });
      return typeof request === 'string' ? request : 'passes';
    };
    assert.equal(said(64), 'passes');
    assert.equal(said(66), `value_out_of_range ${at}`);
  });
}

for (const [json, isGood] of [
  ['[],'.repeat(1000), true],
  [`"${'['.repeat(1000)}"`, true],
  [`"\\"${'['.repeat(1000)}"`, true],
  [`"\\\\"${'['.repeat(65)}`, false],
  ['['.repeat(64), true],
  ['['.repeat(65), false],
  ['no JSON {', true],
  ['', true],
] as const) {
  test(`${JSON.stringify(json.slice(0, 12))}… of ${json.length} characters ${isGood ? 'passes' : 'is too deep'}`, () => {
    assert.equal(jsonText(json, context()) instanceof Refusal, !isGood);
  });
}
