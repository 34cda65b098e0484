import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonValue } from '../../kernel/json.ts';
import { bool, int, listOf, num, oneOf, shortText, text, textOrList } from './check.ts';
import { Refusal } from './refusal.ts';
import type { Check } from './field.ts';
import { context } from './testing.fixture.ts';

/** What a check says: `passes`, or the code and path of its refusal. */
function verdict(check: Check, value: JsonValue): string {
  const checked = check(value, context());
  if (checked instanceof Refusal) return `${checked.code} ${checked.path}`.trimEnd();
  assert.deepEqual(checked, value);
  return 'passes';
}

const checks = {
  'int(1, 4)': int(1, 4),
  'num(0, 2)': num(0, 2),
  bool,
  text,
  'shortText(1, 3)': shortText(1, 3),
  'oneOf(a, b)': oneOf('a', 'b'),
  'listOf(text, 2)': listOf(text, 2),
  'textOrList(text, 2)': textOrList(text, 2),
} satisfies Record<string, Check>;

const INVALID = 'invalid_field';
const RANGE = 'value_out_of_range';

for (const [name, cases] of Object.entries<readonly (readonly [JsonValue, string])[]>({
  'int(1, 4)': [
    [1, 'passes'],
    [4, 'passes'],
    [0, RANGE],
    [5, RANGE],
    [2.5, INVALID],
    ['2', INVALID],
    [true, INVALID],
    [[1], INVALID],
    [{}, INVALID],
  ],
  'num(0, 2)': [
    [0, 'passes'],
    [2, 'passes'],
    [-0.001, RANGE],
    [2.001, RANGE],
    ['1', INVALID],
    [false, INVALID],
  ],
  bool: [
    [true, 'passes'],
    [false, 'passes'],
    [1, INVALID],
    ['true', INVALID],
  ],
  text: [
    ['', 'passes'],
    ['a', 'passes'],
    [1, INVALID],
    [['a'], INVALID],
  ],
  'shortText(1, 3)': [
    ['a', 'passes'],
    ['abc', 'passes'],
    ['', RANGE],
    ['abcd', RANGE],
    [1, INVALID],
  ],
  'oneOf(a, b)': [
    ['a', 'passes'],
    ['c', INVALID],
    ['A', INVALID],
    [0, INVALID],
  ],
  'listOf(text, 2)': [
    [['a'], 'passes'],
    [['a', 'b'], 'passes'],
    [['a', 'b', 'c'], RANGE],
    [[], INVALID],
    ['a', INVALID],
    [{ 0: 'a', length: 1 }, INVALID],
    [['a', 1], `${INVALID} [1]`],
    [[null], `${INVALID} [0]`],
  ],
  'textOrList(text, 2)': [
    ['a', 'passes'],
    [['a', 'b'], 'passes'],
    [['a', 'b', 'c'], RANGE],
    [[[1, 2]], `${INVALID} [0]`],
    [[1, 2], `${INVALID} [0]`],
    [1, INVALID],
    [{}, INVALID],
  ],
})) {
  const check = Object.entries<Check>(checks).find(([known]) => known === name)?.[1];
  for (const [value, expected] of cases) {
    test(`${name} says of ${JSON.stringify(value)}: ${expected}`, () => {
      assert.ok(check !== undefined);
      assert.equal(verdict(check, value), expected);
    });
  }
}

test('the path of a refusal grows from the inside out', () => {
  const refusal = listOf(listOf(text, 9), 9)([['a'], ['b', 7]], context());
  assert.ok(refusal instanceof Refusal);
  assert.equal(refusal.within('prompt').path, 'prompt[1][1]');
});
