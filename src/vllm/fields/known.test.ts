import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../kernel/json.ts';
import { createBodyCheck, rowsOf } from './body.ts';
import { Refusal } from './check.ts';
import { fieldFamilies } from './index.ts';
import { knownFields } from './known.ts';
import { sameJson } from './same-json.ts';

const KINDS = ['chat', 'completions', 'embeddings'] as const;
const settings = {
  caps: { n: 4, stop: 4, messages: 9, promptList: 9, inputList: 9, textBytes: 999 },
  unknownFields: 'deny',
  maxOutputTokens: 9,
  overCap: 'lower',
} as const;

for (const kind of KINDS) {
  const rows = rowsOf(kind);
  const known = Object.entries(knownFields[kind]);
  const check = createBodyCheck(kind, settings);
  const codeOf = (body: JsonObject): string | undefined => {
    const checked = check(body, 10);
    return checked instanceof Refusal && checked.path !== 'model' ? checked.code : undefined;
  };

  test(`every field that a release knows on ${kind} has a row`, () => {
    for (const [name] of known) assert.ok(name === 'model' || rows.has(name), name);
  });

  test(`a closed field on ${kind} accepts its default, and that is one of a release`, () => {
    // Of these the schemas say null or nothing, and this is what it means.
    const implied: JsonObject = { response_format: { type: 'text' }, bad_words: [] };
    for (const [name, { defaults }] of known) {
      const row = rows.get(name);
      if (row?.policy !== 'deny') continue;
      const { vllmDefault } = row;
      if (vllmDefault === undefined) {
        assert.deepEqual(defaults, [], name);
        continue;
      }
      assert.notEqual(codeOf({ [name]: vllmDefault }), 'forbidden_field', name);
      const isImplied = vllmDefault === false || sameJson(implied[name] ?? null, vllmDefault);
      assert.ok(defaults.length === 0 ? isImplied : defaults.some((value) => sameJson(value, vllmDefault)), name);
    }
  });

  test(`no field that a release knows on ${kind} is unknown_field, whatever its value`, () => {
    fc.assert(
      fc.property(fc.constantFrom(...known.map(([name]) => name)), fc.jsonValue(), (name, value) => {
        const body = JSON.parse(JSON.stringify({ [name]: value })) as JsonObject; // what was written is an object
        if (name === 'messages' || name === 'stream_options') return; // have members of their own
        assert.notEqual(codeOf(body), 'unknown_field');
      }),
    );
  });

  test(`any other name on ${kind} is unknown_field`, () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (name, value) => {
        if (rows.has(name) || name === 'model' || value === null) return;
        assert.equal(codeOf(Object.fromEntries([[name, value]]) as JsonObject), 'unknown_field');
      }),
    );
  });
}

test('names of an object prototype are unknown_field', () => {
  const check = createBodyCheck('chat', settings);
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const body = JSON.parse(`{${JSON.stringify(name)}:1}`) as JsonObject; // what was written is an object
    const refusal = check(body, 10);
    assert.ok(refusal instanceof Refusal);
    assert.equal(refusal.code, 'unknown_field');
  }
});

test('no field has two rows for one kind of body', () => {
  const seen = new Set<string>();
  for (const family of fieldFamilies) {
    for (const [name, row] of Object.entries(family)) {
      for (const kind of row.on) {
        assert.ok(!seen.has(`${kind} ${name}`), `${kind} ${name}`);
        seen.add(`${kind} ${name}`);
      }
    }
  }
});

test('every row that is not passed on says why in a sentence', () => {
  for (const family of fieldFamilies) {
    for (const [name, row] of Object.entries(family)) {
      if (row.policy !== 'pass') assert.match(row.why, /^([A-Z]|vLLM ).*\.$/, name);
    }
  }
});
