import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, type Ask } from '../support/http.ts';
import { startTestIssuer } from '../support/issuer.ts';

/** From where tenants, keys and administrators may come. */
const AUDIENCE = 'https://llm.example.org';
const listen = { trustedProxies: ['127.0.0.1'], publicUrl: AUDIENCE };

const from = (it: TestGateway, address: string, question: Ask = {}) =>
  ask(it, { ...question, headers: { 'x-forwarded-for': address } });

async function code(it: TestGateway, address: string, key: string): Promise<string | number> {
  const { status, code: said } = await from(it, address, { key });
  return said ?? status;
}

test('a key is good where its lists and those of its tenant let it, from the next request on', async () => {
  await using it = await startTestGateway({ plain: true, workers: 2, config: { listen } });
  const run = async (line: string) => {
    const { exit, err } = await sallyport(it.stateDir, line);
    assert.equal(exit, 0, err);
  };
  await run('tenants create acme --allow-ip 192.0.2.0/24 198.51.100.0/24');
  const made = await sallyport(it.stateDir, 'keys create --name k --tenant acme --deny-ip 192.0.2.66 --json');
  const { key, denyIp } = JSON.parse(made.out) as { key: string; denyIp: string[] };
  assert.deepEqual(denyIp, ['192.0.2.66/32']);
  for (const [address, said] of [
    ['192.0.2.7', 200],
    ['192.0.2.66', 'ip_denied'],
    ['198.51.100.7', 200],
    ['203.0.113.7', 'ip_denied'],
  ] as const) {
    assert.equal(await code(it, address, key), said, address);
  }
  // Said to nobody whose credential is not good.
  assert.equal(await code(it, '203.0.113.7', `${key.slice(0, -1)}x`), 'invalid_credential');
  await run('tenants edit acme --deny-ip 198.51.100.0/24');
  assert.deepEqual([await code(it, '198.51.100.7', key), await code(it, '192.0.2.7', key)], ['ip_denied', 200]);
  await run('tenants edit acme --allow-ip none');
  assert.deepEqual([await code(it, '203.0.113.7', key), await code(it, '198.51.100.7', key)], [200, 'ip_denied']);
  const shown = await sallyport(it.stateDir, 'tenants show acme');
  assert.match(shown.out, /allowed from +everywhere\ndenied from +198\.51\.100\.0\/24\n/);
});

test("an access token is good where its tenant's lists let it", async () => {
  await using issuer = await startTestIssuer(() => AUDIENCE);
  const authentication = { issuers: [{ issuer: issuer.url }] };
  await using it = await startTestGateway({ plain: true, config: { listen, authentication } });
  const made = await sallyport(it.stateDir, 'tenants create acme --allow-ip 192.0.2.0/24 --deny-ip 192.0.2.66');
  assert.equal(made.exit, 0, made.err);
  const token = issuer.token({ tenant: 'acme' });
  assert.deepEqual(
    [await code(it, '192.0.2.7', token), await code(it, '192.0.2.66', token), await code(it, '203.0.113.7', token)],
    [200, 'ip_denied', 'ip_denied'],
  );
  assert.equal(await code(it, '203.0.113.7', issuer.token({})), 200);
});

test('the lists of the configuration hold on the admin listener, and not on its socket', async () => {
  await using it = await startTestGateway({ plain: true, config: { network: { deny: ['127.0.0.1'] } } });
  const { key } = await it.issue({ scopes: ['admin:read', 'metrics:read'] });
  const to = { url: it.gateway.adminUrl, ca: it.ca, port: 0 };
  for (const path of ['/api/v1/tenants', '/metrics', '/nothing']) {
    const { status, json } = await ask(to, { method: 'GET', path, key });
    assert.deepEqual([status, json?.['code']], [403, 'ip_denied'], path);
  }
  assert.equal((await sallyport(it.stateDir, 'tenants list')).exit, 0);
});

test('explain tells that a key may not be used from an address', async () => {
  await using it = await startTestGateway({ plain: true });
  const { record } = await it.issue({ allowIp: ['192.0.2.0/24'] });
  const told = async (address: string) =>
    (await sallyport(it.stateDir, `explain --key ${record.id} --method GET --path /v1/models --address ${address}`))
      .out;
  assert.match(await told('198.51.100.7'), /authenticate +deny.*ip_denied/);
  assert.doesNotMatch(await told('192.0.2.7'), /ip_denied/);
});

test('apply brings the lists of tenants and keys to what a file says, once', async () => {
  await using it = await startTestGateway({ plain: true });
  const yaml = [
    'tenants: [{ name: acme, allowIp: [10.0.0.0/8], denyIp: [10.9.0.1] }]',
    'keys: [{ name: k, tenant: acme, denyIp: ["2001:DB8::/32"] }]',
  ].join('\n');
  const file = `${it.stateDir}/access.yaml`;
  writeFileSync(file, yaml);
  const plan = async () => (await sallyport(it.stateDir, `apply -f ${file} --json`)).out;
  assert.match(await plan(), /"action": "create"/);
  assert.doesNotMatch(await plan(), /"action"/);
  writeFileSync(file, yaml.replace(', denyIp: [10.9.0.1]', ''));
  assert.match(await plan(), /"change"[^]*"denyIp"/);
  const { out } = await sallyport(it.stateDir, 'tenants show acme --json');
  assert.deepEqual((JSON.parse(out) as { denyIp: unknown }).denyIp, []);
});

for (const [line, hint] of [
  ['keys create --name k --deny-ip office', /--deny-ip: Give a network/],
  ['keys create --name k --deny-ip 10.0.0.0/8 word', /"word" is one word too many/],
  ['keys create --name k --allow-ip 10.0.0.0/8 10.0.0.1 --deny-ip 10.9.0.0/16', /Whose is 10\.0\.0\.1\?/],
  ['tenants edit default', /Say what is to change/],
  ['tenants edit nowhere --deny-ip 10.0.0.0/8', /There is no tenant "nowhere"/],
  ['tenants create', /Give one name/],
] as const)
  test(`${line} is refused with a hint`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-networks-'));
    const { exit, err } = await sallyport(dir, line);
    rmSync(dir, { recursive: true, force: true });
    assert.notEqual(exit, 0);
    assert.match(err, hint);
  });
