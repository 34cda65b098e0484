import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { sallyport } from '../support/command.ts';
import { startTestGateway } from '../support/gateway.ts';
import { ask, CHAT } from '../support/http.ts';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { startProduct } from '../support/product.ts';

interface Limits {
  readonly limits: readonly {
    readonly name: string;
    readonly used: number;
    readonly from: string;
    readonly limit: number;
  }[];
}

test('a caller sees how its own limits stand, whatever it may do otherwise, and only asks by GET', async () => {
  await using it = await startTestGateway({
    plain: true,
    config: {
      limits: {
        rules: [
          { name: 'house', per: ['tenant'], cost: '5.00/day' },
          { name: 'big', per: ['model'], requests: '5/min' },
        ],
        prices: { tiny: { input: 1_000, output: 1_000 } },
      },
    },
  });
  const { key } = await it.issue({ scopes: ['inference:chat'], limits: { budget: { tokens: 1_000, per: 'month' } } });
  const answer = await ask(it, { key });
  const tokens = Number((answer.json?.['usage'] as { total_tokens?: number } | undefined)?.total_tokens);
  const { status, json, headers } = await ask(it, { key, method: 'GET', path: '/v1/usage' });
  assert.equal(status, 200);
  assert.equal(headers['cache-control'], 'no-store');
  const limits = json?.['limits'] as {
    name: string;
    used: number;
    limit: number;
    per: string | null;
    resets_at: string | null;
  }[];
  assert.deepEqual(
    limits.map(({ name }) => name),
    ['concurrency', 'requests', 'tokens', 'budget', 'house.cost'],
  );
  assert.equal(limits.find(({ name }) => name === 'budget')?.used, tokens);
  assert.equal(limits.find(({ name }) => name === 'house.cost')?.used, (tokens * 1_000) / 1_000_000);
  assert.equal(limits.find(({ name }) => name === 'house.cost')?.limit, 5);
  assert.ok(Date.parse(String(limits.find(({ name }) => name === 'budget')?.resets_at)) > Date.now());
  const posted = await ask(it, { key, path: '/v1/usage', body: {} });
  assert.deepEqual([posted.code, posted.headers['allow']], ['method_not_allowed', 'GET']);
  assert.equal((await ask(it, { method: 'GET', path: '/v1/usage' })).code, 'missing_credential');
});

test('the operator sees every limit of a key with where it comes from, and what was used by whom', async () => {
  await using it = await startTestGateway({ workers: 2, plain: true });
  await sallyport(it.stateDir, 'tenants edit default --tpm 5000 --pool-budget-tokens 100000/month');
  await sallyport(it.stateDir, 'groups create staff --pool-rpm 70');
  const { key, record } = await it.issue({ groups: ['staff'], limits: { requestsPerMinute: 30 } });
  for (let i = 0; i < 3; i++) assert.equal((await ask(it, { key })).status, 200);
  const shown = await sallyport(it.stateDir, `limits show ${record.id} --json`);
  const { limits } = JSON.parse(shown.out) as Limits;
  assert.deepEqual(
    limits.map(({ name, from, limit }) => [name, from, limit]),
    [
      ['concurrency', 'configuration', 32],
      ['requests', 'key', 30],
      ['group.staff.requests', 'pool of the group staff', 70],
      ['tokens', 'tenant', 5000],
      ['tenant.budget', 'pool of the tenant', 100_000],
    ],
  );
  assert.equal(limits[1]?.used, 3);
  assert.match((await sallyport(it.stateDir, `limits show ${record.id}`)).out, /^NAME +FROM +LIMIT +USED/);
  assert.match((await sallyport(it.stateDir, 'limits show nobody')).err, /There is no API key with this id/);

  // Workers hand over what was used twice a second.
  let out = '';
  for (let tries = 0; tries < 50 && !out.includes('"requests": 3'); tries++) {
    await pause(100);
    ({ out } = await sallyport(it.stateDir, 'usage --by holder,model --json'));
  }
  const { items } = JSON.parse(out) as { items: { holder: string; model: string; requests: number; tenant: null }[] };
  assert.deepEqual(
    items.map(({ holder, model, requests, tenant }) => [holder, model, requests, tenant]),
    [[`key:${record.id}`, 'tiny', 3, null]],
  );
  assert.match((await sallyport(it.stateDir, `usage --key ${record.id}`)).out, /TENANT +HOLDER .*\ndefault +key:/);
  assert.match((await sallyport(it.stateDir, 'usage --from 2001-01-01 --to 2001-01-31')).out, /^Nothing was used/);
  assert.equal((await sallyport(it.stateDir, 'usage --from yesterday')).exit, 2);
});

for (const [signal, how] of [
  ['SIGTERM', 'an orderly end'],
  ['SIGKILL', 'a kill a second after it'],
] as const) {
  test(`what was used of a budget survives ${how}`, async () => {
    const simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], chunkIntervalMs: 0 });
    const stateDir = mkdtempSync(join(tmpdir(), 'sallyport-budget-'));
    const words = ['--upstream', simulator.url, '--tls', 'off', '--workers', '2'];
    const usedOf = async (id: string): Promise<number> => {
      const { limits } = JSON.parse((await sallyport(stateDir, `limits show ${id} --json`)).out) as Limits;
      return limits.find(({ name }) => name === 'budget')?.used ?? -1;
    };
    let product = await startProduct(words, stateDir);
    try {
      const made = await sallyport(stateDir, 'keys create --name a --budget-tokens 500/month --json');
      const { id, key } = JSON.parse(made.out) as { id: string; key: string };
      const to = { url: product.url.replace('https:', 'http:'), ca: undefined, port: 0 };
      let used = 0;
      for (let i = 0; i < 3; i++) {
        const { json } = await ask(to, { key, body: CHAT });
        used += Number((json?.['usage'] as { total_tokens?: number } | undefined)?.total_tokens);
      }
      // An answer is settled right after its last byte, by when its caller may have asked for more.
      for (let tries = 0; tries < 100 && (await usedOf(id)) !== used; tries++) await pause(50);
      assert.equal(await usedOf(id), used);
      // What is the promise: at most the last second is forgiven.
      if (signal === 'SIGKILL') await pause(1_500);
      await product.end(signal);
      assert.equal(await usedOf(id), used);
      product = await startProduct(words, stateDir);
      assert.equal(await usedOf(id), used);
    } finally {
      await product.end();
      await simulator.close();
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
}
