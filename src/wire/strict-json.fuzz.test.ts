import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseStrictJson } from './strict-json.ts';

// The long run sets FUZZ_RUNS to some hundred thousand.
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 300);

const plain = (text: string): boolean => text.isWellFormed() && !text.includes('\0');
const text = fc.string({ unit: 'binary', maxLength: 40 }).filter(plain);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      text,
    ),
    fc.array(tie('tree'), { maxLength: 6 }),
    fc.dictionary(text, tie('tree'), { maxKeys: 6 }),
  ),
}));
const document = fc.dictionary(text, tree, { maxKeys: 8 });
/** Writes every character of every text as an escape. */
const escaped = (json: string): string =>
  json.replace(/"(?:[^"\\]|\\.)*"/g, (token) => `"${escapeUnits(JSON.parse(token) as string)}"`); // a string token

function escapeUnits(text: string): string {
  return text
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

test('every object that JSON.stringify writes is parsed to the same value', () => {
  fc.assert(
    fc.property(document, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const json = JSON.stringify(value, undefined, indent);
      for (const spelling of [json, escaped(json)]) {
        const parsed = parseStrictJson(Buffer.from(spelling));
        assert.ok(parsed.ok, parsed.ok ? '' : `${parsed.code} ${parsed.message}`);
        assert.deepEqual(parsed.value, JSON.parse(json));
      }
    }),
    { numRuns },
  );
});

/** Bytes that a broken or hostile client could send: a valid text, hurt in a few places. */
const hurt = fc
  .tuple(
    document.map((value) => Buffer.from(JSON.stringify(value))),
    fc.array(
      fc.record({
        at: fc.nat(),
        cut: fc.nat({ max: 4 }),
        put: fc.oneof(
          fc.constantFrom(...'{}[]",:\\0123456789-+.eEu \n\0'.split('')),
          fc.constantFrom(
            '\\u0000',
            '\\ud800',
            '\\udc00',
            '\\"',
            '"":',
            '"a":1,',
            '1e400',
            '9007199254740993',
            '\ufeff',
            'NaN',
          ),
          fc.string({ unit: 'binary', maxLength: 3 }),
        ),
        raw: fc.option(fc.nat({ max: 255 })),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  )
  .map(([start, wounds]) =>
    wounds.reduce((bytes, { at, cut, put, raw }) => {
      const position = at % (bytes.length + 1);
      const inserted = raw === null ? Buffer.from(put) : Buffer.from([raw]);
      return Buffer.concat([bytes.subarray(0, position), inserted, bytes.subarray(position + cut)]);
    }, start),
  );

test('whatever is accepted, JSON.parse reads as the same value, and it survives being written again', () => {
  fc.assert(
    fc.property(hurt, (bytes) => {
      const parsed = parseStrictJson(bytes);
      if (!parsed.ok) return;
      const decoded = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      assert.deepEqual(parsed.value, JSON.parse(decoded));
      const written = JSON.stringify(parsed.value);
      assert.ok(written.isWellFormed() && !written.includes('\\u0000'));
      const again = parseStrictJson(Buffer.from(written));
      assert.ok(again.ok, again.ok ? '' : `${again.code} ${again.message}`);
      assert.equal(JSON.stringify(again.value), written);
    }),
    { numRuns: numRuns * 5 },
  );
});

test('what JSON.parse accepts is refused only for one of the extra rules', () => {
  fc.assert(
    fc.property(hurt, (bytes) => {
      const parsed = parseStrictJson(bytes);
      if (parsed.ok) return;
      const text = bytes.toString('utf8');
      if (Buffer.compare(Buffer.from(text), bytes) !== 0) return assert.equal(parsed.code, 'invalid_encoding');
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        return assert.ok(parsed.code === 'invalid_json' || parsed.code === 'invalid_encoding');
      }
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return assert.equal(parsed.code, 'invalid_json');
      }
      assert.notEqual(parsed.param, null, 'a refusal of valid JSON names its path');
    }),
    { numRuns: numRuns * 5 },
  );
});

test('a name that an object has twice is found at any depth, however it is spelt', () => {
  fc.assert(
    fc.property(
      document,
      text,
      fc.array(fc.boolean(), { maxLength: 20 }),
      fc.boolean(),
      (other, name, way, isEscaped) => {
        const key = JSON.stringify(name);
        const members = Object.entries(other).filter(([own]) => own !== name);
        const rest = JSON.stringify(Object.fromEntries(members)).slice(1, -1);
        const twin = [`${key}:1`, rest, `${isEscaped ? escaped(key) : key}:{}`].filter((part) => part !== '').join(',');
        const json = way.reduce((inner, isArray) => (isArray ? `[0,${inner}]` : `{"in":${inner}}`), `{${twin}}`);
        const parsed = parseStrictJson(Buffer.from(`{"out":${json}}`));
        assert.ok(!parsed.ok);
        assert.equal(parsed.code, 'duplicate_key');
      },
    ),
    { numRuns },
  );
});
