import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { holdChange } from '../../src/directory/quarantines.ts';
import { OFFENCE_RULES } from '../../src/limits/bans.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, type Answer, type Ask } from '../support/http.ts';
import { startProduct, type Product } from '../support/product.ts';

/** Automatic bans. Everybody comes through a trusted proxy here: this machine itself is never banned. */
const listen = { trustedProxies: ['127.0.0.1'] };
const WRONG = `sp_Ab12cd_${'0'.repeat(38)}`;
const FAILURES = 3;
const limits = { perIp: { failuresPerMinute: FAILURES } };

const start = (config: Record<string, unknown> = {}, workers = 1): Promise<TestGateway> =>
  startTestGateway({ plain: true, workers, config: { listen, limits, ...config } });

const from = (it: TestGateway, address: string, question: Ask = {}): Promise<Answer> =>
  ask(it, { ...question, headers: { 'x-forwarded-for': address, ...question.headers } });

/** As many wrong credentials as a ban takes; what the next request gets. */
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

test('one failure less than a ban takes is no ban', async () => {
  await using it = await start();
  for (let i = 1; i < FAILURES + OFFENCE_RULES.failures.most; i++) await from(it, '192.0.2.7', { key: WRONG });
  assert.equal((await from(it, '192.0.2.7', { method: 'GET', path: '/v1/models' })).code, 'missing_credential');
});

test('a ban is a line of the log and counted by its reason, never by its address', async () => {
  await using it = await start();
  await fail(it, '192.0.2.7');
  assert.match(
    await logged(it, '"event":"ban"'),
    /"address":"192\.0\.2\.7","reason":"failures","number":1,"until":"20/,
  );
  assert.match(await logged(it, '"code":"ip_denied"'), /"why":"banned: failures"/);
  const page = it.gateway.admin.metrics();
  assert.match(page, /sallyport_bans_total\{reason="failures"\} 1\n/);
  assert.match(page, /sallyport_banned_addresses 1\n/);
  assert.doesNotMatch(page, /192\.0\.2\.7/);
});

test('a ban holds on every worker, outlives one that dies, and ends on all of them when it is lifted', async () => {
  await using it = await start({}, 2);
  const { key } = await it.issue();
  const all = () => Promise.all(Array.from({ length: 20 }, () => from(it, '192.0.2.7', { key })));
  const statuses = async () => [...new Set((await all()).map(({ status }) => status))];
  await fail(it, '192.0.2.7');
  assert.deepEqual(await statuses(), [403]);
  for (const row of [0, 1]) {
    const replaced = (): number => it.log.filter((line) => line.includes('worker_replaced')).length;
    const before = replaced();
    it.gateway.testing.killWorker(row);
    while (replaced() === before || it.gateway.testing.readyWorkers() < 2) await new Promise(setImmediate);
  }
  assert.deepEqual(await statuses(), [403]);
  const listed = await sallyport(it.stateDir, 'bans list --json');
  const [ban] = JSON.parse(listed.out) as { address: string; reason: string; number: number }[];
  assert.deepEqual([ban?.address, ban?.reason, ban?.number], ['192.0.2.7', 'failures', 1]);
  assert.equal((await sallyport(it.stateDir, 'bans lift 192.0.2.7')).out, 'lifted 192.0.2.7\n');
  assert.deepEqual(await statuses(), [200]);
  const again = await sallyport(it.stateDir, 'bans lift 192.0.2.7');
  assert.deepEqual([again.exit, again.err], [1, '192.0.2.7 is not banned. See: sallyport bans list\n']);
});

test('an address with a good credential in the last minutes is slowed, not banned: its others go on', async () => {
  await using it = await start();
  const { key } = await it.issue();
  assert.equal((await from(it, '192.0.2.7', { key })).status, 200);
  for (let i = 0; i < FAILURES + 2 * OFFENCE_RULES.failures.most; i++) await from(it, '192.0.2.7', { key: WRONG });
  const slowed = await from(it, '192.0.2.7', { key: WRONG });
  assert.deepEqual([slowed.status, slowed.code], [429, 'too_many_failures']);
  assert.equal((await from(it, '192.0.2.7', { key })).status, 200);
});

test('a key in quarantine does not keep a ban from the address that shows it', async () => {
  await using it = await start();
  const { admin } = it.gateway;
  const { key, record } = await it.issue();
  await admin.commit([holdChange(admin.directory, { id: `key:${record.id}`, rule: 'operator', why: '', heldAtMs: 0 })]);
  const held = () => from(it, '192.0.2.7', { key });
  assert.equal((await held()).code, 'quarantined');
  assert.equal((await fail(it, '192.0.2.7')).code, 'ip_denied');
  assert.equal((await held()).code, 'ip_denied');
});

test('an address that looks around is banned', async () => {
  await using it = await start();
  let answer = await from(it, '192.0.2.7');
  // Two paths of a kind count once, so that it takes some more than the rule says.
  for (let i = 0; i < 60 && answer.status === 401; i++) {
    answer = await from(it, '192.0.2.7', { method: 'GET', path: `/.env.${i}` });
  }
  assert.equal(answer.code, 'ip_denied');
  assert.match(await logged(it, '"event":"ban"'), /"reason":"scan"/);
});

test('what honest clients ask for without a credential never bans them', async () => {
  await using it = await start({ listen: { ...listen, cors: { origins: ['https://app.example'] } } });
  const preflight = { origin: 'https://app.example', 'access-control-request-method': 'POST' };
  const honest: Ask[] = [
    { method: 'HEAD', path: '/' },
    { method: 'GET', path: '/api/hello' },
    { method: 'GET', path: '/favicon.ico' },
    { method: 'OPTIONS', headers: preflight },
    { method: 'OPTIONS', headers: { ...preflight, origin: 'https://other.example' } },
    { method: 'GET', path: '/health' },
    { method: 'GET', path: '/metrics' },
    { method: 'GET', path: '/.well-known/oauth-authorization-server' },
    {},
  ];
  for (let i = 0; i < 40; i++) for (const question of honest) await from(it, '192.0.2.7', question);
  assert.equal((await from(it, '192.0.2.7')).code, 'missing_credential');
});

test('this machine is never banned, and neither is a proxy for those who come through it', async () => {
  await using it = await startTestGateway({ plain: true, config: { limits } });
  for (let i = 0; i < FAILURES + 2 * OFFENCE_RULES.failures.most; i++) await ask(it, { key: WRONG });
  assert.equal((await ask(it, { key: WRONG })).code, 'too_many_failures');
  await using behind = await start();
  await fail(behind, '127.0.0.1');
  await fail(behind, 'nonsense');
  assert.equal((await ask(behind)).code, 'missing_credential');
});

test('networks that are never banned are not, and turning bans off ends them', async () => {
  const bans = { allow: ['192.0.2.0/25'] };
  await using it = await start({ network: { bans } });
  assert.equal((await fail(it, '192.0.2.7')).code, 'missing_credential');
  assert.equal((await fail(it, '192.0.2.200')).code, 'ip_denied');
  const next = loadConfig({
    env: {},
    overrides: {
      listen: { host: '127.0.0.1', port: 0, ...listen, tls: { mode: 'off' } },
      admin: { port: 0 },
      workers: 1,
      upstreams: [{ name: 'simulator', url: it.simulator.url }],
      network: { bans: { enabled: false } },
    },
  });
  assert.ok(next.ok);
  assert.deepEqual(await it.gateway.reload(next.config), []);
  assert.equal((await from(it, '192.0.2.200')).code, 'missing_credential');
});

/** Sends bytes over a connection that a proxy has opened for a client, and reads what comes. */
function sendAs({ port }: TestGateway, address: string, bytes: string): Promise<string> {
  const header = Buffer.from(`0d0a0d0a000d0a515549540a2111000c${'00'.repeat(12)}`, 'hex');
  header.set(address.split('.').map(Number), 16);
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (part: Buffer) => (text += part.toString()));
    socket.on('close', () => resolve(text));
    socket.write(header);
    socket.end(bytes, 'latin1');
  });
}

const GET = 'GET /v1/models HTTP/1.1\r\nHost: h\r\nConnection: close\r\n';

for (const { name, head, isBanned } of [
  { name: 'two lengths of one body', head: 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n', isBanned: true },
  { name: 'a coding that hides', head: 'Transfer-Encoding: xchunked\r\n', isBanned: true },
  { name: 'a folded line', head: 'X: a\r\n b\r\n', isBanned: true },
  { name: 'a line feed alone', head: 'X: a\nContent-Length: 9\r\n', isBanned: true },
  { name: 'two of a header that frames nothing', head: 'Origin: a\r\nOrigin: b\r\n', isBanned: false },
  { name: 'a wait that is no 100-continue', head: 'Expect: x\r\n', isBanned: false },
])
  test(`heads with ${name} ${isBanned ? 'ban' : 'do not ban'} who goes on sending them`, async () => {
    await using it = await start({ listen: { ...listen, proxyProtocol: 'v2' } });
    for (let i = 0; i < OFFENCE_RULES.smuggling.most; i++) {
      assert.match(await sendAs(it, '192.0.2.7', `${GET}${head}\r\n`), /^HTTP\/1\.1 (400|417|501) /);
    }
    assert.match(await sendAs(it, '192.0.2.7', `${GET}\r\n`), isBanned ? /^HTTP\/1\.1 403 / : /^HTTP\/1\.1 401 /);
    assert.match(await sendAs(it, '192.0.2.8', `${GET}\r\n`), /^HTTP\/1\.1 401 /);
  });

test('what is no HTTP, and a path in another spelling, bans nobody', async () => {
  await using it = await start({ listen: { ...listen, proxyProtocol: 'v2' } });
  for (let i = 0; i < 2 * OFFENCE_RULES.smuggling.most; i++) {
    for (const bytes of [
      '\x16\x03\x01\x02\x00\x01',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'POST //v1/chat HTTP/1.1\r\nHost: h\r\n\r\n',
    ]) {
      await sendAs(it, '192.0.2.7', bytes);
    }
  }
  assert.match(await sendAs(it, '192.0.2.7', `${GET}\r\n`), /^HTTP\/1\.1 401 /);
});

test('wrong secrets of clients at the authorization server ban, and a ban holds there, too', async () => {
  await using it = await start({ authorizationServer: { enabled: true } });
  const token = (address: string) =>
    from(it, address, {
      path: '/oauth/token',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from('c_Ab12cd34Ef56gh78:wrong').toString('base64')}`,
      },
      body: 'grant_type=client_credentials',
    });
  const statuses = [];
  for (let i = 0; i <= FAILURES + OFFENCE_RULES.failures.most; i++) statuses.push((await token('192.0.2.7')).status);
  assert.deepEqual(new Set(statuses.slice(0, FAILURES)), new Set([401]));
  assert.deepEqual(new Set(statuses.slice(FAILURES, -1)), new Set([429]));
  assert.equal(statuses.at(-1), 403);
  assert.equal((await from(it, '192.0.2.7', { method: 'GET', path: '/oauth/authorize' })).status, 403);
  assert.equal((await token('192.0.2.8')).status, 401);
});

test('bans are made, listed and lifted with a gateway and without, and hold after its end', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-bans-'));
  const words = ['--upstream', 'http://127.0.0.1:1'];
  const env = { SALLYPORT__LISTEN__TRUSTED_PROXIES__0: '127.0.0.1' };
  const status = async ({ url, caFile }: Product, address: string): Promise<number> => {
    const to = { url, port: 0, ca: readFileSync(caFile, 'utf8') };
    const headers = { 'x-forwarded-for': address };
    return (await ask(to, { method: 'GET', path: '/v1/models', headers })).status;
  };
  try {
    assert.match((await sallyport(dir, 'bans add 192.0.2.7 --for 30m')).out, /^banned 192\.0\.2\.7 until 20/);
    const first = await startProduct(words, dir, env);
    assert.deepEqual([await status(first, '192.0.2.7'), await status(first, '192.0.2.8')], [403, 401]);
    first.command('bans', 'add', '192.0.2.8');
    assert.equal(await status(first, '192.0.2.8'), 403);
    assert.equal(await first.end(), 0);

    const second = await startProduct(words, dir, env);
    assert.deepEqual([await status(second, '192.0.2.7'), await status(second, '192.0.2.8')], [403, 403]);
    second.command('bans', 'lift', '192.0.2.7');
    assert.equal(await status(second, '192.0.2.7'), 401);
    assert.equal(await second.end(), 0);

    const listed = await sallyport(dir, 'bans list');
    assert.match(listed.err, /No gateway runs/);
    assert.match(listed.out, /^ADDRESS .*\n192\.0\.2\.8 +operator +1 /);
    assert.equal((await sallyport(dir, 'bans lift 192.0.2.8')).out, 'lifted 192.0.2.8\n');
    assert.equal((await sallyport(dir, 'bans list')).out, 'No address is banned.\n');
    assert.equal((await sallyport(dir, 'bans lift office')).exit, 2);
    assert.match((await sallyport(dir, 'bans add 127.0.0.1')).err, /never banned/);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
