import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from './refusal.ts';
import { context } from './testing.fixture.ts';
import { compiledSchema, readSchema } from './tools.ts';

/** A tool of patterns of 43 kB. */
const tool = (name: string): { properties: Record<string, { pattern: string }> } => ({
  properties: Object.fromEntries(
    Array.from({ length: 85 }, (_, i) => [`p${i}`, { pattern: `${'(a|b)?'.repeat(83)}${name}${i}` }]),
  ),
});

test('all schemas of a request share what its patterns may cost, so that many tools cannot keep a worker', () => {
  const request = context();
  assert.ok(!(readSchema(tool('x'), request) instanceof Refusal));
  assert.ok(readSchema(tool('y'), request) instanceof Refusal);
  assert.ok(compiledSchema({ pattern: 'ab' }, request) instanceof Refusal);
  assert.ok(!(readSchema(tool('y'), context()) instanceof Refusal), 'the next request has its own');
});
