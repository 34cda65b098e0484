import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestGateway } from '../support/gateway.ts';
import { ask, CHAT } from '../support/http.ts';

const free = { requestsPerMinute: 'none', concurrency: 'none', tokensPerMinute: 'none' } as const;
const OPEN = { limits: { default: free, perIp: { requestsPerMinute: 'none' } } };

/** Tokens that the simulator has counted for an answer. */
const tokensOf = (json: { readonly [name: string]: unknown } | undefined): number =>
  Number((json?.['usage'] as { total_tokens?: number } | undefined)?.total_tokens);

test('a budget is spent to its end by any number of simultaneous requests, and then budget_exhausted until its window ends', async () => {
  await using it = await startTestGateway({ workers: 2, plain: true, config: OPEN });
  const { key } = await it.issue({ limits: { budget: { tokens: 200, per: 'day' } } });
  const answers = await Promise.all(Array.from({ length: 40 }, () => ask(it, { key })));
  const passed = answers.filter(({ status }) => status === 200);
  const used = passed.reduce((sum, { json }) => sum + tokensOf(json), 0);
  assert.ok(used <= 200 && passed.length > 0, `${used} tokens`);
  let next = await ask(it, { key });
  let more = 0;
  while (next.status === 200) {
    more += tokensOf(next.json);
    next = await ask(it, { key });
  }
  assert.ok(used + more <= 200 && used + more > 150, `${used + more} tokens`);
  assert.equal(next.code, 'budget_exhausted');
  assert.equal(next.headers['x-should-retry'], 'false');
  const untilMidnightS = (86_400_000 - (Date.now() % 86_400_000)) / 1_000;
  assert.ok(Math.abs(Number(next.headers['retry-after']) - untilMidnightS) < 5);
  assert.match(String(next.json?.error?.['message']), /The limit is budget\./);
  assert.match(String(next.headers['ratelimit-policy']), /"budget";q=200;w=86400/);
});

test('tokens per minute are refused by token_limited with a Retry-After after which they are let in', async () => {
  await using it = await startTestGateway({ plain: true, config: OPEN });
  const { key } = await it.issue({ limits: { tokensPerMinute: 120 } });
  let last = await ask(it, { key });
  assert.equal(last.headers['x-ratelimit-limit-tokens'], '120');
  while (last.status === 200) last = await ask(it, { key });
  assert.equal(last.code, 'token_limited');
  assert.match(String(last.headers['ratelimit-policy']), /"tokens";q=120;w=60/);
  const waitS = Number(last.headers['retry-after']);
  assert.ok(waitS >= 1 && waitS <= 60);
});

test('a length above a whole limit is lowered to fit and said so, and one that was left out to what is left', async () => {
  await using it = await startTestGateway({ plain: true, config: OPEN, simulator: { answerTokens: 500 } });
  const { key } = await it.issue({ limits: { budget: { tokens: 100, per: 'month' } } });
  const named = await ask(it, { key, body: { ...CHAT, max_tokens: 5_000 } });
  assert.equal(named.status, 200);
  assert.match(String(named.headers['x-sallyport-adjusted']), /^max_tokens=\d\d$/);
  assert.ok(tokensOf(named.json) <= 100);
  const { key: other } = await it.issue({ limits: { budget: { tokens: 100, per: 'month' } } });
  await ask(it, { key: other });
  const { max_tokens: _, ...open } = CHAT;
  const left = await ask(it, { key: other, body: open });
  assert.equal(left.status, 200);
  const [, tokens] = /max_tokens=(\d+)$/.exec(String(left.headers['x-sallyport-adjusted'])) ?? [];
  assert.ok(Number(tokens) > 0 && Number(tokens) < 90, String(tokens));
});

test('a stream whose prompt has more tokens than were set aside is ended where its budget ends', async () => {
  await using it = await startTestGateway({
    plain: true,
    config: OPEN,
    simulator: { answerTokens: 400, chunkIntervalMs: 1 },
  });
  // A word is a token for the simulator: each of these two bytes is more than the estimate expects.
  const messages = [{ role: 'user', content: 'a '.repeat(200) }];
  const { key: unlimited } = await it.issue();
  const whole = await ask(it, { key: unlimited, body: { model: 'tiny', messages, max_tokens: 1 } });
  const promptTokens = tokensOf(whole.json) - 1;
  const { key } = await it.issue({ limits: { budget: { tokens: promptTokens + 60, per: 'day' } } });
  const { text } = await ask(it, { key, body: { model: 'tiny', messages, stream: true, max_tokens: 100 } });
  const tokens = text.split('\n\n').filter((event) => /"content":"[^"]/.test(event)).length;
  assert.match(text, /"code":"budget_exhausted"/);
  assert.ok(tokens >= 59 && tokens <= 61, `${tokens} tokens came`);
  const next = await ask(it, { key, body: { ...CHAT, max_tokens: 1 } });
  assert.equal(next.code, 'budget_exhausted');
});

test('with counting by upstream a prompt is set aside as /tokenize counts it, and the question says whose it is', async () => {
  await using it = await startTestGateway({
    plain: true,
    config: { limits: { ...OPEN.limits, counting: 'upstream' } },
  });
  const messages = [{ role: 'user', content: 'a '.repeat(200) }];
  const { key: unlimited } = await it.issue();
  const whole = await ask(it, { key: unlimited, body: { model: 'tiny', messages, max_tokens: 1 } });
  const exact = tokensOf(whole.json);
  // An estimate would find room for it, and the answer would be ended in its midst.
  const { key } = await it.issue({ limits: { budget: { tokens: exact + 8, per: 'day' } } });
  await ask(it, { key, body: { ...CHAT, max_tokens: 1 } });
  const refused = await ask(it, { key, body: { model: 'tiny', messages, max_tokens: 8 } });
  assert.equal(refused.code, 'budget_exhausted');
  const questions = it.simulator.received().filter(({ path }) => path === '/tokenize');
  assert.equal(questions.length, 3);
  for (const { headers } of questions) assert.match(String(new Map(headers).get('user-agent')), /^sallyport\//);
});

test('upstream is not asked to count what is refused whatever it counts', async () => {
  await using it = await startTestGateway({
    plain: true,
    config: { limits: { ...OPEN.limits, counting: 'upstream' } },
  });
  const asked = (): number => it.simulator.received().filter(({ path }) => path === '/tokenize').length;
  const one = { ...CHAT, max_tokens: 1 };
  const { key: unlimited } = await it.issue();
  const tokens = tokensOf((await ask(it, { key: unlimited, body: one })).json);
  const { key: small } = await it.issue({ limits: { budget: { tokens, per: 'month' } } });
  assert.equal((await ask(it, { key: small, body: one })).status, 200);
  assert.equal(asked(), 2);
  assert.equal((await ask(it, { key: small, body: one })).code, 'budget_exhausted');
  const { key: slow } = await it.issue({ limits: { tokensPerMinute: 100 } });
  const huge = [{ role: 'user', content: 'word '.repeat(2_000) }];
  assert.equal((await ask(it, { key: slow, body: { model: 'tiny', messages: huge } })).code, 'token_limited');
  assert.equal(asked(), 2);
});

test('a prompt that is larger than a whole limit is refused, whatever length it asks for', async () => {
  await using it = await startTestGateway({ plain: true, config: OPEN });
  const messages = [{ role: 'user', content: 'word '.repeat(20_000) }];
  for (const limits of [{ budget: { tokens: 1_000, per: 'day' } }, { tokensPerMinute: 1_000 }] as const) {
    const { key } = await it.issue({ limits });
    const { code, json, headers } = await ask(it, { key, body: { model: 'tiny', messages, max_tokens: 1 } });
    assert.equal(code, 'budget' in limits ? 'budget_exhausted' : 'token_limited');
    assert.match(String(json?.error?.['message']), /The prompt alone is larger than the whole limit/);
    assert.equal(headers['retry-after'], '3600');
  }
  assert.equal(it.simulator.received().filter(({ path }) => path === '/v1/chat/completions').length, 0);
});

test('a budget of which one request uses four fifths is one log line within seconds, though nobody asks again', async () => {
  await using it = await startTestGateway({ plain: true, workers: 2, config: OPEN });
  const { key, record } = await it.issue({ limits: { budget: { tokens: 1_000, per: 'day' } } });
  const body = { ...CHAT, messages: [{ role: 'user', content: 'a '.repeat(900) }], max_tokens: 1 };
  const used = tokensOf((await ask(it, { key, body })).json);
  assert.ok(used >= 800 && used <= 1_000, `${used} tokens`);
  const lines = (): string[] => it.log.filter((line) => line.includes('"event":"budget"'));
  for (let waitedMs = 0; lines().length === 0 && waitedMs < 10_000; waitedMs += 50) await sleep(50);
  assert.equal(lines().length, 1);
  assert.match(lines()[0] ?? '', new RegExp(`"holder":"key:${record.id}"`));
});
