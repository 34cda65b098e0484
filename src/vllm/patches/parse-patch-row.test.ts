import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { createPatchCheck } from './patch.ts';
import { parsePatchRow } from './parse-patch-row.ts';

const minimal: JsonObject = {
  id: 'no-logit-bias',
  on: ['chat-completions'],
  when: { field: 'logit_bias', is: 'present' },
  message: 'Leave logit_bias out.',
};

test('a row of four members is enough', () => {
  const row = parsePatchRow(minimal);
  assert.ok('id' in row);
  assert.deepEqual(row, { ...minimal, advisories: [] });
  assert.equal(createPatchCheck([row])('chat-completions', { logit_bias: {} })?.patchId, 'no-logit-bias');
});

test('all mistakes of a row are told at once, each with its path and a hint', () => {
  const mistakes = parsePatchRow({
    id: 'No Spaces',
    advisories: [7],
    releases: { introduced: 0.24, fixd: '0.25.0' },
    on: ['chat-completion'],
    when: { all: [{ field: 'a..b', is: 'here' }, { field: 'a', above: '1', wat: 1 }, {}] },
    message: 'line\nbreak',
    extra: 1,
  });
  assert.ok(!('id' in mistakes));
  assert.deepEqual(
    mistakes.map(({ path, hint }) => [path, hint.slice(0, 24)]),
    [
      ['extra', 'Known are id, advisories'],
      ['id', 'Give small letters, digi'],
      ['on[0]', 'Did you mean chat-comple'],
      ['when.all[0].field', 'Give the path of a field'],
      ['when.all[0].is', 'Give one of present, abs'],
      ['when.all[1].wat', 'Known are field, is, equ'],
      ['when.all[1].above', 'Give a number.'],
      ['when.all[2].field', 'Give the path of a field'],
      ['when.all[2]', 'Give a test, such as is:'],
      ['message', 'Give a text of 1 to 500 '],
      ['releases.fixd', 'Did you mean fixed?'],
      ['releases.introduced', 'Give a release as a text'],
      ['advisories[0]', 'Give a text of 1 to 64 p'],
    ],
  );
});

for (const { claim, when, path } of [
  { claim: 'an empty list of conditions', when: { any: [] }, path: 'when.any' },
  { claim: 'an empty list of texts', when: { field: 'a', contains: [] }, path: 'when.contains' },
  {
    claim: 'the empty text, which every text contains',
    when: { field: 'a', contains: [''] },
    path: 'when.contains[0]',
  },
  { claim: 'a field without a test', when: { field: 'a' }, path: 'when' },
  { claim: 'a count alone', when: { field: 'a', occursMoreThan: 3 }, path: 'when' },
  { claim: 'another test of what is absent', when: { field: 'a', is: 'absent', above: 1 }, path: 'when' },
  { claim: 'a joint with a field', when: { all: [{ field: 'a', is: 'present' }], field: 'a' }, path: 'when.field' },
  { claim: 'a regular expression', when: { field: 'a', matches: '(a+)+' }, path: 'when.matches' },
  { claim: 'two names at any depth', when: { field: '**.a.**.b', is: 'present' }, path: 'when.field' },
  { claim: 'a list in place of a condition', when: [], path: 'when' },
] satisfies readonly { claim: string; when: JsonValue; path: string }[]) {
  test(`${claim} is a mistake`, () => {
    const mistakes = parsePatchRow({ ...minimal, when });
    assert.ok(!('id' in mistakes));
    assert.ok(
      mistakes.some((mistake) => mistake.path === path),
      JSON.stringify(mistakes),
    );
  });
}

test('conditions may be nested 8 deep and not 9, and be 128 and not 129', () => {
  const leaf = { field: 'a', is: 'present' };
  const nested = (depth: number): JsonValue => (depth === 1 ? leaf : { not: nested(depth - 1) });
  const wide = (count: number): JsonValue => ({ any: Array.from({ length: count - 1 }, () => leaf) });
  for (const when of [nested(8), wide(128)]) assert.ok('id' in parsePatchRow({ ...minimal, when }));
  for (const when of [nested(9), wide(129)]) assert.ok(!('id' in parsePatchRow({ ...minimal, when })));
});

test('a hostile row makes no more mistakes than are worth reading', () => {
  const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`m${i}`, i]));
  const mistakes = parsePatchRow({ ...minimal, ...many });
  assert.ok(!('id' in mistakes));
  assert.equal(mistakes.length, 100);
});

const word = fc.constantFrom(
  'field',
  'is',
  'all',
  'any',
  'not',
  'above',
  'contains',
  'a',
  '**.a',
  'present',
  '__proto__',
  'id',
);
const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonValue>(null, true, 1, -1, '', 'a', 'present', '**.a'),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(word, tie('tree'), { maxKeys: 4 }),
  ),
}));

test('any value gives a row that works, or mistakes with path and hint', () => {
  fc.assert(
    fc.property(tree, tree, (when, rest) => {
      const more = typeof rest === 'object' && rest !== null && !Array.isArray(rest) ? rest : {};
      for (const value of [when, { ...minimal, when }, { ...more, ...minimal, when }, { ...minimal, ...more }]) {
        const row = parsePatchRow(value);
        if ('id' in row) createPatchCheck([row])('chat-completions', { a: when });
        else assert.ok(row.length > 0 && row.every(({ path, hint }) => typeof path === 'string' && hint !== ''));
      }
    }),
  );
});
