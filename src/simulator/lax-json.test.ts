import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseLaxJson, type LaxResult } from './lax-json.ts';

const parse = (text: string | Buffer): LaxResult => parseLaxJson(Buffer.from(text));
const value = (text: string | Buffer): unknown => {
  const result = parse(text);
  assert.equal(result.kind, 'value');
  return result.kind === 'value' ? result.value : undefined;
};

test('a text that JSON.parse accepts gives the same value', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      const plain: unknown = JSON.parse(text);
      const whole = (_key: string, item: unknown): unknown => (typeof item === 'bigint' ? Number(item) : item);
      assert.equal(JSON.stringify(value(text), whole), JSON.stringify(plain));
    }),
  );
});

test('any bytes give one of the three results', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      assert.ok(['value', 'invalid', 'unparseable'].includes(parseLaxJson(Buffer.from(bytes)).kind));
    }),
  );
});

test('the last of two equal keys wins', () => {
  assert.deepEqual({ ...(value('{"model":"a","model":"b"}') as object) }, { model: 'b' });
});

test('`__proto__` is a key like any other', () => {
  assert.deepEqual(Object.keys(value('{"__proto__":{"x":1}}') as object), ['__proto__']);
});

for (const [text, expected] of [
  ['NaN', NaN],
  ['-Infinity', -Infinity],
  ['1e400', Infinity],
  ['9007199254740991', 9007199254740991],
  ['9007199254740992', 9007199254740992n],
  ['9'.repeat(4300), BigInt('9'.repeat(4300))],
] as const) {
  test(`${text.slice(0, 20)} is a number as Python reads it`, () => {
    assert.deepEqual(value(text), expected);
  });
}

for (const [name, bytes] of [
  ['UTF-8 with a byte order mark', Buffer.from('\ufeff{"a":"ü"}')],
  ['UTF-16 with a byte order mark', Buffer.from('\ufeff{"a":"ü"}', 'utf16le')],
  ['UTF-16LE without one', Buffer.from('{"a":"ü"}', 'utf16le')],
  ['UTF-16BE without one', Buffer.from('{"a":"ü"}', 'utf16le').swap16()],
] as const) {
  test(`${name} is read`, () => {
    assert.deepEqual({ ...(value(bytes) as object) }, { a: 'ü' });
  });
}

for (const [text, at, message] of [
  ['', 0, 'Expecting value'],
  ['{"a":1,}', 7, 'Expecting property name enclosed in double quotes'],
  ['{"a" 1}', 5, "Expecting ':' delimiter"],
  ['[1 2]', 3, "Expecting ',' delimiter"],
  ['{} {}', 3, 'Extra data'],
  ['"a', 0, 'Unterminated string starting at'],
  ['"a\n"', 2, 'Invalid control character at'],
  ['"\\x"', 1, 'Invalid \\escape'],
  ['"\\u12"', 2, 'Invalid \\uXXXX escape'],
] as const) {
  test(`${JSON.stringify(text)} is refused at ${at} as Python refuses it`, () => {
    assert.deepEqual(parse(text), { kind: 'invalid', at, message });
  });
}

for (const [name, text] of [
  ['an integer of more than 4300 digits', '9'.repeat(4301)],
  ['deep nesting', '['.repeat(1000) + ']'.repeat(1000)],
  ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22])],
] as const) {
  test(`${name} is beyond parsing`, () => {
    assert.deepEqual(parse(text), { kind: 'unparseable' });
  });
}
