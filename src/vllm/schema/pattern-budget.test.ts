import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import { Refusal } from '../fields/refusal.ts';
import { COMPILED_SCHEMA, DEFAULT_SCHEMA_CAPS, READ_SCHEMA } from './limits.ts';
import { PatternBudget } from './pattern-budget.ts';
import { patternSize } from './pattern.ts';
import { checkSchema } from './schema.ts';

const CAPS = { ...DEFAULT_SCHEMA_CAPS, schemaBytes: 1024 * 1024 };

/** The recorded attack: one of 22 tools that are 85 patterns each. */
function tool(number: number, isSame = false): JsonObject {
  const pattern = (i: number): string => `${'(a|b)?'.repeat(83)}${isSame ? 'x' : `t${number}p${i}`}`;
  const properties = Array.from({ length: 85 }, (_, i) => [`p${i}`, { pattern: pattern(i) }]);
  return { type: 'object', properties: Object.fromEntries(properties) };
}

test('a megabyte of patterns in many tools is refused after 64 KiB of them', () => {
  const patterns = new PatternBudget();
  const verdicts = Array.from(
    { length: 22 },
    (_, i) => checkSchema(tool(i), CAPS, READ_SCHEMA, patterns)?.message ?? 'accepted',
  );
  assert.equal(verdicts[0], 'accepted');
  for (const verdict of verdicts.slice(1)) assert.match(verdict, /65536 characters/);
});

test('patterns that are equal are judged once, as text and as a grammar', () => {
  const patterns = new PatternBudget();
  for (let i = 0; i < 22; i++) {
    assert.equal(checkSchema(tool(i, true), CAPS, READ_SCHEMA, patterns), undefined);
    assert.equal(patterns.size('a{7}', COMPILED_SCHEMA), 7);
  }
});

test('one schema alone has the same limit', () => {
  const anyOf = [tool(0), tool(1)];
  assert.match(checkSchema({ anyOf }, CAPS, READ_SCHEMA)?.message ?? '', /65536 characters/);
});

test('what was judged for the model alone is judged anew for a grammar', () => {
  const patterns = new PatternBudget();
  assert.equal(patterns.size('(?=a)b', READ_SCHEMA), 1);
  assert.ok(patterns.size('(?=a)b', COMPILED_SCHEMA) instanceof Refusal);
});

test('a pattern that is too long by itself is refused as such and uses nothing up', () => {
  const patterns = new PatternBudget();
  const long = 'a'.repeat(100_000);
  assert.deepEqual(patterns.size(long, READ_SCHEMA), patternSize(long, READ_SCHEMA));
  assert.equal(patterns.size('ab', READ_SCHEMA), 2);
});
