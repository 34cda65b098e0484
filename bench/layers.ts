import { randomBytes, randomFillSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { traceParentOf } from '../src/wire/trace-context.ts';
import { createBeginTrace } from '../src/telemetry/begin-trace.ts';
import { createLikeness } from '../src/anomaly/likeness.ts';
import { recordLine } from '../src/observers/records/line.ts';
import { lastTextOf } from '../src/vllm/fields/last-text.ts';
import { createTokenLimit } from '../src/stages/token-limit/stage.ts';
import { createEstimator } from '../src/limits/estimator.ts';
import { createCalendar } from '../src/limits/calendar.ts';
import { createLimitPlan } from '../src/limits/plan.ts';
import { createCounterMemory, createSharedCounters } from '../src/adapters/memory/counters.ts';
import { loadConfig, renderMistakes } from '../src/config/load.ts';
import { createCredentials } from '../src/directory/credentials.ts';
import { defaultTenant, issueApiKey, plainWish } from '../src/directory/issue.ts';
import { createPermissionUses } from '../src/directory/permission-uses.ts';
import type { PolicyRecord, PolicyTarget } from '../src/directory/records.ts';
import { inspectEvent } from '../src/forward/stream-event.ts';
import { AnyExchange, newUsage, type Facts, type Has, type Slots } from '../src/kernel/exchange.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { isJsonObject, type JsonObject } from '../src/kernel/json.ts';
import type { Inspector, Outcome } from '../src/kernel/stage.ts';
import type { Downstream } from '../src/kernel/transport.ts';
import { createLineBatch, requestLine } from '../src/observers/log/observer.ts';
import { createMetricsObserver } from '../src/observers/metrics/observer.ts';
import { createMetricsMemory } from '../src/observers/metrics/series.ts';
import { createPolicies } from '../src/policies/policies.ts';
import { createApiKeyMethod } from '../src/stages/authenticate/methods/api-key.ts';
import { createAuthenticate } from '../src/stages/authenticate/stage.ts';
import { createMeter } from '../src/stages/meter/stage.ts';
import { createNetwork } from '../src/stages/network/stage.ts';
import { createConditions } from '../src/stages/conditions/stage.ts';
import { createRateLimit } from '../src/stages/rate-limit/stage.ts';
import { createRoute } from '../src/stages/route/stage.ts';
import { createCallers } from '../src/stages/validate/callers.ts';
import { createResponseIds } from '../src/wire/response-id.ts';
import { createControlTokens } from '../src/stages/validate/control-tokens.ts';
import { patches } from '../src/vllm/patches/index.ts';
import { activePatches, createPatchCheck } from '../src/vllm/patches/patch.ts';
import { parseRelease } from '../src/vllm/release.ts';
import { cachedToken, freshToken } from './token-layers.ts';
import { createSanitize } from '../src/stages/sanitize/stage.ts';
import { parseStrictJson } from '../src/wire/strict-json.ts';
import { createBodyCheck } from '../src/vllm/fields/body.ts';
import { Refusal } from '../src/vllm/fields/refusal.ts';
import { responseHeaders } from '../src/wire/answer.ts';
import { parseRequestHead } from '../src/wire/request-head.ts';
import { createSseParser } from '../src/wire/sse.ts';
import { markdown, median } from './table.ts';

/** What each layer of the gateway costs, without a socket: microseconds, medians of interleaved rounds. */
const ROUNDS = 9;
const ROUND_MS = 40;

interface Layer {
  readonly name: string;
  readonly run: () => unknown;
  /** Microseconds that the design gives it. */
  readonly budgetUs?: number;
  /** Measured beside it: the same work as plain Node.js does it, and how many times that is allowed. */
  readonly plain?: { readonly run: () => unknown; readonly atMost: number; readonly what?: string };
}

const loaded = loadConfig({ env: {} });
if (!loaded.ok) throw new Error(renderMistakes(loaded.mistakes));
const { config } = loaded;
const clock = systemClock;

const counters = createSharedCounters(createCounterMemory(65_536, 2, randomBytes(16).toString('hex')), 0);
const hmacKey = randomBytes(32);
const { record, value: apiKey } = issueApiKey(
  plainWish('bench'),
  { hmacKey, randomBytes: (count) => randomBytes(count), isTaken: () => false },
  clock.nowMs(),
);
const credentials = createCredentials({
  tenants: [defaultTenant(clock.nowMs())],
  apiKeys: [record],
  roles: [],
  groups: [],
  policies: [],
  owners: [],
});

const downstream: Downstream = {
  head: {
    method: 'POST',
    target: '/v1/chat/completions',
    httpVersion: '1.1',
    // As the official Python SDK sends them.
    rawHeaders: Object.entries({
      Host: '127.0.0.1:8443',
      'Accept-Encoding': 'gzip, deflate',
      Connection: 'keep-alive',
      Accept: 'application/json',
      'Content-Type': 'application/json',
      'User-Agent': 'OpenAI/Python 2.8.0',
      'X-Stainless-Lang': 'python',
      'X-Stainless-Package-Version': '2.8.0',
      'X-Stainless-OS': 'Linux',
      'X-Stainless-Arch': 'x64',
      'X-Stainless-Runtime': 'CPython',
      'X-Stainless-Runtime-Version': '3.13.1',
      Authorization: `Bearer ${apiKey}`,
      'X-Stainless-Async': 'false',
      'x-stainless-retry-count': '0',
      'x-stainless-read-timeout': '600',
      'Content-Length': '300',
    }).flat(),
  },
  peerAddress: '127.0.0.1',
  isPeerUnknown: false,
  certificate: undefined,
  isEncrypted: true,
  readBody: () => Promise.resolve({ kind: 'broken' }),
  keepBody: () => undefined,
  growBody: () => true,
  holdAnswer: () => true,
  keepAnswer: () => undefined,
  answer: () => undefined,
  onSent: () => undefined,
  writeHead: () => undefined,
  write: () => true,
  end: () => undefined,
  destroy: () => undefined,
  onDrain: () => undefined,
  upgrade: () => {
    throw new Error('nobody upgrades');
  },
  onDisconnect: () => undefined,
};
const rules = { maxHeaders: config.listen.maxHeaders, hosts: new Set<string>() };

/** The stages as the pipeline runs them: by then the compiler has proven that their needs are there. */
type Staged = AnyExchange & Has<keyof Facts> & Slots<keyof Facts>;
const x = new AnyExchange('0b8f2a8e-5c3a-4d0e-9a3e-1f2a3b4c5d6e', clock.nowMs(), downstream, false) as Staged;

const high = 1_000_000_000;
const network = createNetwork(
  { allow: [], deny: [], trustedProxies: [], requestsPerMinute: high },
  { counters, clock },
);
const authenticate = createAuthenticate(
  { failuresPerMinute: 30 },
  {
    methods: [createApiKeyMethod({ find: (id) => credentials.find(id), hmacKey, clock, onUse: () => undefined })],
    counters,
    clock,
  },
);
const policies = createPolicies([
  ...Array.from({ length: 20 }, (_, i) => policyAbout({ groups: [`g${i}`], models: ['m'] }, i)),
  policyAbout({ keys: [record.id] }, 20),
  policyAbout({ models: ['tiny'] }, 21),
]);
const conditions = createConditions({ policies: () => policies, clock });
const permissionUses = createPermissionUses();

function policyAbout(target: Partial<PolicyTarget>, index: number): PolicyRecord {
  const lists = { tenants: [], groups: [], roles: [], keys: [], users: [], issuers: [], scopes: [], models: [] };
  const always = { time: ['00:00-24:00 Europe/Berlin'], addresses: ['10.0.0.0/8', '127.0.0.0/8'] };
  return {
    id: `p${index}`,
    effect: 'require',
    target: { ...lists, ...target },
    conditions: always,
    createdAtMs: 0,
    state: 'active',
    version: 1,
  };
}

const plan = createLimitPlan(
  { defaults: { requestsPerMinute: high, concurrency: high }, rules: [] },
  counters,
  createCalendar('UTC', clock),
);
const rateLimit = createRateLimit({ plan, counters, clock });
/** Every limit that a key can have at once, far from being reached. */
const money = 1_000_000_000;
const much = { requestsPerMinute: high, tokensPerMinute: money, concurrency: high } as const;
const everything = createLimitPlan(
  {
    defaults: { ...much, budget: { tokens: money, per: 'day' } },
    rules: [
      { name: 'group', per: ['group', 'member'], tokens: { amount: money, per: 'month' }, concurrency: high },
      { name: 'model', per: ['model', 'tenant'], outputTokens: { amount: money, per: 'min' }, streams: high },
      { name: 'address', per: ['address'], requests: { amount: high, per: 'h' } },
      { name: 'money', per: ['tenant'], cost: { amount: money, per: 'day' } },
    ],
  },
  counters,
  createCalendar('Europe/Berlin', clock),
);
const fullRate = createRateLimit({ plan: everything, counters, clock });
const tokenOptions = { prices: { tiny: { input: 1, output: 2 } }, overCap: 'lower', maxOutputTokens: 65_536 } as const;
const tokenDeps = {
  counters,
  clock,
  estimator: createEstimator(),
  usage: { add: () => undefined },
  onBudget: () => undefined,
};
const fullTokens = createTokenLimit(tokenOptions, { ...tokenDeps, plan: everything });
const ofKey = createLimitPlan(
  {
    defaults: { ...much, budget: { tokens: money, per: 'day' } },
    rules: [{ name: 'money', per: ['key'], cost: { amount: money, per: 'day' } }],
  },
  counters,
  createCalendar('Europe/Berlin', clock),
);
const rateOfKey = createRateLimit({ plan: ofKey, counters, clock });
const tokensOfKey = createTokenLimit(tokenOptions, { ...tokenDeps, plan: ofKey });

function limited(rates: typeof rateOfKey, tokens: typeof tokensOfKey): void {
  const one = rates === rateOfKey ? keyOnly : full;
  one.usage = newUsage();
  void rates.decide?.(one);
  void tokens.decide?.(one);
  one.usage.promptTokens = 40;
  one.usage.completionTokens = 64;
  tokens.settle?.(one, answered);
  rates.settle?.(one, answered);
}
const route = createRoute();
const meter = createMeter();
const sanitize = createSanitize();
const check = createBodyCheck('chat', config.validation);
/** As for an upstream whose version is known. */
const release = parseRelease('0.32.0');
const patchCheck = createPatchCheck(activePatches(patches, release, [], 'auto'));
const checkTokens = createControlTokens('deny', []);
const callerOf = createCallers(config.validation, {
  maxOutputTokens: 65_536,
  tenantKey: hmacKey,
  responseIds: createResponseIds(hmacKey),
});

const head = parseRequestHead(downstream.head, rules);
if ('code' in head) throw new Error(head.message);
Object.assign(x, { head });
for (const stage of [network, authenticate, rateLimit, route, meter]) {
  const denial = await stage.decide?.(x);
  if (denial !== undefined) throw new Error(`${stage.name}: ${denial.code}`);
}

const question = 'Hello there, how are you today? Tell me a "story" about the sea.\n';
function bodyOf(bytes: number): Buffer {
  const messages = [{ role: 'system', content: 'You are a helpful assistant.' }];
  const turn = Math.min(bytes, 2_000);
  for (let left = bytes - 180; left > 0; left -= turn) {
    const content = question.repeat(Math.ceil(turn / question.length)).slice(0, Math.min(left, turn));
    messages.push({ role: messages.length % 2 === 1 ? 'user' : 'assistant', content });
  }
  return Buffer.from(
    JSON.stringify({ model: 'tiny', messages, max_tokens: 64, temperature: 0.7, top_p: 0.95, seed: 7 }),
  );
}

function checkedBody(bytes: Buffer) {
  const parsed = parseStrictJson(bytes);
  if (!parsed.ok) throw new Error(parsed.message);
  const request = check(parsed.value, bytes.length, callerOf(x.principal));
  if (request instanceof Refusal) throw new Error(request.message);
  const checked = checkTokens(request.model, request.body);
  if (checked instanceof Refusal) throw new Error(checked.message);
  const hole = patchCheck('chat-completions', checked);
  if (hole !== undefined) throw new Error(hole.message);
  return request;
}
Object.assign(x, { request: checkedBody(bodyOf(300)), model: 'tiny' });
const pools = [{ name: 'tenant', subject: 'pool', limits: much }];
const full = Object.assign(new AnyExchange('bench', 0, downstream, false), x, {
  principal: { ...x.principal, groups: ['staff'], pools },
}) as Staged;
const keyOnly = Object.assign(new AnyExchange('bench', 0, downstream, false), x);

/** What a coding agent sends: 60 tools of some 3 KB each, the rest messages. */
function agentBodyOf(bytes: number): Buffer {
  const property = (name: number) => [
    `argument_${name}`,
    { type: 'string', description: question.repeat(2), enum: ['one', 'two', 'three'] },
  ];
  const tools = Array.from({ length: 60 }, (_, i) => ({
    type: 'function',
    function: {
      name: `tool_${i}`,
      description: question.repeat(6),
      parameters: { type: 'object', properties: Object.fromEntries([0, 1, 2, 3].map(property)), required: [] },
    },
  }));
  const size = Buffer.byteLength(JSON.stringify(tools));
  const rest = objectOf(bodyOf(Math.max(400, bytes - size)).toString());
  return Buffer.from(JSON.stringify({ ...rest, tools }));
}

const bodies = [300, 2_000, 8_000, 200_000].map((size): Layer => {
  const bytes = size < 100_000 ? bodyOf(size) : agentBodyOf(size);
  return {
    name: `body of ${size < 1000 ? `${size / 1000}` : size / 1000} KB: strict parse, field policy, control tokens, patches, stringify${size < 100_000 ? '' : ', 60 tools'}`,
    run: () => Buffer.from(JSON.stringify(checkedBody(bytes).body)),
    plain: { run: () => Buffer.from(JSON.stringify(JSON.parse(bytes.toString()))), atMost: 6 },
  };
});

const outcome: Outcome = {
  kind: 'answer',
  status: 200,
  code: undefined,
  durationMs: 12.3456,
  firstByteMs: 4.5678,
  upstream: 'main',
};
const answered: Outcome = { ...outcome, mayHaveWorked: true };
const lines = createLineBatch(8 * 1024 * 1024);
const records = createLineBatch(8 * 1024 * 1024);
const likeness = createLikeness(randomBytes(32));
const beginTrace = createBeginTrace({ ratio: 0.1, trustedContext: [] }, (bytes) => void randomFillSync(bytes));
const noHeaders = new Map<string, string>();
const countMetrics = createMetricsObserver(createMetricsMemory(2), 0, () => undefined);

const upstreamHead = { status: 200, header: () => 'text/event-stream' };
const inspectors = [meter, sanitize]
  .map((stage) => stage.inspect?.(x, upstreamHead))
  .filter((inspector): inspector is Inspector => inspector !== undefined);
const chunk = Buffer.from(
  'data: {"id":"chatcmpl-a7eab93586ee4d04","object":"chat.completion.chunk","created":1795329640,"model":"tiny",' +
    '"choices":[{"index":0,"delta":{"content":" the sea"},"logprobs":null,"finish_reason":null}]}\n\n',
);
const parser = createSseParser(8 * 1024 * 1024);
const answer = Buffer.from(
  '{"id":"chatcmpl-a7eab93586ee4d04","object":"chat.completion","created":1795329640,"model":"tiny","choices":[{"index"' +
    ':0,"message":{"role":"assistant","content":"uestuest ser ser ser ser","refusal":null},"logprobs":null,' +
    '"finish_reason":"length"}],"usage":{"prompt_tokens":5,"total_tokens":11,"completion_tokens":6}}',
);

const all: readonly Layer[] = [
  { name: 'request head: judged and read', run: () => parseRequestHead(downstream.head, rules) },
  { name: 'API key: form, checksum, HMAC, state', run: () => authenticate.decide?.(x), budgetUs: 4 },
  { name: 'access token that was seen before', run: cachedToken(clock), budgetUs: 4 },
  ...(['RS256', 'ES256', 'EdDSA'] as const).map((alg): Layer => {
    const { run, plain } = freshToken(alg, clock);
    return {
      name: `access token, ${alg}, not seen before`,
      run,
      plain: { run: plain, atMost: 3, what: 'verify' },
    };
  }),
  { name: 'policies: 20 about others, 2 about the caller (time and network)', run: () => conditions.decide?.(x) },
  { name: 'use of a permission, noted', run: () => permissionUses.note('key:Ab12cd', 'inference:chat', clock.nowMs()) },
  {
    name: 'limits: rate of the address, rate and concurrency of the key, release',
    run() {
      void network.decide?.(x);
      void rateLimit.decide?.(x);
      rateLimit.settle?.(x, outcome);
    },
    budgetUs: 5,
  },
  {
    name: 'limits of a key with all of its own: requests, concurrency, tokens, budget, money; settled',
    run: () => limited(rateOfKey, tokensOfKey),
    budgetUs: 5,
  },
  {
    name: 'the same with those of tenant, group, address and model: 12 limits',
    run: () => limited(fullRate, fullTokens),
  },
  { name: 'route: catalogue and scope', run: () => route.decide?.(x) },
  ...bodies,
  {
    name: 'answer of 0.3 KB: parse, meter, sanitize, stringify',
    run() {
      let value = objectOf(answer.toString());
      for (const inspector of inspectors) {
        const verdict = inspector.body?.(value) ?? value;
        if (!('retryAfterMs' in verdict)) value = verdict;
      }
      return JSON.stringify(value);
    },
  },
  {
    name: 'answer head: headers with limits',
    run: () => responseHeaders(x),
  },
  {
    name: 'records: log line and metrics',
    run() {
      lines.add(requestLine(x, outcome, 'json'));
      countMetrics(x, outcome);
    },
    budgetUs: 3,
  },
  {
    name: 'records: for the audit log, with the likeness of what was asked',
    run() {
      const text = lastTextOf(x.request.body);
      const alike = text === undefined ? undefined : likeness(x.principal.tenant, text);
      records.add(recordLine(x, outcome, clock.nowMs(), alike));
    },
    budgetUs: 3,
  },
  {
    name: 'records: a trace begun, and its context for upstream',
    run: () => traceParentOf(beginTrace('192.0.2.1', noHeaders)),
    budgetUs: 1,
  },
  {
    name: 'SSE event: parse, meter, sanitize, format',
    run() {
      let text: unknown;
      for (const event of parser.push(chunk) ?? []) text = inspectEvent(event, inspectors);
      return text;
    },
  },
];

/** Words on the command line choose layers by what their names contain. */
const words = process.argv.slice(2);
const layers = all.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));

function objectOf(text: string): JsonObject {
  const value = JSON.parse(text) as JsonObject; // our own text above
  if (!isJsonObject(value)) throw new Error('not an object');
  return value;
}

/** Kept, so that no work is found to be for nothing. */
let last: unknown;

/** Microseconds of this thread's CPU of one run: what else the machine does is not counted. */
function time(run: () => unknown): number {
  let count = 0;
  const began = performance.now();
  const before = process.threadCpuUsage();
  while (performance.now() - began < ROUND_MS) {
    for (let i = 0; i < 16; i++) last = run();
    count += 16;
    lines.take();
    records.take();
  }
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / count;
}

const taken = layers.map(() => ({ own: new Array<number>(), plain: new Array<number>() }));
for (let round = -2; round < ROUNDS; round++) {
  for (const [i, layer] of layers.entries()) {
    const own = time(layer.run);
    const plain = layer.plain === undefined ? Number.NaN : time(layer.plain.run);
    if (round < 0) continue; // until it is compiled
    taken[i]?.own.push(own);
    taken[i]?.plain.push(plain);
  }
}

const rows = layers.map(({ name, budgetUs, plain }, i) => {
  const own = median(taken[i]?.own ?? []);
  const cost = `${own.toFixed(1)} µs`;
  if (plain !== undefined) {
    const times = own / median(taken[i]?.plain ?? []);
    const beside = `${times.toFixed(1)}x ${plain.what ?? 'JSON.parse + JSON.stringify'}`;
    return [name, cost, beside, `≤ ${plain.atMost}x`, times <= plain.atMost ? 'kept' : 'MISSED'];
  }
  if (budgetUs === undefined) return [name, cost, '', '', ''];
  return [name, cost, '', `≤ ${budgetUs} µs`, own <= budgetUs ? 'kept' : 'MISSED'];
});
const text = [
  `Layers, ${new Date().toISOString().slice(0, 10)}, Node.js ${process.versions.node}, ${cpus()[0]?.model ?? 'unknown'}: ` +
    `CPU time, medians of ${ROUNDS} interleaved rounds, in process.`,
  '',
  markdown(['layer', 'cost', 'beside', 'budget', ''], rows),
  '',
  'Command: node bin/node26.mjs bench/layers.ts',
  '',
].join('\n');
const out = fileURLToPath(new URL('./out/', import.meta.url));
mkdirSync(out, { recursive: true });
writeFileSync(`${out}layers-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.md`, text);
process.stdout.write(text);
if (last === layers) process.exitCode = 1;
