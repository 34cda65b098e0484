import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFieldReader, type FieldReader } from './lax-fields.ts';
import type { LaxValue } from './lax-json.ts';

type Kind = 'int' | 'float' | 'bool' | 'string' | 'object';

function read(kind: Kind, value: LaxValue | undefined): { value: unknown; problems: FieldReader['problems'] } {
  const fields = createFieldReader(value === undefined ? {} : { x: value });
  return { value: fields[kind]('x'), problems: fields.problems };
}

const accepted: readonly (readonly [Kind, LaxValue | undefined, unknown])[] = [
  ['int', undefined, undefined],
  ['int', null, undefined],
  ['int', 2, 2],
  ['int', '2', 2],
  ['int', true, 1],
  ['int', 10n ** 30n, 10n ** 30n],
  ['float', 0.5, 0.5],
  ['float', '0.5', 0.5],
  ['float', 2n ** 60n, 2 ** 60],
  ['float', Infinity, Infinity],
  ['bool', false, false],
  ['bool', 1, true],
  ['bool', 0, false],
  ['bool', 'Yes', true],
  ['bool', 'off', false],
  ['string', 'a', 'a'],
];
for (const [kind, given, expected] of accepted) {
  test(`${typeof given} ${String(given)} is taken as ${kind}`, () => {
    assert.deepEqual(read(kind, given), { value: expected, problems: [] });
  });
}

const refused: readonly (readonly [Kind, LaxValue, string, string])[] = [
  ['int', 1.5, 'int_from_float', '1.5'],
  ['int', NaN, 'finite_number', 'nan'],
  ['int', 'x', 'int_parsing', 'x'],
  ['int', [], 'int_type', '<list of 0 items>'],
  ['float', '', 'float_parsing', ''],
  ['float', { a: 1 }, 'float_type', '<dict of 1 items>'],
  ['bool', 2, 'bool_parsing', '2'],
  ['bool', 'maybe', 'bool_parsing', 'maybe'],
  ['bool', [], 'bool_type', '<list of 0 items>'],
  ['string', 1, 'string_type', '1'],
  ['object', true, 'dict_type', 'True'],
];
for (const [kind, given, type, input] of refused) {
  test(`${typeof given} ${String(given)} is refused as ${kind} with ${type} and echoed`, () => {
    const { problems } = read(kind, given);
    assert.equal(problems.length, 1);
    assert.equal(problems[0]?.type, type);
    assert.equal(problems[0]?.loc, 'body.x');
    assert.equal(problems[0]?.input, input);
  });
}
