import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestGateway } from '../support/gateway.ts';
import { ask, CHAT } from '../support/http.ts';

const OPEN = {
  limits: { default: { requestsPerMinute: 'none', concurrency: 'none' }, perIp: { requestsPerMinute: 'none' } },
};

test('of any number of simultaneous requests exactly N a minute pass, over all workers', async () => {
  await using it = await startTestGateway({ workers: 2, plain: true, config: OPEN });
  const { key } = await it.issue({ limits: { requestsPerMinute: 7, concurrency: undefined } });
  const answers = await Promise.all(Array.from({ length: 40 }, () => ask(it, { key })));
  assert.equal(answers.filter(({ status }) => status === 200).length, 7);
  const refused = answers.filter(({ status }) => status === 429);
  assert.equal(refused.length, 33);
  for (const { code, headers } of refused) {
    assert.equal(code, 'rate_limited');
    assert.equal(headers['retry-after'], '9');
    assert.match(String(headers['ratelimit-policy']), /"requests";q=7;w=60/);
  }
  const passed = answers.find(({ status }) => status === 200);
  assert.equal(passed?.headers['x-ratelimit-limit-requests'], '7');
  assert.equal(passed?.headers['anthropic-ratelimit-requests-limit'], undefined);
  assert.equal(it.simulator.received().filter(({ path }) => path === '/v1/chat/completions').length, 7);

  const { key: other } = await it.issue({ limits: { requestsPerMinute: 7, concurrency: undefined } });
  const { headers } = await ask(it, { key: other, path: '/v1/messages' });
  assert.equal(headers['anthropic-ratelimit-requests-limit'], '7');
  assert.equal(headers['anthropic-ratelimit-requests-remaining'], '6');
  const resetS = (Date.parse(String(headers['anthropic-ratelimit-requests-reset'])) - Date.now()) / 1000;
  assert.ok(resetS > 0 && resetS < 60 / 7 + 1, String(resetS));
});

test('a caller at its concurrency is refused at once, and let in again when a request has ended', async () => {
  await using it = await startTestGateway({ workers: 2, plain: true, config: OPEN });
  const { key } = await it.issue({ limits: { requestsPerMinute: undefined, concurrency: 2 } });
  it.simulator.misbehave({ kind: 'hang-stream', times: 2 });
  const controllers = [new AbortController(), new AbortController()];
  const started = controllers.map(
    (controller) =>
      new Promise<void>((resolve) => {
        ask(it, { key, body: { ...CHAT, stream: true }, signal: controller.signal, onData: () => resolve() }).catch(
          () => undefined,
        );
      }),
  );
  await Promise.all(started);
  const third = await ask(it, { key });
  assert.equal(third.code, 'concurrency_limited');
  assert.equal(third.headers['retry-after'], '1');
  for (const controller of controllers) controller.abort();
  let next = await ask(it, { key });
  while (next.status === 429) next = await ask(it, { key });
  assert.equal(next.status, 200);
});

test('an address over its rate is refused before its credential is looked at', async () => {
  await using it = await startTestGateway({ plain: true, config: { limits: { perIp: { requestsPerMinute: 3 } } } });
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(await ask(it));
  assert.deepEqual(
    answers.map(({ code }) => code),
    ['missing_credential', 'missing_credential', 'missing_credential', 'rate_limited'],
  );
  assert.equal((await ask(it, { method: 'GET', path: '/healthz' })).status, 200);
});

test('an address with too many invalid credentials gets 429 for further ones, and a valid one still passes', async () => {
  await using it = await startTestGateway({ plain: true, config: { limits: { perIp: { failuresPerMinute: 2 } } } });
  const { key } = await it.issue();
  const codes = [];
  for (let i = 0; i < 4; i++) codes.push((await ask(it, { key: 'nonsense' })).code);
  codes.push((await ask(it)).code);
  assert.deepEqual(codes, [
    'invalid_credential',
    'invalid_credential',
    'too_many_failures',
    'too_many_failures',
    'missing_credential',
  ]);
  assert.equal((await ask(it, { key })).status, 200);
  assert.equal((await ask(it, { key: 'nonsense' })).headers['x-should-retry'], 'false');
});

test('connections of an address above its limit are closed at once, and the next one after an end is not', async () => {
  await using it = await startTestGateway({
    plain: true,
    workers: 2,
    config: { limits: { perIp: { connections: 2 } } },
  });
  const { key } = await it.issue();
  it.simulator.misbehave({ kind: 'hang-stream', times: 2 });
  const controllers = [new AbortController(), new AbortController()];
  await Promise.all(
    controllers.map(
      (controller) =>
        new Promise<void>((resolve) => {
          ask(it, { key, body: { ...CHAT, stream: true }, signal: controller.signal, onData: () => resolve() }).catch(
            () => undefined,
          );
        }),
    ),
  );
  await assert.rejects(ask(it, { key }), /ECONNRESET|socket hang up/);
  controllers[0]?.abort();
  for (;;) {
    const answer = await ask(it, { key }).catch(() => undefined);
    if (answer === undefined) continue;
    assert.equal(answer.status, 200);
    break;
  }
  controllers[1]?.abort();
});

test('bodies beyond the memory set aside for them are refused with 503 overloaded', async () => {
  await using it = await startTestGateway({
    plain: true,
    config: { ...OPEN, listen: { maxBufferedBytes: '64KiB' }, validation: { maxBodyBytes: '64KiB' } },
  });
  const { key } = await it.issue();
  it.simulator.misbehave({ kind: 'hang' });
  const big = { ...CHAT, messages: [{ role: 'user', content: 'x'.repeat(40 * 1024) }] };
  const controller = new AbortController();
  const first = ask(it, { key, body: big, signal: controller.signal }).catch(() => undefined);
  while (it.simulator.running() === 0) await new Promise((resolve) => setImmediate(resolve));
  const second = await ask(it, { key, body: big });
  assert.equal(second.code, 'overloaded');
  assert.equal(second.status, 503);
  controller.abort();
  await first;
  let third = await ask(it, { key, body: big });
  while (third.status === 503) third = await ask(it, { key, body: big });
  assert.equal(third.code, 'context_length_exceeded', 'it was let in, and upstream judged it');
});
