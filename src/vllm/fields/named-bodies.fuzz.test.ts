import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { createBodyCheck } from './body.ts';
import { Refusal } from './refusal.ts';
import { caller, PNG } from './testing.fixture.ts';

/** Bodies with something at every place, of which single values are replaced, moved and added. */
const SEEDS = {
  messages: {
    model: 'tiny',
    max_tokens: 8,
    system: [{ type: 'text', text: 'a' }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'a' }] },
      { role: 'user', content: [{ type: 'image', source: { type: 'url', url: PNG } }] },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'a', signature: 'b' },
          { type: 'tool_use', id: 'c', name: 'f', input: {} },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c', content: [{ type: 'text', text: 'a' }] }] },
    ],
    tools: [{ name: 'f', input_schema: { type: 'object' } }],
    tool_choice: { type: 'tool', name: 'f' },
    thinking: { type: 'enabled', budget_tokens: 2048 },
    output_config: { effort: 'low' },
    metadata: {},
  },
  responses: {
    model: 'tiny',
    store: true,
    input: [
      { role: 'user', content: [{ type: 'input_text', text: 'a' }] },
      { role: 'user', content: [{ type: 'input_image', image_url: PNG, detail: 'auto' }] },
      { type: 'reasoning', id: 'r', summary: [{ type: 'summary_text', text: 'a' }] },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}', status: 'completed' },
      { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'a' }] },
      {
        type: 'message',
        id: 'm',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'a' }],
      },
    ],
    tools: [{ type: 'function', name: 'f', parameters: {} }],
    tool_choice: 'auto',
    text: { format: { type: 'json_schema', name: 'n', schema: { type: 'object' } } },
    reasoning: { effort: 'low' },
    include: ['message.output_text.logprobs'],
  },
} as const satisfies Readonly<Record<string, JsonValue>>;

const NAMES = [
  ...['type', 'role', 'content', 'text', 'url', 'image_url', 'source', 'data', 'file_id', 'file_url', 'status', 'id'],
  ...['encrypted_content', 'previous_response_id', 'background', 'store', 'request_id', 'session_id', 'cache_salt'],
  ...['kv_transfer_params', 'ec_transfer_params', 'vllm_xargs', 'priority', 'conversation', 'prompt', 'thread', 'tool'],
  ...[
    'server_url',
    'tools',
    'mcp_servers',
    'chat_template',
    'chat_template_kwargs',
    'channel',
    'namespace',
    'constructor',
  ],
];
const VALUES: readonly JsonValue[] = [
  ...['http://169.254.169.254/', 'file:///etc/passwd', 'system', 'tool', 'mcp', 'item_reference', 'document', 'image'],
  ...['incomplete', 'in_progress', 'tool_reference', 'web_search', 'input_file', 'url', 'auto', ''],
  ...[null, true, 0, -1, 1e9, [], {}, { type: 'url', url: 'http://a/' }, [{ type: 'mcp', server_url: 'http://a/' }]],
  { type: 'input_image', image_url: 'http://a/' },
  { chat_template: '{{ x }}' },
];

/** What upstream must never see anywhere, besides in what the caller's own tools say and take. */
const NEVER: ReadonlySet<string> = new Set([
  ...['file_id', 'file_url', 'encrypted_content', 'previous_response_id', 'background', 'request_id', 'session_id'],
  ...['kv_transfer_params', 'ec_transfer_params', 'vllm_xargs', 'priority', 'conversation', 'prompt', 'thread', 'tool'],
  ...['server_url', 'mcp_servers', 'chat_template', 'channel', 'namespace', 'signature', 'constructor'],
]);
const FREE: ReadonlySet<string> = new Set(['input_schema', 'parameters', 'schema']);
const ROLES: ReadonlySet<JsonValue> = new Set(['user', 'assistant', 'system', 'developer']);
const KINDS: ReadonlySet<JsonValue> = new Set([
  ...[
    'text',
    'image',
    'tool_use',
    'tool_result',
    'thinking',
    'url',
    'base64',
    'enabled',
    'adaptive',
    'disabled',
    'tool',
  ],
  ...['any', 'auto', 'none', 'json_schema', 'json_object', 'message', 'reasoning', 'function_call', 'function'],
  ...['function_call_output', 'input_text', 'input_image', 'output_text', 'refusal', 'summary_text', 'reasoning_text'],
]);

/** The first thing in a body that vLLM must not see. */
function leak(value: JsonValue, path: string): string | undefined {
  if (Array.isArray(value)) return value.map((item, i) => leak(item, `${path}[${i}]`)).find((found) => found);
  if (!isJsonObject(value)) return undefined;
  for (const [name, member] of Object.entries(value)) {
    const here = `${path}.${name}`;
    if (NEVER.has(name)) return here;
    if (FREE.has(name) || (name === 'input' && value['type'] === 'tool_use')) continue;
    if ((name === 'url' || name === 'image_url') && !String(member).startsWith('data:')) return here;
    if (name === 'role' && !ROLES.has(member)) return here;
    if (name === 'type' && !KINDS.has(member)) return here;
    if (name === 'status' && member !== 'completed') return here;
    const found = leak(member, here);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Puts a value at a place of a body: the place is found by going down as the numbers say. */
function changed(body: JsonValue, way: readonly number[], name: string, value: JsonValue): JsonValue {
  const [step = 0, ...rest] = way;
  if (Array.isArray(body)) {
    const at = step % (body.length + 1);
    const item = rest.length === 0 || at === body.length ? value : changed(body[at] ?? null, rest, name, value);
    return at === body.length ? [...body, item] : body.with(at, item);
  }
  if (!isJsonObject(body)) return value;
  const names = Object.keys(body);
  const at = names[step % (names.length + 1)] ?? name;
  const inner = body[at];
  return { ...body, [at]: rest.length === 0 || inner === undefined ? value : changed(inner, rest, name, value) };
}

const change = fc.record({
  way: fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 6 }),
  name: fc.constantFrom(...NAMES),
  value: fc.constantFrom(...VALUES),
});

for (const kind of ['messages', 'responses'] as const) {
  const judge = createBodyCheck(kind, { unknownFields: 'deny', overCap: 'lower' });
  test(`whatever is changed in a body of ${kind}, upstream sees nothing that it must not`, (t) => {
    let passed = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const body = changes.reduce<JsonValue>(
          (one, { way, name, value }) => changed(one, way, name, value),
          SEEDS[kind],
        );
        assert.ok(isJsonObject(body));
        const request = judge(body, JSON.stringify(body).length, caller());
        if (request instanceof Refusal) return;
        passed++;
        assert.equal(leak(request.body, ''), undefined, JSON.stringify(request.body));
        assert.equal(request.body['cache_salt'], 'salt');
        assert.equal(request.body['store'], kind === 'responses' ? false : undefined);
      }),
      { numRuns: Math.max(2000, fc.readConfigureGlobal()?.numRuns ?? 0) },
    );
    t.diagnostic(`${passed} of the bodies passed`);
    assert.ok(passed > 100);
  });

  test(`a body of ${kind} is not changed by its check, and the one that is sent passes again`, () => {
    const seed = structuredClone<JsonObject>(SEEDS[kind]);
    const before = JSON.stringify(seed);
    const request = judge(seed, before.length, caller());
    assert.ok(!(request instanceof Refusal), request instanceof Refusal ? request.path : '');
    assert.equal(JSON.stringify(seed), before);
    const again = judge(request.body, before.length, caller());
    assert.ok(!(again instanceof Refusal));
    assert.deepEqual(again.body, request.body);
  });
}

test('where responses are stored, a body tells upstream of them only what is asked for and whose it is', (t) => {
  const judge = createBodyCheck('responses', { unknownFields: 'deny', overCap: 'lower', storedResponses: true });
  const held = { upstream: 'main', id: 'resp_held', model: 'tiny' };
  const owner = caller({ openResponse: (id) => (id === 'resp_mine' ? held : undefined) });
  const stored = fc.record(
    {
      store: fc.constantFrom<JsonValue>(true, false, null, 'true', 1),
      background: fc.constantFrom<JsonValue>(true, false, null, 'true', 1),
      previous_response_id: fc.constantFrom<JsonValue>('resp_mine', 'resp_held', 'resp_theirs', '', null, 7, {}),
    },
    { requiredKeys: [], noNullPrototype: true },
  );
  let passed = 0;
  fc.assert(
    fc.property(stored, fc.array(change, { maxLength: 2 }), (fields, changes) => {
      const { store: _, ...seed } = SEEDS.responses;
      const body = changes.reduce<JsonValue>((one, { way, name, value }) => changed(one, way, name, value), {
        ...structuredClone<JsonObject>(seed),
        ...fields,
      });
      assert.ok(isJsonObject(body));
      const request = judge(body, JSON.stringify(body).length, owner);
      if (request instanceof Refusal) return;
      passed++;
      const { store, background, previous_response_id: previous, ...rest } = request.body;
      assert.equal(leak(rest, ''), undefined, JSON.stringify(rest));
      assert.equal(background, body['background'] === true ? true : undefined);
      assert.equal(store, body['store'] === true || background === true);
      const isMine = body['previous_response_id'] === 'resp_mine';
      assert.deepEqual([previous, request.held], isMine ? ['resp_held', held] : [undefined, undefined]);
    }),
    { numRuns: Math.max(2000, fc.readConfigureGlobal()?.numRuns ?? 0) },
  );
  t.diagnostic(`${passed} of the bodies passed`);
  assert.ok(passed > 100);
});
