import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ask, CHAT } from '../support/http.ts';
import { startProduct, type Product } from '../support/product.ts';

const { VLLM_URL = '', VLLM_LOG_COMMAND = '', PYTHON_WITH_OPENAI = '' } = process.env;
const script = (name: string) => fileURLToPath(new URL(`./clients/${name}`, import.meta.url));

let product: Product;
let key: string;
before(async () => {
  product = await startProduct(['--upstream', VLLM_URL]);
  key = (
    JSON.parse(product.command('keys', 'create', '--name', 'services', '--models', 'tiny', '--json')) as { key: string }
  ).key;
});
after(async () => {
  assert.equal(await product.end(), 0);
});

/** Requests to inference that the real server has logged so far. */
function arrived(): number {
  const [command = '', ...args] = VLLM_LOG_COMMAND.split(' ');
  const log = execFileSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return log.split('\n').filter((line) => /"(POST|PUT|DELETE) /.test(line)).length;
}

interface SdkAnswers {
  readonly [name: string]: { tokens?: number; text?: string; status?: number; code?: string; request_id?: string };
}

const clients: readonly { name: string; run: () => string }[] = [
  {
    name: 'Python',
    run: () =>
      execFileSync(PYTHON_WITH_OPENAI, [script('openai-sdk.py')], {
        encoding: 'utf8',
        env: { ...process.env, BASE_URL: `${product.url}/v1`, API_KEY: key, SSL_CERT_FILE: product.caFile },
      }),
  },
  {
    name: 'JavaScript',
    run: () =>
      execFileSync(process.execPath, [script('openai-sdk.ts')], {
        encoding: 'utf8',
        env: { ...process.env, BASE_URL: `${product.url}/v1`, API_KEY: key, NODE_EXTRA_CA_CERTS: product.caFile },
      }),
  },
];

for (const { name, run } of clients) {
  test(`the stock OpenAI SDK for ${name} works with a real vLLM through TLS, streaming and not`, () => {
    const answers = JSON.parse(run()) as SdkAnswers;
    assert.equal(answers['chat']?.tokens, 6);
    assert.ok((answers['chat']?.text ?? '').length > 0);
    assert.equal(answers['stream']?.tokens, 6);
    assert.equal(answers['stream']?.text, answers['chat']?.text, 'the stream says what the whole answer says');
    assert.equal(answers['completion']?.tokens, 4);
    assert.equal(answers['completion_stream']?.text, answers['completion']?.text);
    assert.deepEqual(answers['models'], ['tiny']);
    assert.equal(answers['foreign_model']?.code, 'model_not_allowed');
    assert.equal(answers['foreign_model']?.status, 403);
    assert.match(answers['foreign_model']?.request_id ?? '', /^[0-9a-f-]{36}$/);
    assert.equal(answers['too_long']?.code, 'context_length_exceeded');
  });
}

const curl = (...args: string[]): string =>
  execFileSync(
    'curl',
    [
      '-sS',
      '--cacert',
      product.caFile,
      '-H',
      `Authorization: Bearer ${key}`,
      '-H',
      'Content-Type: application/json',
      ...args,
    ],
    {
      encoding: 'utf8',
    },
  );

test('curl streams and does not stream with a real vLLM through TLS', () => {
  const whole = JSON.parse(curl('-d', JSON.stringify(CHAT), `${product.url}/v1/chat/completions`)) as {
    choices: { message: { content: string } }[];
  };
  assert.ok((whole.choices[0]?.message.content ?? '').length > 0);
  const streamed = curl('-N', '-d', JSON.stringify({ ...CHAT, stream: true }), `${product.url}/v1/chat/completions`);
  assert.ok(streamed.endsWith('data: [DONE]\n\n'));
  for (const hidden of ['system_fingerprint', 'prompt_token_ids', 'token_ids', '"usage"'])
    assert.equal(streamed.includes(hidden), false, hidden);
});

test('what is refused never reaches the real server: its own log shows nothing of it', async () => {
  const ca = readFileSync(product.caFile, 'utf8');
  const to = { url: product.url, ca, port: Number(new URL(product.url).port) };
  const limited = (
    JSON.parse(product.command('keys', 'create', '--name', 'limited', '--models', 'tiny', '--rpm', '1', '--json')) as {
      key: string;
    }
  ).key;
  assert.equal((await ask(to, { key: limited })).status, 200);
  const before = arrived();
  assert.ok(before > 0, 'the log shows what did arrive');
  const refusals: [string | undefined, Parameters<typeof ask>[1]][] = [
    ['missing_credential', {}],
    ['invalid_credential', { key: `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}` }],
    ['insufficient_scope', { key, path: '/tokenize' }],
    ['route_closed', { key, path: '/invocations' }],
    ['route_closed', { key, path: '/scale_elastic_ep' }],
    ['unknown_route', { key, path: '/metricsfoo/x' }],
    ['invalid_request', { key, path: '/v1/chat%2fcompletions' }],
    ['model_not_allowed', { key, body: { ...CHAT, model: 'tiny-lora' } }],
    ['model_not_allowed', { key, body: { messages: CHAT.messages } }],
    ['forbidden_field', { key, body: { ...CHAT, ignore_eos: true } }],
    ['value_out_of_range', { key, body: { ...CHAT, n: 500 } }],
    ['rate_limited', { key: limited }],
  ];
  for (const [code, question] of refusals) {
    const answer = await ask(to, question);
    if (code === 'unknown_route') assert.ok(['unknown_route', 'route_closed'].includes(answer.code ?? ''));
    else assert.equal(answer.code, code);
  }
  assert.equal(arrived(), before);
});

function metric(name: string): number {
  const { stdout } = spawnSync('curl', ['-sS', `${VLLM_URL}/metrics`], { encoding: 'utf8' });
  return Number(new RegExp(`^vllm:${name}\\{[^}]*\\} ([0-9.]+)`, 'm').exec(stdout)?.[1] ?? NaN);
}

/** Requests that the engine computes, as it says itself. */
const running = (): number => metric('num_requests_running');

function askAs(credential: string, body: object, onData: (text: string) => void = () => undefined) {
  const to = { url: product.url, ca: readFileSync(product.caFile, 'utf8'), port: Number(new URL(product.url).port) };
  return ask(to, { key: credential, body, onData });
}

test('the real server stops generating when the caller goes away', async () => {
  const ca = readFileSync(product.caFile, 'utf8');
  const to = { url: product.url, ca, port: Number(new URL(product.url).port) };
  const controller = new AbortController();
  const body = { ...CHAT, stream: true, max_tokens: 1900, temperature: 1 };
  await assert.rejects(ask(to, { key, body, signal: controller.signal, onData: () => controller.abort() }));
  const deadline = Date.now() + 5_000;
  while (running() !== 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(running(), 0);
});

/** Tokens that the engine has made so far, as it says itself. */
const generated = (): number => metric('generation_tokens_total');

/** Tokens of a stream that asked for `logprobs`: where it is behind, the real server puts several into one event. */
function tokensOf(stream: string): number {
  const events = [...stream.matchAll(/^data: (\{.*\})$/gm)].map(
    ([, json = '']) => JSON.parse(json) as { choices?: readonly { logprobs?: { content?: readonly unknown[] } }[] },
  );
  return events.reduce((sum, { choices }) => sum + (choices?.[0]?.logprobs?.content?.length ?? 0), 0);
}

test('a running stream of the real server is ended where a budget ends, and the server stops with it', async () => {
  // Bytes that the tokenizer takes one by one: the estimate sets too little aside.
  const messages = [{ role: 'user', content: '\u{1F9EA}\u00fe\u00df'.repeat(60) }];
  const whole = await askAs(key, { model: 'tiny', messages, max_tokens: 1 });
  const { prompt_tokens: promptTokens = 0 } = (whole.json?.['usage'] ?? {}) as { prompt_tokens?: number };
  const budget = `${promptTokens + 60}/day`;
  const made = product.command(
    'keys',
    'create',
    '--name',
    'cut',
    '--models',
    'tiny',
    '--budget-tokens',
    budget,
    '--json',
  );
  const { id, key: limited } = JSON.parse(made) as { id: string; key: string };
  const before = generated();
  let endedMs = 0;
  const asked = { model: 'tiny', messages, temperature: 0, max_tokens: 200, stream: true, logprobs: true };
  const { text } = await askAs(limited, asked, (part) => {
    if (part.includes('budget_exhausted')) endedMs = performance.now();
  });
  let idleMs = NaN;
  while (Number.isNaN(idleMs) && performance.now() - endedMs < 5_000) {
    if (running() === 0) idleMs = performance.now() - endedMs;
  }
  assert.match(text, /"code":"budget_exhausted"/);
  const shown = JSON.parse(product.command('limits', 'show', id, '--json')) as {
    limits: readonly { name: string; used: number; limit: number }[];
  };
  const { used = NaN, limit = NaN } = shown.limits.find(({ name }) => name === 'budget') ?? {};
  const delivered = promptTokens + tokensOf(text);
  // The event that goes over the budget is counted and not delivered. It may hold more than one token.
  assert.ok(delivered <= limit && limit < used, `${delivered} delivered and ${used} used of ${limit}`);
  assert.ok(used - promptTokens <= generated() - before, 'what is counted is no more than the engine has made');
  console.log(
    `cut at ${used} of ${limit} tokens, ${delivered} delivered; the engine was idle ${idleMs.toFixed(0)} ms after the last event`,
  );
  assert.ok(!Number.isNaN(idleMs), 'the engine goes on');
});

test('the request log tells who, what and how it ended, and nothing that was said', () => {
  const requests = product.lines
    .filter((line) => line.includes('"event":"request"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const ok = requests.find(({ status, route }) => status === 200 && route === 'chat-completions');
  assert.ok(ok, JSON.stringify(requests.slice(0, 3)));
  assert.equal(ok['tenant'], 'default');
  assert.ok(Number(ok['completionTokens']) > 0);
  assert.equal(product.lines.join('\n').includes(key), false);
  assert.equal(product.lines.join('\n').includes('hello'), false);
});
