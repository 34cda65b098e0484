import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { compileCondition, type Condition } from './condition.ts';
import { patches } from './index.ts';
import { createPatchCheck } from './patch.ts';
import { parsePath } from './path.ts';

const parse = (text: string): JsonObject => JSON.parse(text) as JsonObject;
const find = (condition: Condition, body: JsonObject): string | undefined => compileCondition(condition)(body);

for (const { condition, hits, misses } of [
  { condition: { field: 'a', is: 'present' }, hits: [{ a: 0 }, { a: '' }, { a: false }], misses: [{}, { a: null }] },
  { condition: { field: 'a', is: 'absent' }, hits: [{}, { a: null }], misses: [{ a: 0 }] },
  {
    condition: { field: 'a', is: 'empty' },
    hits: [{ a: '' }, { a: [] }, { a: {} }],
    misses: [{ a: ' ' }, { a: 0 }, {}],
  },
  {
    condition: { field: 'a', is: 'filled' },
    hits: [{ a: 'x' }, { a: [0] }, { a: 0 }],
    misses: [{ a: [] }, { a: null }],
  },
  { condition: { field: 'a', is: 'text' }, hits: [{ a: '' }], misses: [{ a: 1 }, { a: ['x'] }] },
  { condition: { field: 'a', is: 'number' }, hits: [{ a: 1.5 }], misses: [{ a: '1' }] },
  { condition: { field: 'a', is: 'boolean' }, hits: [{ a: false }], misses: [{ a: 0 }] },
  { condition: { field: 'a', is: 'list' }, hits: [{ a: [] }], misses: [{ a: {} }] },
  { condition: { field: 'a', is: 'object' }, hits: [{ a: {} }], misses: [{ a: [] }] },
  { condition: { field: 'a', equals: 'x' }, hits: [{ a: 'x' }], misses: [{ a: 'X' }, { a: ['x'] }] },
  { condition: { field: 'a', oneOf: [1, true] }, hits: [{ a: 1 }, { a: true }], misses: [{ a: '1' }, {}] },
  { condition: { field: 'a', noneOf: [0] }, hits: [{ a: 1 }, { a: '0' }, { a: {} }], misses: [{ a: 0 }, {}] },
  {
    condition: { field: 'a', above: 16 },
    hits: [{ a: 17 }, { a: '17' }, { a: '1_7' }, { a: ' 1e9' }, { a: 'NaN' }, { a: '-inf' }],
    misses: [{ a: 16 }, { a: '16' }, { a: 'x' }, { a: '' }, { a: [17] }, {}],
  },
  { condition: { field: 'a', below: 0 }, hits: [{ a: -0.1 }, { a: 'nan' }], misses: [{ a: 0 }] },
  {
    condition: { field: 'a', aboveField: 'b.c' },
    hits: [
      { a: 2, b: { c: 1 } },
      { a: 2, b: { c: '1' } },
    ],
    misses: [{ a: 1, b: { c: 1 } }, { a: 1 }, { a: 1, b: { c: 'x' } }],
  },
  { condition: { field: 'a', longerThan: 2 }, hits: [{ a: 'xyz' }], misses: [{ a: 'xy' }, { a: [1, 2, 3] }] },
  {
    condition: { field: 'a', moreThan: 1 },
    hits: [{ a: [1, 2] }, { a: { b: 1, c: 2 } }],
    misses: [{ a: [1] }, { a: 'xy' }],
  },
  { condition: { field: 'a', contains: ['\\', '@'] }, hits: [{ a: 'x@y' }], misses: [{ a: 'xy' }, { a: ['@'] }] },
  {
    condition: { field: 'a', holds: ['<x'] },
    hits: [{ a: '<x' }, { a: [{ b: { '<x': 1 } }] }, { a: [{ text: '<' }, { text: 'x' }] }],
    misses: [{ a: 'x' }, { a: ['<', 'x'] }, { b: '<x' }, { a: { b: '\\u003cx' } }],
  },
  {
    condition: { field: 'a', sideBelow: 2 },
    hits: [{ a: 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=' }],
    misses: [{ a: 'R0lGODlhAQABA' }, { a: 'hi' }, { a: 1 }],
  },
  {
    condition: { field: 'a', startsWith: ['data:video/'] },
    hits: [{ a: 'DATA:Video/jpeg' }, { a: ' \n\u0001data:video/' }],
    misses: [{ a: 'data:image/' }, { a: 'x data:video/' }],
  },
  {
    condition: { field: 'a', startsWithNone: ['data:'] },
    hits: [{ a: 'http://x' }, { a: '' }, { a: ' data:' }],
    misses: [{ a: 'data:' }, { a: 'Data:x' }, { a: 1 }],
  },
  { condition: { field: 'a.*', namedNoneOf: ['x'] }, hits: [{ a: { y: 1 } }], misses: [{ a: { x: 1 } }, { a: ['y'] }] },
  {
    condition: { field: 'a[*]', is: 'text', occursMoreThan: 1 },
    hits: [{ a: ['x', 1, 'y'] }],
    misses: [{ a: ['x', 1] }],
  },
  { condition: { field: 'a[1]', equals: 2 }, hits: [{ a: [1, 2] }], misses: [{ a: [2] }, { a: { 1: 2 } }] },
  { condition: { field: '**.x', equals: 1 }, hits: [{ x: 1 }, { a: [[{ b: { x: 1 } }]] }], misses: [{ a: { x: 2 } }] },
  {
    condition: { field: 'a[*].**.x.y', is: 'present' },
    hits: [{ a: [{ b: { x: { y: 1 } } }] }],
    misses: [{ x: { y: 1 } }],
  },
  { condition: { not: { field: 'a', is: 'present' } }, hits: [{}], misses: [{ a: 1 }] },
  {
    condition: { all: [{ field: 'a', is: 'present' }, { not: { field: 'b', is: 'present' } }] },
    hits: [{ a: 1 }],
    misses: [{ a: 1, b: 1 }, {}],
  },
  {
    condition: {
      any: [
        { field: 'a', equals: 1 },
        { field: 'b', equals: 1 },
      ],
    },
    hits: [{ a: 1 }, { b: 1 }],
    misses: [{ a: 2, b: 2 }],
  },
] satisfies readonly { condition: Condition; hits: JsonObject[]; misses: JsonObject[] }[]) {
  test(`${JSON.stringify(condition)} holds of what it says and of nothing else`, () => {
    for (const body of hits) assert.notEqual(find(condition, body), undefined, JSON.stringify(body));
    for (const body of misses) assert.equal(find(condition, body), undefined, JSON.stringify(body));
  });
}

for (const { condition, body, path } of [
  {
    condition: { field: 'messages[*].content[*].image_url.url', is: 'present' },
    body: '{"messages":[{"content":"hi"},{"content":[{"text":"a"},{"image_url":{"url":"x"}}]}]}',
    path: 'messages[1].content[1].image_url.url',
  },
  { condition: { field: '**.x', is: 'present' }, body: '{"a b":[{"x":1}]}', path: '["a b"][0].x' },
  { condition: { field: 'a.b', is: 'absent' }, body: '{}', path: 'a.b' },
  { condition: { field: 'a[*].b', is: 'absent' }, body: '{}', path: '' },
  { condition: { not: { field: 'a', is: 'present' } }, body: '{}', path: '' },
  {
    condition: { all: [{ not: { field: 'a', is: 'present' } }, { field: 'b', is: 'present' }] },
    body: '{"b":1}',
    path: 'b',
  },
  { condition: { field: 'a[*]', is: 'present', occursMoreThan: 2 }, body: '{"a":[1,2,3,4]}', path: 'a[2]' },
] satisfies readonly { condition: Condition; body: string; path: string }[]) {
  test(`${JSON.stringify(condition)} is found at ${JSON.stringify(path)}`, () => {
    assert.equal(find(condition, parse(body)), path);
  });
}

test('two tests must hold of the same value', () => {
  const condition = { field: 'a[*]', is: 'text', noneOf: ['x'] } satisfies Condition;
  assert.equal(find(condition, { a: ['x', 1] }), undefined);
  assert.equal(find(condition, { a: ['x', 1, 'y'] }), 'a[2]');
});

test('what the caller did not send is not found on a prototype', () => {
  for (const field of ['constructor', 'toString.name', '__proto__', '__proto__.x', 'hasOwnProperty', 'a.length']) {
    assert.equal(find({ field, is: 'present' }, { a: [1] }), undefined, field);
  }
  assert.equal(find({ field: '__proto__.x', is: 'present' }, parse('{"__proto__":{"x":1}}')), '__proto__.x');
  assert.equal(find({ field: '**.x', is: 'present' }, parse('{"__proto__":{"x":1}}')), '__proto__.x');
});

for (const text of [
  '',
  '.',
  'a.',
  '.a',
  'a..b',
  'a[',
  'a[x]',
  'a[-1]',
  '[0]',
  '**',
  'a.**',
  '**.*',
  '**[*]',
  '**.**.a',
  '**.a.**.b',
  'a b',
  'a'.repeat(300),
]) {
  test(`${JSON.stringify(text.slice(0, 20))} is no path`, () => {
    assert.equal(parsePath(text), undefined);
    assert.throws(() => compileCondition({ field: text, is: 'present' }), TypeError);
    assert.throws(() => compileCondition({ field: 'a', aboveField: text }), TypeError);
  });
}

/** Every way to look into a value counts as one step. */
function counted(value: JsonValue, count: { steps: number }): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  const inner: object = Array.isArray(value)
    ? value.map((element) => counted(element, count))
    : Object.fromEntries(Object.entries(value).map(([name, member]) => [name, counted(member, count)]));
  const step = <T>(result: T): T => {
    count.steps += 1;
    return result;
  };
  return new Proxy(inner, {
    get: (target, name) => step(Reflect.get(target, name)),
    getOwnPropertyDescriptor: (target, name) => step(Reflect.getOwnPropertyDescriptor(target, name)),
    ownKeys: (target) => step(Reflect.ownKeys(target)),
  }) as JsonObject;
}

const MANY: readonly { readonly name: string; readonly body: (size: number) => JsonObject }[] = [
  { name: 'members', body: (size) => Object.fromEntries(Array.from({ length: size }, (_, i) => [`m${i}`, i])) },
  {
    name: 'parts',
    body: (size) => ({ messages: [{ content: Array.from({ length: size }, () => ({ type: 'text' })) }] }),
  },
  { name: 'messages', body: (size) => ({ messages: Array.from({ length: size }, () => ({ content: 'hi' })) }) },
  { name: 'prompts', body: (size) => ({ prompt: Array.from({ length: size }, () => 'hi') }) },
  {
    name: 'tools',
    body: (size) => ({
      tools: Array.from({ length: size }, () => ({ function: { parameters: { a: { type: 'string' } } } })),
    }),
  },
];

for (const { name, body } of MANY) {
  test(`the steps of all patches together grow as the number of ${name}`, () => {
    const check = createPatchCheck(patches);
    const steps = (size: number): number => {
      const count = { steps: 0 };
      check('chat-completions', counted(body(size), count) as JsonObject);
      return count.steps;
    };
    const [small, large] = [steps(500), steps(2000)];
    assert.ok(large <= 4.2 * small, `${small} and ${large} steps`);
  });
}

test('50,000 members and nesting to any depth are judged', () => {
  const check = createPatchCheck(patches);
  assert.equal(check('chat-completions', (MANY[0]?.body(50_000) ?? {}) satisfies JsonObject), undefined);
  const nested = (depth: number): JsonObject => parse(`${'{"a":['.repeat(depth)}1${']}'.repeat(depth)}`);
  for (const depth of [32, 64, 3000]) assert.equal(check('chat-completions', nested(depth)), undefined);
  const deep = `${'{"a":'.repeat(62)}{"prompt_embeds":"x"}${'}'.repeat(62)}`;
  assert.equal(check('chat-completions', parse(deep))?.patchId, 'prompt-embeds');
});

const names = fc.constantFrom(
  'messages',
  'content',
  'image_url',
  'url',
  'n',
  'prompt',
  '__proto__',
  'constructor',
  'x',
  'type',
);
const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonValue>(null, true, 0, 1e308, '', 'NaN', 'data:', '\\@', '<|image_1|>'),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc
      .array(fc.tuple(names, tie('tree')), { maxLength: 5 })
      .map((members) =>
        parse(`{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`),
      ),
  ),
}));

test('every body is judged by every patch, and what is found leads back into the body', () => {
  const check = createPatchCheck(patches);
  fc.assert(
    fc.property(tree, fc.constantFrom('chat-completions', 'completions', 'embeddings', 'generate'), (value, route) => {
      const body: JsonObject =
        typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { a: value };
      const before = JSON.stringify(body);
      const refusal = check(route, body);
      assert.equal(JSON.stringify(body), before);
      if (refusal === undefined) return;
      assert.match(refusal.path, /^(?:[A-Za-z_]\w*|\[\d+\]|\.)+$/);
      assert.notEqual(find({ field: refusal.path, is: 'present' }, body), undefined);
    }),
  );
});
