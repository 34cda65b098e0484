import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cellOf } from './audit-search.ts';
import { json, quietJson, table } from './text.ts';

const EVIL = 'a\u001b[2J\u009b31m\r\n\u202eb\u2028\u{e0001}';

test('a table shows nothing that a terminal acts on, whoever wrote it', () => {
  const text = table([['NAME'], [EVIL]]);
  assert.equal(text.split('\n').length, 3);
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
});

test('JSON for a terminal has the same value, and nothing that a terminal acts on', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constant(EVIL)), (name) => {
      const text = quietJson(JSON.stringify({ name }));
      assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      assert.deepEqual(JSON.parse(text), { name });
      assert.deepEqual(JSON.parse(json({ name })), { name });
    }),
  );
});

test('a cell of CSV is no formula, also behind blanks and in wide letters, and has no control characters', () => {
  for (const formula of ['=1', '+1', '-1', '@a', '\t=1', ' =1', '\r=1', '\uff1d1', '\uff20a', '\u200b=1']) {
    assert.match(cellOf(formula), /^'/, JSON.stringify(formula));
  }
  assert.equal(cellOf('key:Ab12Cd'), 'key:Ab12Cd');
  assert.equal(cellOf('a"b,c'), '"a""b,c"');
  assert.doesNotMatch(cellOf(EVIL), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
});
