import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { COMPILED_SCHEMA, DEFAULT_SCHEMA_CAPS, READ_SCHEMA } from './limits.ts';
import { checkSchema } from './schema.ts';

/** What the check says: `accepted`, or the code and path of the refusal. */
function verdict(schema: JsonValue, limits = COMPILED_SCHEMA, caps = DEFAULT_SCHEMA_CAPS): string {
  const refusal = checkSchema(schema, caps, limits);
  return refusal === undefined ? 'accepted' : `${refusal.code} ${refusal.path}`.trimEnd();
}

const S = { type: 'string' } as const;
const RANGE = 'value_out_of_range';
const INVALID = 'invalid_field';
const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more });
const nested = (depth: number): JsonObject => (depth === 1 ? S : { type: 'array', items: nested(depth - 1) });
const wide = (nodes: number): JsonObject =>
  object(Object.fromEntries(Array.from({ length: nodes - 1 }, (_, i) => [`p${i}`, {}])));
const enumOf = (count: number): JsonObject => ({ enum: Array.from({ length: count }, (_, i) => i) });

/** What the stock generators write. */
const REAL: Readonly<Record<string, JsonObject>> = {
  'pydantic with references, a union and a decimal': {
    $defs: {
      Address: {
        properties: {
          street: { maxLength: 200, title: 'Street', type: 'string' },
          zip: { pattern: String.raw`^\d{5}$`, title: 'Zip', type: 'string' },
        },
        required: ['street', 'zip'],
        title: 'Address',
        type: 'object',
      },
      Cat: {
        properties: { kind: { const: 'cat', title: 'Kind', type: 'string' }, lives: { default: 9, type: 'integer' } },
        required: ['kind'],
        title: 'Cat',
        type: 'object',
      },
      Dog: { properties: { kind: { const: 'dog', type: 'string' } }, required: ['kind'], title: 'Dog', type: 'object' },
      Node: {
        properties: { children: { items: { $ref: '#/$defs/Node' }, title: 'Children', type: 'array' } },
        title: 'Node',
        type: 'object',
      },
      Colour: { enum: ['red', 'green'], title: 'Colour', type: 'string' },
    },
    properties: {
      address: { $ref: '#/$defs/Address' },
      second: { anyOf: [{ $ref: '#/$defs/Address' }, { type: 'null' }], default: null },
      pet: {
        discriminator: { mapping: { cat: '#/$defs/Cat', dog: '#/$defs/Dog' }, propertyName: 'kind' },
        oneOf: [{ $ref: '#/$defs/Cat' }, { $ref: '#/$defs/Dog' }],
        title: 'Pet',
      },
      colour: { allOf: [{ $ref: '#/$defs/Colour' }], default: 'red', description: 'A colour', examples: ['red'] },
      tree: { $ref: '#/$defs/Node' },
      age: { exclusiveMinimum: 0, maximum: 150, title: 'Age', type: 'integer' },
      born: { format: 'date', title: 'Born', type: 'string' },
      pair: { maxItems: 2, minItems: 2, prefixItems: [{ type: 'integer' }, S], title: 'Pair', type: 'array' },
      scores: { additionalProperties: { type: 'number' }, title: 'Scores', type: 'object' },
      tags: { items: S, title: 'Tags', type: 'array', uniqueItems: true },
    },
    required: ['address', 'age'],
    title: 'Person',
    type: 'object',
  },
  'zod 4': {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      id: {
        type: 'string',
        format: 'uuid',
        pattern: '^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12})$',
      },
      n: { type: 'integer', exclusiveMinimum: 0, maximum: 9007199254740991 },
      map: { type: 'object', propertyNames: S, additionalProperties: {} },
      self: { $ref: '#' },
      list: { default: [], type: 'array', items: { $ref: '#/$defs/__schema0' } },
    },
    required: ['id', 'n'],
    additionalProperties: false,
    $defs: { __schema0: { anyOf: [S, { type: 'array', items: { $ref: '#/$defs/__schema0' } }] } },
  },
  'zod-to-json-schema, which refers to where a type was first': {
    type: 'object',
    properties: {
      from: object({ city: S }, { additionalProperties: false, required: ['city'] }),
      to: { $ref: '#/properties/from' },
      via: { type: 'array', items: { $ref: '#/properties/from/properties/city' } },
    },
    required: ['from'],
    additionalProperties: false,
    $schema: 'http://json-schema.org/draft-07/schema#',
  },
  'OpenAI in strict mode': {
    type: 'object',
    properties: {
      steps: {
        type: 'array',
        items: {
          type: 'object',
          properties: { explanation: S, output: { type: ['string', 'null'] } },
          required: ['explanation', 'output'],
          additionalProperties: false,
        },
      },
      linked: {
        anyOf: [{ $ref: '#/$defs/list_node' }, { type: 'null' }],
      },
    },
    $defs: {
      list_node: {
        type: 'object',
        properties: { value: { type: 'number' }, next: { anyOf: [{ $ref: '#/$defs/list_node' }, { type: 'null' }] } },
        required: ['value', 'next'],
        additionalProperties: false,
      },
    },
    required: ['steps', 'linked'],
    additionalProperties: false,
  },
  TypeBox: { $id: 'Point', type: 'object', properties: { x: { type: 'number', default: 0 } }, required: ['x'] },
  'draft 7 with conditions': {
    type: 'object',
    properties: { kind: { enum: ['a', 'b'] } },
    if: { properties: { kind: { const: 'a' } } },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { required: ['x'] },
    else: { not: { required: ['x'] } },
    dependencies: { x: ['kind'], y: { required: ['kind'] } },
    patternProperties: { '^x-': true },
  },
};
for (const [name, schema] of Object.entries(REAL)) {
  test(`accepts a schema by ${name}`, () => {
    assert.equal(verdict(schema), 'accepted');
    assert.equal(verdict(schema, READ_SCHEMA), 'accepted');
  });
}

/** Tools as coding agents and their servers send them. */
const TOOLS: Readonly<Record<string, JsonObject>> = {
  Bash: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      command: { description: 'The command', type: 'string' },
      timeout: { description: 'Milliseconds', type: 'number', maximum: 600000 },
      run_in_background: { type: 'boolean' },
    },
    required: ['command'],
    additionalProperties: false,
  },
  TodoWrite: object(
    {
      todos: {
        type: 'array',
        items: object(
          { content: { type: 'string', minLength: 1 }, status: { type: 'string', enum: ['pending', 'completed'] } },
          { required: ['content', 'status'], additionalProperties: false },
        ),
      },
    },
    { required: ['todos'], additionalProperties: false },
  ),
  AskUser: object({
    questions: {
      type: 'array',
      minItems: 1,
      maxItems: 4,
      items: object({
        header: S,
        options: { type: 'array', minItems: 2, maxItems: 4, items: object({ label: S, description: S }) },
        multiSelect: { type: 'boolean', default: false },
      }),
    },
    answers: { type: 'object', propertyNames: S, additionalProperties: S },
  }),
  'a long text': object({ body: { type: 'string', minLength: 1, maxLength: 65536 } }),
  'a decimal by pydantic': object({
    amount: { anyOf: [{ type: 'number' }, { type: 'string', pattern: String.raw`^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$` }] },
  }),
  'an OpenAPI 3.0 converter': object({
    page: { type: 'integer', minimum: 0, exclusiveMinimum: true, nullable: true, example: 1, 'x-order': 3 },
  }),
  'no parameters': {},
  'time zones': object({ zone: { enum: Array.from({ length: 600 }, (_, i) => `Region/City_number_${i}_of_them`) } }),
};
for (const [name, schema] of Object.entries(TOOLS)) {
  test(`accepts the tool ${name} that the model only reads`, () =>
    assert.equal(verdict(schema, READ_SCHEMA), 'accepted'));
}
for (const [name, refused] of [
  ['a long text', `${RANGE} properties.body.maxLength`],
  ['a decimal by pydantic', `${INVALID} properties.amount.anyOf[1].pattern`],
  ['an OpenAPI 3.0 converter', `${INVALID} properties.page.exclusiveMinimum`],
  ['no parameters', INVALID],
  ['time zones', `${RANGE} properties.zone.enum`],
] as const) {
  test(`refuses the tool ${name} where its calls are enforced`, () =>
    assert.equal(verdict(TOOLS[name] ?? null), refused));
}

test('a session of a coding agent passes: 200 tools within the caps of each', () => {
  const tools = Object.values(TOOLS);
  for (let i = 0; i < 200; i++) assert.equal(verdict(tools[i % tools.length] ?? null, READ_SCHEMA), 'accepted');
});

for (const { name, schema, is } of [
  { name: 'a list for a schema', schema: [], is: INVALID },
  { name: 'true for a whole schema', schema: true, is: INVALID },
  { name: 'null for a schema inside', schema: { items: null }, is: `${INVALID} items` },
  { name: 'false for a schema inside', schema: { additionalProperties: false }, is: 'accepted' },
  { name: 'an unknown type', schema: object({ a: { type: 'unknown' } }), is: `${INVALID} properties.a.type` },
  { name: 'a type in capitals', schema: { type: 'STRING' }, is: `${INVALID} type` },
  { name: 'no type at all in a list', schema: { type: [] }, is: `${INVALID} type` },
  { name: 'a type twice', schema: { type: ['null', 'null'] }, is: `${INVALID} type` },
  { name: 'a type that is no text', schema: { type: { a: 1 } }, is: `${INVALID} type` },
  { name: 'a malformed pattern', schema: { pattern: '(' }, is: `${INVALID} pattern` },
  { name: 'a pattern that is a list', schema: { pattern: [] }, is: `${INVALID} pattern` },
  { name: 'a pattern that explodes', schema: { pattern: '(a+)+' }, is: `${RANGE} pattern` },
  {
    name: 'a name pattern that explodes',
    schema: { patternProperties: { '(a+)+': true } },
    is: `${RANGE} patternProperties["(a+)+"]`,
  },
  { name: 'an unknown keyword', schema: { strange: 1 }, is: 'unknown_field strange' },
  { name: 'an extension', schema: { 'x-strange': [1], type: 'null' }, is: 'accepted' },
  { name: 'what steers a compiler', schema: { 'x-guidance': {} }, is: 'unknown_field x-guidance' },
  { name: 'a dynamic reference', schema: { $dynamicRef: '#a' }, is: 'unknown_field $dynamicRef' },
  { name: 'an anchor', schema: { $anchor: 'a' }, is: 'unknown_field $anchor' },
  { name: 'an id further inside', schema: { items: { $id: 'a' } }, is: `${INVALID} items.$id` },
  { name: 'a remote reference', schema: { $ref: 'https://a.example/s.json' }, is: `${INVALID} $ref` },
  { name: 'a reference to a file', schema: { $ref: 'file:///etc/passwd' }, is: `${INVALID} $ref` },
  { name: 'a reference to another document', schema: { $ref: 's.json#/$defs/a' }, is: `${INVALID} $ref` },
  { name: 'a reference to an anchor', schema: { $ref: '#a' }, is: `${INVALID} $ref` },
  { name: 'an encoded reference', schema: { $ref: '#/%24defs/a', $defs: { a: {} } }, is: `${INVALID} $ref` },
  { name: 'a reference to nothing', schema: object({ a: { $ref: '#/$defs/b' } }), is: `${INVALID} properties.a.$ref` },
  { name: 'a reference to no schema', schema: { $ref: '#/properties', properties: {} }, is: `${INVALID} $ref` },
  { name: 'a reference into the prototype', schema: { $ref: '#/constructor' }, is: `${INVALID} $ref` },
  {
    name: 'a reference into a default',
    schema: { items: { $ref: '#/default' }, default: {} },
    is: `${INVALID} items.$ref`,
  },
  { name: 'an escaped name', schema: { $defs: { 'a/b~c': S }, items: { $ref: '#/$defs/a~1b~0c' } }, is: 'accepted' },
  { name: 'a reference to itself', schema: { $ref: '#' }, is: `${INVALID} $ref` },
  {
    name: 'references in a circle',
    schema: { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, type: 'null' },
    is: `${INVALID} $defs.a.$ref`,
  },
  {
    name: 'a circle through branches',
    schema: { $defs: { a: { anyOf: [S, { $ref: '#/$defs/a' }] } }, type: 'null' },
    is: `${INVALID} $defs.a.anyOf[1].$ref`,
  },
  { name: 'recursion through items', schema: { type: 'array', items: { $ref: '#' } }, is: 'accepted' },
  { name: 'recursion through a member', schema: object({ next: { $ref: '#' } }), is: 'accepted' },
  { name: 'an empty enum', schema: { enum: [] }, is: `${INVALID} enum` },
  { name: 'an enum that is no list', schema: { enum: 'a' }, is: `${INVALID} enum` },
  { name: 'an empty anyOf', schema: { anyOf: [] }, is: `${INVALID} anyOf` },
  { name: 'an empty oneOf', schema: { oneOf: [] }, is: `${INVALID} oneOf` },
  { name: 'an empty allOf', schema: { allOf: [] }, is: `${INVALID} allOf` },
  { name: 'an empty prefix', schema: { prefixItems: [] }, is: `${INVALID} prefixItems` },
  { name: 'properties that are a list', schema: { properties: [] }, is: `${INVALID} properties` },
  { name: 'required names twice', schema: { required: ['a', 'a'] }, is: `${INVALID} required` },
  { name: 'required that is a flag', schema: { required: true }, is: `${INVALID} required` },
  { name: 'a bound that is a text', schema: { minimum: '1' }, is: `${INVALID} minimum` },
  { name: 'a bound that is infinite', schema: { maximum: Infinity }, is: `${INVALID} maximum` },
  { name: 'a step of nothing', schema: { multipleOf: 0 }, is: `${INVALID} multipleOf` },
  { name: 'a step of a denormal number', schema: { multipleOf: 5e-324 }, is: `${RANGE} multipleOf` },
  { name: 'a step just too small', schema: { multipleOf: 9e-10 }, is: `${RANGE} multipleOf` },
  { name: 'a step that nothing takes', schema: { multipleOf: 1e300 }, is: `${RANGE} multipleOf` },
  { name: 'the least step', schema: { multipleOf: 1e-9 }, is: 'accepted' },
  { name: 'a step of cents', schema: { multipleOf: 0.01 }, is: 'accepted' },
  { name: 'a negative length', schema: { minLength: -1 }, is: `${RANGE} minLength` },
  { name: 'half a length', schema: { minLength: 1.5 }, is: `${INVALID} minLength` },
  { name: 'lengths exchanged', schema: { minLength: 3, maxLength: 2 }, is: `${RANGE} minLength` },
  { name: 'lengths that are equal', schema: { minLength: 3, maxLength: 3 }, is: 'accepted' },
  { name: 'counts exchanged', schema: { minItems: 3, maxItems: 2 }, is: `${RANGE} minItems` },
  { name: 'bounds exchanged', schema: { minimum: 3, maximum: 2 }, is: RANGE },
  { name: 'bounds that are equal', schema: { minimum: 3, maximum: 3 }, is: 'accepted' },
  { name: 'bounds that exclude each other', schema: { exclusiveMinimum: 3, maximum: 3 }, is: RANGE },
  { name: 'a title that is no text', schema: { title: 1 }, is: `${INVALID} title` },
  {
    name: 'a member called __proto__',
    schema: object(JSON.parse('{"__proto__":{"type":"x"}}')),
    is: `${INVALID} properties.__proto__.type`,
  },
] satisfies readonly { name: string; schema: JsonValue; is: string }[]) {
  test(`${is === 'accepted' ? 'accepts' : 'refuses'} ${name}`, () => assert.equal(verdict(schema), is));
}

// The check at vLLM's door takes these, its compiler throws on them, and the engine ends (vLLM #43920).
for (const { name, schema, is } of [
  { name: 'items as a list', schema: { items: [S, S] }, is: `${INVALID} items` },
  { name: 'false for a member', schema: object({ a: false }), is: `${INVALID} properties.a` },
  { name: 'a property of Unicode', schema: { pattern: String.raw`^\p{L}$` }, is: `${INVALID} pattern` },
  {
    name: 'a property of Unicode in a name',
    schema: { patternProperties: { [String.raw`^\p{L}$`]: true } },
    is: String.raw`${INVALID} patternProperties["^\\p{L}$"]`,
  },
  { name: 'a maximum of 2^63', schema: { maximum: 2 ** 63 }, is: `${RANGE} maximum` },
  { name: 'a minimum of 1e300', schema: { minimum: 1e300 }, is: `${RANGE} minimum` },
  { name: 'a minimum below -2^63', schema: { minimum: -(2 ** 64) }, is: `${RANGE} minimum` },
  { name: 'an exclusive maximum of 2^63', schema: { exclusiveMaximum: 2 ** 63 }, is: `${RANGE} exclusiveMaximum` },
  { name: 'an exclusive minimum of -1e20', schema: { exclusiveMinimum: -1e20 }, is: `${RANGE} exclusiveMinimum` },
]) {
  test(`refuses ${name} where it becomes a grammar`, () => {
    assert.equal(verdict(schema), is);
    assert.equal(verdict(schema, READ_SCHEMA), 'accepted');
  });
}

test('bounds of 64 bits, true for a member and an item as a schema are no such thing', () => {
  const bounds = { minimum: -(2 ** 63), maximum: Number.MAX_SAFE_INTEGER };
  assert.equal(verdict(object({ a: true, b: { ...bounds, items: S } })), 'accepted');
});

const many = (count: number, schema: JsonObject, more: JsonObject = {}): JsonObject =>
  object(Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, schema])), more);
const requiredMany = { required: Array.from({ length: 200 }, (_, i) => `p${i}`) };
// Each of those refused kept a compiler busy for 6 s to minutes, though each of its parts is ordinary.
for (const { name, schema, is } of [
  {
    name: '510 members, 250 to 255 there',
    schema: many(510, {}, { minProperties: 250, maxProperties: 255 }),
    is: RANGE,
  },
  {
    name: '200 members, 100 to 110 there',
    schema: many(200, {}, { minProperties: 100, maxProperties: 110 }),
    is: RANGE,
  },
  { name: '510 members, one of them there', schema: many(510, {}, { minProperties: 1 }), is: RANGE },
  { name: '50 members, one of them there', schema: many(50, {}, { minProperties: 1 }), is: 'accepted' },
  { name: '510 members, all of which may be left out', schema: many(510, {}), is: 'accepted' },
  { name: '200 members, all there', schema: many(200, {}, { ...requiredMany, maxProperties: 200 }), is: 'accepted' },
  {
    name: 'a map of up to 1,000',
    schema: many(5, {}, { additionalProperties: S, maxProperties: 1000 }),
    is: 'accepted',
  },
  { name: '48 long texts of a negated class', schema: many(48, { pattern: '^[^"]{0,1000}$' }), is: RANGE },
  { name: 'one long text of a negated class', schema: many(1, { pattern: '^[^"]{0,1000}$' }), is: 'accepted' },
  { name: '48 short texts of a negated class', schema: many(48, { pattern: '^[^"]{1,64}$' }), is: 'accepted' },
  { name: '510 e-mail addresses', schema: many(510, { format: 'email' }), is: RANGE },
  { name: '255 addresses of pages', schema: many(255, { format: 'uri' }), is: RANGE },
  { name: '500 IPv6 addresses', schema: many(500, { format: 'ipv6' }), is: RANGE },
  { name: '500 durations', schema: many(500, { format: 'duration' }), is: RANGE },
  { name: '100 e-mail addresses', schema: many(100, { format: 'email' }), is: 'accepted' },
  { name: '500 dates', schema: many(500, { format: 'date' }), is: 'accepted' },
]) {
  test(`${is === 'accepted' ? 'accepts' : 'refuses'} ${name}`, () => {
    assert.equal(verdict(schema), is);
    assert.equal(verdict(schema, READ_SCHEMA), 'accepted');
  });
}

const words = (count: number, chars: number): JsonObject => ({
  enum: Array.from({ length: count }, (_, i) => String(i).padStart(chars, 'x')),
});
/** Texts, each of a length of its own. */
const texts = (count: number, longest: number): JsonObject => ({
  properties: Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, { maxLength: longest - i }])),
});

for (const { name, schema, is } of [
  { name: '512 schemas', schema: wide(512), is: 'accepted' },
  { name: '513 schemas', schema: wide(513), is: `${RANGE} properties.p511` },
  { name: '16 levels', schema: nested(16), is: 'accepted' },
  { name: '17 levels', schema: nested(17), is: `${RANGE} ${Array.from({ length: 16 }, () => 'items').join('.')}` },
  { name: '1,000 values', schema: enumOf(1000), is: 'accepted' },
  { name: '1,001 values', schema: enumOf(1001), is: `${RANGE} enum` },
  { name: '1,001 values in two enums', schema: { anyOf: [enumOf(1000), enumOf(1)] }, is: `${RANGE} anyOf[1].enum` },
  { name: 'an enum of 16 KiB', schema: words(127, 126), is: 'accepted' },
  { name: 'an enum over 16 KiB', schema: words(127, 127), is: `${RANGE} enum` },
  { name: 'a const over 16 KiB', schema: { const: 'x'.repeat(16 * 1024) }, is: `${RANGE} const` },
  { name: 'a length of 1,000', schema: { minLength: 1000 }, is: 'accepted' },
  { name: 'a length of 1,001', schema: { minLength: 1001 }, is: `${RANGE} minLength` },
  { name: 'the length of the recorded attack', schema: { minLength: 100_000_000 }, is: `${RANGE} minLength` },
  {
    name: 'the counts of the recorded attack',
    schema: { type: 'array', items: { type: 'string', pattern: '^[a-z]{1,500}$' }, minItems: 100_000 },
    is: `${RANGE} minItems`,
  },
  { name: 'texts of 12 lengths', schema: texts(12, 1000), is: 'accepted' },
  { name: 'texts of 13 lengths', schema: texts(13, 1000), is: `${RANGE} properties.p12.maxLength` },
  {
    name: 'the texts by which a compiler was held for 8 s',
    schema: texts(49, 1000),
    is: `${RANGE} properties.p12.maxLength`,
  },
  {
    name: 'texts of 13 lengths by their lower bounds',
    schema: { properties: Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`p${i}`, { minLength: 1 + i }])) },
    is: `${RANGE} properties.p12.minLength`,
  },
  {
    name: 'many texts of one length',
    schema: { properties: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`p${i}`, { maxLength: 1000 }])) },
    is: 'accepted',
  },
  { name: 'as many characters as it may', schema: { items: { maxLength: 498 }, maxItems: 100 }, is: 'accepted' },
  { name: 'items times characters', schema: { items: { maxLength: 500 }, maxItems: 100 }, is: RANGE },
  { name: 'items times a pattern', schema: { items: { pattern: 'a{500}' }, minItems: 100 }, is: RANGE },
  {
    name: 'members times characters',
    schema: { additionalProperties: { maxLength: 500 }, maxProperties: 100 },
    is: RANGE,
  },
  {
    name: 'items of items of items',
    schema: object({ a: { items: { items: { items: S, maxItems: 40 }, maxItems: 40 }, maxItems: 40 } }),
    is: `${RANGE} properties.a`,
  },
]) {
  test(`${is === 'accepted' ? 'accepts' : 'refuses'} ${name}`, () => assert.equal(verdict(schema), is));
}

test('references that double at every level are refused, although each is small', () => {
  const $defs: JsonObject = { d0: S };
  for (let i = 1; i < 20; i++) {
    $defs[`d${i}`] = object({ a: { $ref: `#/$defs/d${i - 1}` }, b: { $ref: `#/$defs/d${i - 1}` } });
  }
  assert.match(verdict({ $defs, type: 'null' }), /^value_out_of_range \$defs\.d\d+$/);
});

test('a schema is as large as its JSON', () => {
  for (const value of [
    'x',
    'é',
    '"',
    '\\',
    '\n',
    '\u2028',
    '🛡',
    [],
    [1, [2.5, -3e21]],
    {},
    { a: {}, b: null },
    [true],
  ]) {
    const schema = { type: 'null', default: value };
    const schemaBytes = Buffer.byteLength(JSON.stringify(schema));
    assert.equal(verdict(schema, COMPILED_SCHEMA, { ...DEFAULT_SCHEMA_CAPS, schemaBytes }), 'accepted');
    assert.equal(verdict(schema, COMPILED_SCHEMA, { ...DEFAULT_SCHEMA_CAPS, schemaBytes: schemaBytes - 1 }), RANGE);
  }
});

const keyword = fc.constantFrom(
  ...['type', 'enum', 'const', 'pattern', '$ref', '$defs', 'items', 'properties', 'anyOf', 'not', 'minLength'],
  ...['maxItems', 'required', 'dependencies', 'default', 'patternProperties', '$id', 'title', '__proto__', 'x-a'],
);
const { json } = fc.letrec<{ json: JsonValue }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom<JsonValue>('string', 'array', '#', '#/$defs/a', '^a+$', '(', 0, 3, 1e9, -1, null, true, false, 'é'),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(keyword, fc.constantFrom('a', 'b')), tie('json'), { maxKeys: 4 }),
  ),
}));

test('never throws, and says nothing of the schema but its names', () => {
  fc.assert(
    fc.property(fc.oneof(json, fc.jsonValue() as fc.Arbitrary<JsonValue>), (value) => {
      for (const limits of [COMPILED_SCHEMA, READ_SCHEMA]) {
        const refusal = checkSchema(value, DEFAULT_SCHEMA_CAPS, limits);
        if (refusal !== undefined) assert.match(`${refusal.message}${refusal.path}`, /^[\x20-\x7e]+$/);
      }
    }),
  );
});

/** Schemas that mostly are accepted. */
const { good } = fc.letrec<{ good: JsonObject }>((tie) => ({
  good: fc.oneof(
    { maxDepth: 4 },
    fc.record({ type: fc.constantFrom('string', 'null'), maxLength: fc.nat(50) }),
    fc.record({ enum: fc.array(fc.integer(), { minLength: 1, maxLength: 4 }) }),
    fc.record({ type: fc.constant('array'), items: tie('good'), maxItems: fc.nat(20) }),
    fc.record({ anyOf: fc.array(tie('good'), { minLength: 1, maxLength: 3 }) }),
    fc.dictionary(fc.string(), tie('good'), { maxKeys: 3 }).map((properties) => object(properties)),
  ),
}));

test('annotations anywhere do not change what is accepted', () => {
  const annotated = (schema: JsonObject): JsonObject => {
    const copy: JsonObject = { title: 'T', description: 'D', default: null, examples: [1], 'x-any': {} };
    for (const [name, value] of Object.entries(schema)) {
      if (name === 'items') copy[name] = annotated(value as JsonObject);
      else if (name === 'anyOf') copy[name] = (value as JsonObject[]).map(annotated);
      else if (name === 'properties') {
        copy[name] = Object.fromEntries(
          Object.entries(value as JsonObject).map(([k, v]) => [k, annotated(v as JsonObject)]),
        );
      } else copy[name] = value;
    }
    return copy;
  };
  fc.assert(fc.property(good, (schema) => assert.equal(verdict(annotated(schema)), verdict(schema))));
});

test('what a compiler may have, the model may read', () => {
  fc.assert(
    fc.property(fc.oneof(json, good), (schema) => {
      if (verdict(schema) === 'accepted') assert.equal(verdict(schema, READ_SCHEMA), 'accepted');
    }),
  );
});

test('nothing is changed: a frozen schema is judged like any other', () => {
  const freeze = (value: JsonValue): JsonValue => {
    if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
    return value;
  };
  fc.assert(fc.property(json, (value) => assert.equal(verdict(freeze(structuredClone(value))), verdict(value))));
});

/** How often members of a value are read or enumerated. */
function readsOf(value: JsonValue): number {
  let reads = 0;
  const seen = new Map<object, object>();
  const watch = <T>(member: T): T => {
    if (typeof member !== 'object' || member === null) return member;
    const known = seen.get(member);
    if (known !== undefined) return known as T;
    const watched = new Proxy(member, {
      get: (target, name) => {
        reads++;
        return watch(Reflect.get(target, name));
      },
    });
    seen.set(member, watched);
    return watched;
  };
  checkSchema(watch(value), { schemaBytes: 1e9, schemaNodes: 1e6, schemaDepth: 16 }, { ...READ_SCHEMA, written: 1e9 });
  return reads;
}

test('twice the schema takes twice the reads, in width, in references and in enums', () => {
  const chain = (length: number): JsonObject => {
    const $defs: JsonObject = { d0: S };
    for (let i = 1; i < length; i++)
      $defs[`d${i}`] = { anyOf: [{ $ref: `#/$defs/d${i - 1}` }, { $ref: '#/$defs/d0' }] };
    return { $defs, $ref: `#/$defs/d${length - 1}` };
  };
  for (const make of [wide, chain, enumOf]) {
    const [once, twice] = [readsOf(make(400)), readsOf(make(800))];
    assert.ok(twice <= 2.2 * once, `${once} reads, then ${twice}`);
  }
});

test('a chain of references as long as the caps allow needs no stack', () => {
  const $defs: JsonObject = { d0: S };
  for (let i = 1; i < 50_000; i++) $defs[`d${i}`] = { $ref: `#/$defs/d${i - 1}` };
  const caps = { schemaBytes: 1e8, schemaNodes: 1e6, schemaDepth: 16 };
  assert.equal(verdict({ $defs, $ref: '#/$defs/d49999' }, { ...COMPILED_SCHEMA, written: 1e12 }, caps), 'accepted');
});
