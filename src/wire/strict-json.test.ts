import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_JSON_LIMITS, parseStrictJson } from './strict-json.ts';
import type { JsonFaultCode, JsonLimits } from './strict-json.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const nested = (depth: number): string => '{"a":'.repeat(depth - 1) + '{}' + '}'.repeat(depth - 1);

function accepts(body: Buffer | string, limits?: JsonLimits): void {
  const raw = typeof body === 'string' ? bytes(body) : body;
  const parsed = parseStrictJson(raw, limits);
  assert.ok(parsed.ok, parsed.ok ? '' : `${parsed.code}: ${parsed.message}`);
  assert.deepEqual(parsed.value, JSON.parse(raw.toString('utf8')));
}

function refuses(body: Buffer | string, code: JsonFaultCode, param: string | null, limits?: JsonLimits): void {
  const parsed = parseStrictJson(typeof body === 'string' ? bytes(body) : body, limits);
  assert.ok(!parsed.ok, 'was accepted');
  assert.deepEqual({ code: parsed.code, param: parsed.param }, { code, param });
  assert.ok(!parsed.message.includes('secret'), 'the message repeats text of the body');
}

for (const { name, body } of [
  { name: 'an empty object', body: '{}' },
  { name: 'every kind of value', body: '{"a":[null,true,false,0,-1.5e-3,"x",{},[]]}' },
  { name: 'white space everywhere', body: ' \t\r\n{ "a" : [ 1 , 2 ] } \n' },
  { name: 'every short escape', body: String.raw`{"a":"\"\\\/\b\f\n\r\t"}` },
  { name: 'texts that end in backslashes', body: String.raw`{"a":"\\","b":"\\\\","c":"\\\""}` },
  {
    name: 'a long text with a quote behind its start',
    body: `{"a":"${'x'.repeat(40)}\\"${'y'.repeat(40)}\\\\","b":1}`,
  },
  { name: 'brackets, colons and commas inside texts', body: '{"a:,{[":"}],:\\"{"}' },
  { name: 'characters beyond ASCII', body: '{"é":"日本 🛡"}' },
  { name: 'an escaped surrogate pair', body: String.raw`{"a":"\ud83d\udee1"}` },
  { name: 'U+0001 escaped', body: String.raw`{"a":"\u0001"}` },
  { name: 'an escaped backslash before u0000', body: String.raw`{"a":"\\u0000\\ud800"}` },
  { name: 'equal names in different objects', body: '{"a":{"a":1},"b":[{"a":1},{"a":2}]}' },
  { name: 'names that differ in case', body: '{"a":1,"A":2}' },
  { name: 'numeric and empty names', body: '{"1":1,"0":2,"01":3,"":4}' },
  { name: '__proto__ and constructor as names', body: '{"__proto__":{"a":1},"constructor":{"b":2}}' },
]) {
  test(`a body with ${name} is parsed`, () => accepts(body));
}

for (const { name, body } of [
  { name: 'nothing', body: '' },
  { name: 'white space only', body: ' \n' },
  { name: 'an array', body: '[{"a":1}]' },
  { name: 'a text', body: '"a"' },
  { name: 'a number', body: '1' },
  { name: 'null', body: 'null' },
  { name: 'two objects', body: '{}{}' },
  { name: 'text behind the object', body: '{} x' },
  { name: 'a trailing comma', body: '{"a":1,}' },
  { name: 'a comment', body: '{"a":1/*secret*/}' },
  { name: 'single quotes', body: "{'a':1}" },
  { name: 'an open string', body: '{"a":"secret' },
  { name: 'an open string that ends in a backslash', body: '{"a":"secret\\' },
  { name: 'an open object', body: '{"a":{}' },
  { name: 'brackets that do not pair', body: '{"a":[}]' },
  { name: 'NaN', body: '{"a":NaN}' },
  { name: 'Infinity', body: '{"a":Infinity}' },
  { name: 'minus Infinity', body: '{"a":-Infinity}' },
  { name: 'a leading zero', body: '{"a":01}' },
  { name: 'a plus sign', body: '{"a":+1}' },
  { name: 'a hexadecimal number', body: '{"a":0x10}' },
  { name: 'a raw line feed in a text', body: '{"a":"x\ny"}' },
  { name: 'an unknown escape', body: String.raw`{"a":"\x41"}` },
  { name: 'a broken unicode escape', body: String.raw`{"a":"\u00g0"}` },
  { name: 'U+00A0 between tokens', body: '{\u00a0"a":1}' },
]) {
  test(`a body of ${name} is invalid_json`, () => refuses(body, 'invalid_json', null));
}

for (const { name, body, param } of [
  { name: 'above the largest double', body: '{"a":[1e308,1e309]}', param: 'a[1]' },
  { name: 'below the smallest double', body: '{"a":{"b":-1e309}}', param: 'a.b' },
  { name: 'with a monstrous exponent', body: '{"a":1e999999999999}', param: 'a' },
  { name: 'of 400 digits', body: `{"a":${'9'.repeat(400)}}`, param: 'a' },
]) {
  test(`a number ${name} is invalid_json at its path`, () => refuses(body, 'invalid_json', param));
}

for (const { name, body, param } of [
  { name: 'a byte order mark', body: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes('{}')]), param: null },
  { name: 'UTF-16 little endian', body: Buffer.from('{"a":1}', 'utf16le'), param: null },
  { name: 'UTF-16 big endian', body: Buffer.from('{"a":1}', 'utf16le').swap16(), param: null },
  { name: 'UTF-16 with a byte order mark', body: Buffer.from('\ufeff{"a":1}', 'utf16le'), param: null },
  { name: 'a byte that UTF-8 never has', body: Buffer.from([...bytes('{"a":"'), 0xff, ...bytes('"}')]), param: null },
  { name: 'an overlong encoding', body: Buffer.from([...bytes('{"a":"'), 0xc0, 0x80, ...bytes('"}')]), param: null },
  {
    name: 'an encoded surrogate',
    body: Buffer.from([...bytes('{"a":"'), 0xed, 0xa0, 0x80, ...bytes('"}')]),
    param: null,
  },
  { name: 'a cut sequence at its end', body: Buffer.from([...bytes('{"a":"'), 0xe2, 0x82]), param: null },
  { name: 'a raw U+0000', body: bytes('{"a":"x\0y"}'), param: null },
  { name: 'an escaped U+0000', body: bytes(String.raw`{"a":["x","\u0000"]}`), param: 'a[1]' },
  {
    name: 'an escaped U+0000 in a name',
    body: bytes(String.raw`{"a":{"b\u0000":1}}`),
    param: String.raw`a["b\u0000"]`,
  },
  { name: 'a lone high surrogate', body: bytes(String.raw`{"a":{"b":"\ud800"}}`), param: 'a.b' },
  { name: 'a lone low surrogate', body: bytes(String.raw`{"a":"\uDC00"}`), param: 'a' },
  { name: 'a high surrogate before another text', body: bytes(String.raw`{"a":"\ud83dx\udee1"}`), param: 'a' },
  { name: 'two high surrogates', body: bytes(String.raw`{"a":"\ud83d\ud83d\udee1"}`), param: 'a' },
  { name: 'surrogates in the wrong order', body: bytes(String.raw`{"a":"\udee1\ud83d"}`), param: 'a' },
  { name: 'a lone surrogate behind an escaped backslash', body: bytes(String.raw`{"a":"\\\ud800"}`), param: 'a' },
]) {
  test(`a body with ${name} is invalid_encoding`, () => refuses(body, 'invalid_encoding', param));
}

for (const { name, body, param } of [
  { name: 'at the top', body: '{"model":"a","model":"b"}', param: 'model' },
  { name: 'with the same value', body: '{"a":1,"a":1}', param: 'a' },
  { name: 'deep inside', body: '{"a":[{},{"b":{"c":1,"d":2,"c":3}}]}', param: 'a[1].b.c' },
  { name: 'spelt with an escape', body: String.raw`{"a":1,"\u0061":2}`, param: 'a' },
  { name: 'that is __proto__', body: '{"__proto__":1,"__proto__":2}', param: '__proto__' },
  { name: 'that is empty', body: '{"":1,"":2}', param: '[""]' },
  { name: 'that is a number', body: '{"7":1,"7":2}', param: '["7"]' },
]) {
  test(`a name twice in one object ${name} is duplicate_key`, () => refuses(body, 'duplicate_key', param));
}

for (const { name, number } of [
  { name: '2^53 - 1', number: '9007199254740991' },
  { name: '2^53, which stays what it is', number: '9007199254740992' },
  { name: '2^53 + 2, which stays what it is', number: '9007199254740994' },
  { name: '10^20, which stays what it is', number: '1e20' },
  { name: '10^20 written out', number: '100000000000000000000' },
  { name: '10^23 by exponent, which leaves as it came', number: '1e23' },
  { name: 'a long fraction', number: '0.12345678901234567890' },
  { name: 'a large number with a fraction', number: '9007199254740993.5' },
  { name: 'minus zero', number: '-0' },
  { name: 'the largest double', number: '1.7976931348623157e308' },
  { name: 'a number that underflows', number: '1e-400' },
]) {
  test(`the number ${name} is parsed`, () => accepts(`{"a":${number}}`));
}

for (const { name, number } of [
  { name: '2^53 + 1', number: '9007199254740993' },
  { name: '-(2^53 + 1)', number: '-9007199254740993' },
  { name: '2^53 + 1 with a zero fraction', number: '9007199254740993.0' },
  { name: '2^53 + 1 by exponent', number: '9007199254740.993e3' },
  { name: '2^63 - 1', number: '9223372036854775807' },
  { name: '2^64, which would leave with other digits', number: '18446744073709551616' },
  { name: 'an integer of 26 digits', number: '12345678901234567890123456' },
]) {
  test(`the integer ${name} is value_out_of_range at its path`, () =>
    refuses(`{"a":[{"seed":${number}}]}`, 'value_out_of_range', 'a[0].seed'));
}

test('64 objects inside each other are parsed and 65 are not', () => {
  accepts(nested(64));
  refuses(nested(65), 'invalid_json', null);
});

test('arrays count for the depth like objects', () => {
  accepts(`{"a":${'['.repeat(63)}${']'.repeat(63)}}`);
  refuses(`{"a":${'['.repeat(64)}${']'.repeat(64)}}`, 'invalid_json', null);
});

test('brackets that were closed do not count for the depth', () => {
  accepts(`{"a":[${Array.from({ length: 200 }, () => '[]').join(',')}]}`);
});

test('a body may hold as many values as the limit and not one more', () => {
  const limits = { ...DEFAULT_JSON_LIMITS, maxValues: 5 };
  accepts('{"a":[1,2,3]}', limits); // the object, the array, three numbers
  refuses('{"a":[1,2,3,4]}', 'invalid_json', null, limits);
});

test('a body may hold as many names as the limit and not one more', () => {
  const limits = { ...DEFAULT_JSON_LIMITS, maxNames: 3 };
  accepts('{"a":{"b":1,"c":2}}', limits);
  refuses('{"a":{"b":1,"c":2,"d":3}}', 'invalid_json', null, limits);
});

test('a million open brackets are refused without being parsed', () => {
  refuses(`{"a":${'['.repeat(1_000_000)}`, 'invalid_json', null);
});

test('a member named __proto__ does not change the prototype of its object', () => {
  const parsed = parseStrictJson(bytes('{"__proto__":{"isAdmin":true}}'));
  assert.ok(parsed.ok);
  assert.equal(parsed.value['isAdmin'], undefined);
  assert.deepEqual(Object.keys(parsed.value), ['__proto__']);
});

test('bytes that are a window into a larger buffer are read within their bounds', () => {
  const whole = bytes('xx{"a":1}yy');
  const window = new Uint8Array(whole.buffer, whole.byteOffset + 2, 7);
  assert.deepEqual(parseStrictJson(window), { ok: true, value: { a: 1 } });
});

test('a long name of a caller appears shortened and escaped in a path', () => {
  const name = 'k'.repeat(70);
  refuses(`{"${name}":1,"${name}":2}`, 'duplicate_key', `["${'k'.repeat(64)}\\u2026"]`);
});
