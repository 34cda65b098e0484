import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import type { JsonObject, JsonValue } from '../../src/kernel/json.ts';
import { createControlTokens } from '../../src/stages/validate/control-tokens.ts';
import { parseStrictJson } from '../../src/wire/strict-json.ts';
import { createBodyCheck } from '../../src/vllm/fields/body.ts';
import { CAP_NAMES, type Caps } from '../../src/vllm/fields/caps.ts';
import type { BodyKind } from '../../src/vllm/fields/field.ts';
import { Refusal } from '../../src/vllm/fields/refusal.ts';
import { caller, PNG } from '../../src/vllm/fields/testing.fixture.ts';
import { patches } from '../../src/vllm/patches/index.ts';
import { createPatchCheck } from '../../src/vllm/patches/patch.ts';
import { createStepCounter } from './steps.ts';

const caps = Object.fromEntries(CAP_NAMES.map((name) => [name, name === 'schemaDepth' ? 64 : 1e9])) as unknown as Caps;
const grants = new Set(['fields:token-ids', 'fields:structured-output']);
const who = caller({ caps, grants });
const limits = { maxDepth: 1e6, maxValues: 1e9, maxNames: 1e9 };
const checkPatches = createPatchCheck(patches);
const scans = { deny: createControlTokens('deny', []), neutralise: createControlTokens('neutralise', []) };

/** Everything that the stage does with the bytes of a body, without its limits; gives what was said. */
function judge(kind: BodyKind, text: string, unknownFields: 'deny' | 'drop'): string {
  const bytes = Buffer.from(text);
  const parsed = parseStrictJson(bytes, limits);
  if (!parsed.ok) return parsed.code;
  const request = checks(kind, unknownFields)(parsed.value, bytes.length, who);
  if (request instanceof Refusal) return request.code;
  const spelled = scans.deny(request.model, request.body);
  checkPatches(kind === 'chat' ? 'chat-completions' : kind, request.body);
  const broken = scans.neutralise(request.model, request.body);
  return spelled instanceof Refusal || broken instanceof Refusal ? 'prompt_denied' : 'sent';
}
const made = new Map<string, ReturnType<typeof createBodyCheck>>();
function checks(kind: BodyKind, unknownFields: 'deny' | 'drop'): ReturnType<typeof createBodyCheck> {
  const id = `${kind} ${unknownFields}`;
  const check = made.get(id) ?? createBodyCheck(kind, { unknownFields, overCap: 'lower' });
  made.set(id, check);
  return check;
}

const countSteps = createStepCounter();

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const named = (n: number, make: (i: number) => JsonValue): JsonObject =>
  Object.fromEntries(times(n, (i) => [`n${i}`, make(i)]));
const hi = { role: 'user', content: 'hi' };
const chat = (fields: JsonObject): JsonObject => ({ model: 'm', messages: [hi], ...fields });
const said = (content: JsonValue): JsonObject => chat({ messages: [{ role: 'user', content }] });
const tool = (parameters: JsonValue): JsonObject =>
  chat({ tools: [{ type: 'function', function: { name: 'f', parameters } }] });
const answer = (schema: JsonValue): JsonObject =>
  chat({ response_format: { type: 'json_schema', json_schema: { name: 's', schema } } });
const text = (one: string): JsonValue => ({ type: 'text', text: one });

interface Growing {
  readonly name: string;
  /** Where it starts; it is then grown tenfold. */
  readonly from: number;
  readonly make: (n: number) => JsonObject | string;
  readonly kind?: BodyKind;
  readonly unknownFields?: 'drop';
  /** What is said of it; `sent` where nothing else is. */
  readonly is?: string;
}

const GROWING: readonly Growing[] = [
  { name: 'messages', from: 300, make: (n) => chat({ messages: times(n, () => hi) }) },
  {
    name: 'calls of tools',
    from: 25,
    make: (n) =>
      chat({
        messages: [
          {
            role: 'assistant',
            tool_calls: times(n, (i) => ({ function: { name: `f${i}`, arguments: '{"a":"\\\\"}' } })),
          },
        ],
      }),
  },
  { name: 'parts', from: 300, make: (n) => said(times(n, (i) => text(`part ${i} <`))) },
  { name: 'parts of one character', from: 300, make: (n) => said(times(n, () => text('<'))) },
  {
    name: 'tools',
    from: 200,
    make: (n) =>
      chat({
        tools: times(n, (i) => ({ type: 'function', function: { name: `f${i}`, parameters: { type: 'object' } } })),
      }),
  },
  {
    name: 'tools of which one has to be called',
    from: 200,
    make: (n) =>
      chat({
        tool_choice: 'required',
        tools: times(n, (i) => ({ type: 'function', function: { name: `f${i}`, parameters: { type: 'object' } } })),
      }),
  },
  {
    name: 'tools that are left out',
    from: 200,
    make: (n) =>
      chat({ tools: [...times(n, () => ({ type: 'web_search' })), { type: 'function', function: { name: 'f' } }] }),
  },
  {
    name: 'members of a schema',
    from: 300,
    make: (n) => tool({ type: 'object', properties: named(n, () => ({ type: 'string' })) }),
  },
  { name: 'schemas of a list', from: 300, make: (n) => answer({ anyOf: times(n, () => ({ type: 'string' })) }) },
  {
    name: 'references',
    from: 300,
    make: (n) => answer({ $defs: { a: { type: 'string' } }, properties: named(n, () => ({ $ref: '#/$defs/a' })) }),
  },
  {
    name: 'references one behind the other',
    from: 100,
    make: (n) =>
      tool({ $defs: named(n, (i) => (i === 0 ? { type: 'string' } : { items: { $ref: `#/$defs/n${i - 1}` } })) }),
  },
  { name: 'nested schemas, in number', from: 30, make: (n) => tool({ properties: named(n, () => nestedSchema(20)) }) },
  { name: 'required names', from: 500, make: (n) => tool({ type: 'object', required: times(n, (i) => `n${i}`) }) },
  { name: 'values of an enum', from: 100, make: (n) => answer({ enum: times(n, (i) => i) }) },
  { name: 'values of an enum that is read', from: 900, make: (n) => tool({ enum: times(n, (i) => `v${i}`) }) },
  { name: 'patterns', from: 100, make: (n) => answer({ properties: named(n, () => ({ pattern: '^[a-z]{1,8}$' })) }) },
  { name: 'characters of a pattern', from: 50, make: (n) => answer({ pattern: 'a'.repeat(n) }) },
  { name: 'groups of a pattern', from: 10, make: (n) => answer({ pattern: '(a|b)'.repeat(n) }) },
  {
    name: 'nested groups of a pattern',
    from: 20,
    make: (n) => answer({ pattern: `${'('.repeat(n)}a${')'.repeat(n)}` }),
    is: 'any',
  },
  { name: 'classes of a pattern', from: 50, make: (n) => answer({ pattern: `[${'a-z'.repeat(n)}]` }), is: 'any' },
  { name: 'repeats of a pattern', from: 16, make: (n) => answer({ pattern: 'a?b'.repeat(n) }), is: 'any' },
  { name: 'text', from: 10_000, make: (n) => said('word '.repeat(n)) },
  { name: 'text that nearly spells control tokens', from: 2000, make: (n) => said('<|im_start|'.repeat(n)) },
  { name: 'text of first characters of control tokens', from: 10_000, make: (n) => said('<'.repeat(n)) },
  { name: 'text of brackets', from: 10_000, make: (n) => said('[/<|'.repeat(n)) },
  {
    name: 'text of digits in a control token',
    from: 10_000,
    make: (n) => said(`<|reserved_special_token_${'7'.repeat(n)}`),
  },
  { name: 'control tokens', from: 2000, make: (n) => said('<|im_end|>[TOOL_CALLS]'.repeat(n)), is: 'prompt_denied' },
  {
    name: 'control tokens over two parts',
    from: 100,
    make: (n) => said(times(n, (i) => text(i % 2 === 0 ? '<|im_' : 'end|>'))),
    is: 'prompt_denied',
  },
  {
    name: 'escapes in arguments',
    from: 2000,
    make: (n) =>
      chat({
        messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '\\u0041\\'.repeat(n) } }] }],
      }),
  },
  {
    name: 'bytes of a data: URL',
    from: 3000,
    make: (n) => said([{ type: 'image_url', image_url: `data:image/png;base64,${'AAAA'.repeat(n)}` }]),
    is: 'invalid_field',
  },
  { name: 'data: URLs', from: 50, make: (n) => said(times(n, () => ({ type: 'image_url', image_url: { url: PNG } }))) },
  {
    name: 'frames of an image',
    from: 300,
    make: (n) => said([{ type: 'image_url', image_url: gifOf(n) }]),
    is: 'value_out_of_range',
  },
  { name: 'unknown names that are dropped', from: 500, make: (n) => chat(named(n, () => 1)), unknownFields: 'drop' },
  { name: 'characters of an unknown name', from: 5000, make: (n) => chat({ ['x'.repeat(n)]: 1 }), is: 'unknown_field' },
  {
    name: 'nested values',
    from: 100,
    make: (n) => `{"model":"m","messages":[],"extra":${'['.repeat(n)}${']'.repeat(n)}}`,
    is: 'any',
  },
  { name: 'biases', from: 30, make: (n) => chat({ logit_bias: Object.fromEntries(times(n, (i) => [i, 1])) }) },
  { name: 'documents', from: 300, make: (n) => chat({ documents: times(n, (i) => ({ title: `t${i}`, text: 'a' })) }) },
  { name: 'choices', from: 10, make: (n) => chat({ structured_outputs: { choice: times(n, (i) => `c${i}`) } }) },
  { name: 'stop strings', from: 100, make: (n) => chat({ stop: times(n, (i) => `s${i}`) }) },
  {
    name: 'prompts',
    kind: 'completions',
    from: 300,
    make: (n) => ({ model: 'm', prompt: times(n, () => 'a prompt') }),
  },
  { name: 'token ids', kind: 'completions', from: 3000, make: (n) => ({ model: 'm', prompt: times(n, (i) => i) }) },
  { name: 'inputs', kind: 'embeddings', from: 300, make: (n) => ({ model: 'm', input: times(n, (i) => `p${i}`) }) },
  {
    name: 'compared documents',
    kind: 'rerank',
    from: 300,
    make: (n) => ({ model: 'm', query: 'q', documents: times(n, () => ({ text: 'a' })) }),
  },
  { name: 'items', kind: 'responses', from: 300, make: (n) => ({ model: 'm', input: times(n, () => hi) }) },
  {
    name: 'items that are left out',
    kind: 'responses',
    from: 300,
    make: (n) => ({ model: 'm', input: [...times(n, () => ({ type: 'reasoning' })), hi] }),
  },
  {
    name: 'blocks',
    kind: 'messages',
    from: 300,
    make: (n) => ({
      model: 'm',
      max_tokens: 1,
      messages: [{ role: 'assistant', content: times(n, () => ({ type: 'thinking', thinking: 'a' })) }],
    }),
  },
  {
    name: 'blocks of the system',
    kind: 'messages',
    from: 300,
    make: (n) => ({ model: 'm', max_tokens: 1, system: times(n, () => text('a')), messages: [hi] }),
  },
  {
    name: 'conversations',
    kind: 'chat-batch',
    from: 100,
    make: (n) => ({ model: 'm', messages: times(n, () => [hi]) }),
  },
  { name: 'backslashes', from: 5000, make: (n) => said('\\'.repeat(n)) },
  { name: 'escaped quotes', from: 5000, make: (n) => said('"'.repeat(n)) },
  {
    name: 'names that are there twice',
    from: 300,
    make: (n) => `{"a":1,${times(n, (i) => `"n${i}":1`).join(',')},"a":1}`,
    is: 'duplicate_key',
  },
  {
    name: 'numbers with exponents',
    from: 500,
    make: (n) => `{"model":"m","prompt":[${times(n, () => '1e3').join(',')}]}`,
    kind: 'completions',
  },
  { name: 'digits of a number', from: 500, make: (n) => `{"seed":1${'0'.repeat(n)}}`, is: 'any' },
];

function nestedSchema(depth: number): JsonValue {
  let schema: JsonValue = { type: 'string' };
  for (let i = 0; i < depth; i++) schema = { items: schema };
  return schema;
}

/** A GIF of a pixel with so many frames. */
function gifOf(frames: number): string {
  const frame = '2c0000000001000100000202440100';
  return `data:image/gif;base64,${Buffer.from(`47494638396101000100000000${frame.repeat(frames)}3b`, 'hex').toString('base64')}`;
}

/** Tenfold, and a little for what comes with a tenth of it: longer numbers in names, a list that grows while it is made. */
const TENFOLD = 11.5;

for (const { name, kind = 'chat', from, make, unknownFields = 'deny', is = 'sent' } of GROWING) {
  test(`ten times as many ${name} take at most about ten times the steps`, (t) => {
    const bodies = [from, from * 10].map((n) => {
      const body = make(n);
      return typeof body === 'string' ? body : JSON.stringify(body);
    });
    const steps = bodies.map((body) => {
      const verdict = judge(kind, body, unknownFields); // first without counting: tables and scanners are made once
      assert.ok(is === 'any' || verdict === is, verdict);
      return countSteps(() => judge(kind, body, unknownFields));
    });
    const [few = 0, many = 0] = steps;
    t.diagnostic(`${few} steps of ${from}, ${many} of ${from * 10}: ${(many / few).toFixed(2)}`);
    assert.ok(few > from / 2, 'nothing was counted');
    assert.ok(many <= few * TENFOLD, `${few} steps, then ${many}`);
  });
}

test('the count of steps tells a quadratic loop and a quadratic search from linear ones', () => {
  const quadratic = (n: number) => () => {
    let rest = 'a'.repeat(n);
    while (rest.length > 0) rest = rest.slice(1);
  };
  assert.ok(countSteps(quadratic(1000)) > 50 * countSteps(quadratic(100)));
  const linear = (n: number) => () => void 'a'.repeat(n).indexOf('b');
  assert.ok(countSteps(linear(10_000)) < 11 * countSteps(linear(1000)));
});
