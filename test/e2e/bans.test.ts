import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OFFENCE_RULES } from '../../src/limits/bans.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, type Answer, type Ask } from '../support/http.ts';

/** Automatic bans. Everybody comes through a trusted proxy here: this machine itself is never banned. */
const listen = { trustedProxies: ['127.0.0.1'] };
const WRONG = `sp_Ab12cd_${'0'.repeat(38)}`;
const FAILURES = 3;
const limits = { perIp: { failuresPerMinute: FAILURES } };

const start = (config: Record<string, unknown> = {}, workers = 1): Promise<TestGateway> =>
  startTestGateway({ plain: true, workers, config: { listen, limits, ...config } });

const from = (it: TestGateway, address: string, question: Ask = {}): Promise<Answer> =>
  ask(it, { ...question, headers: { 'x-forwarded-for': address, ...question.headers } });

/** Wrong credentials until the one that is too many; what the next request gets. */
async function fail(it: TestGateway, address: string): Promise<Answer> {
  for (let i = 0; i < FAILURES + OFFENCE_RULES.failures.most; i++) await from(it, address, { key: WRONG });
  return from(it, address, { method: 'GET', path: '/v1/models' });
}

async function logged(it: TestGateway, part: string): Promise<string> {
  for (;;) {
    const line = it.log.find((one) => one.includes(part));
    if (line !== undefined) return line;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('an address whose wrong credentials do not end is banned: everything from it is refused, and said until when', async () => {
  await using it = await start();
  const { key } = await it.issue();
  const banned = await fail(it, '192.0.2.7');
  assert.deepEqual([banned.status, banned.code], [403, 'ip_denied']);
  const waitS = Number(banned.headers['retry-after']);
  assert.ok(waitS > 50 && waitS <= 60, String(waitS));
  const until = / until (\S+) /.exec(String(banned.json?.error?.['message']))?.[1] ?? assert.fail(banned.text);
  assert.ok(Math.abs(Date.parse(until) - Date.now() - waitS * 1000) < 3_000, until);
  for (const question of [
    { key },
    { method: 'GET', path: '/.well-known/oauth-protected-resource' },
    { method: 'OPTIONS' },
    { path: '/v1/messages', key },
  ]) {
    assert.equal((await from(it, '192.0.2.7', question)).status, 403, JSON.stringify(question.path));
  }
  assert.equal((await from(it, '192.0.2.7', { method: 'GET', path: '/healthz' })).status, 200);
  assert.equal((await from(it, '192.0.2.8', { key })).status, 200);
});

test('a ban is a line of the log and counted by its reason, never by its address', async () => {
  await using it = await start();
  await fail(it, '192.0.2.7');
  assert.match(
    await logged(it, '"event":"ban"'),
    /"address":"192\.0\.2\.7","reason":"failures","number":1,"until":"20/,
  );
  const page = it.gateway.admin.metrics();
  assert.match(page, /sallyport_bans_total\{reason="failures"\} 1\n/);
  assert.match(page, /sallyport_banned_addresses 1\n/);
  assert.doesNotMatch(page, /192\.0\.2\.7/);
});
