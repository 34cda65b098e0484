import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { holdChange } from '../../src/directory/quarantines.ts';
import { auditCrashRounds } from '../support/audit-crash.ts';
import { verified } from '../support/audit-log.ts';
import { auditRecords, auditText, type AuditEvent } from '../support/audit-records.ts';
import { startTestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { sallyport } from '../support/command.ts';
import { startProduct } from '../support/product.ts';

const CANARY = `canary${randomBytes(12).toString('hex')}`;

async function stopped(it: Awaited<ReturnType<typeof startTestGateway>>): Promise<readonly AuditEvent[]> {
  await it.gateway.stop();
  const log = verified(it.stateDir);
  assert.equal(log.kind, 'whole', JSON.stringify(log));
  assert.equal(log.kind === 'whole' && log.state, 'closed');
  return auditRecords(it.stateDir);
}

for (const durability of ['batched', 'strict'] as const) {
  test(`with ${durability} every decision is in the log, which verifies, and nothing that was said or shown is`, async () => {
    await using it = await startTestGateway({ plain: true, workers: 2, config: { auditLog: { durability } } });
    const { key, record } = await it.issue();
    const body = {
      model: 'tiny',
      messages: [{ role: 'user', content: CANARY }],
      max_tokens: 3,
      metadata: undefined,
    };
    const answers = [
      await ask(it, { key, body }),
      await ask(it, { key, body: { ...body, stream: true } }),
      await ask(it, { key, body: { ...body, best_of: CANARY } }),
      await ask(it, { key, path: `/v1/models/${key}`, method: 'GET', headers: { 'user-agent': key } }),
      await ask(it, { key: `sp_${CANARY}`, body }),
      await ask(it, { body }),
      await ask(it, { key, body, headers: { 'x-api-key': 'another' } }),
    ];
    const records = await stopped(it);
    for (const { headers, status, code } of answers) {
      const own = records.filter(({ metadata }) => metadata.uid === headers['x-request-id']);
      const end = own.at(-1);
      assert.ok(end !== undefined, `${status} ${code}`);
      assert.equal(end.status_code, code ?? '200');
      const begins = own.filter(({ activity_name: name }) => name === 'Allow').length;
      assert.equal(begins, durability === 'strict' && status === 200 ? 1 : 0);
    }
    assert.equal(records.find(({ entity }) => entity?.type === 'api-keys')?.entity?.uid, record.id);
    const text = auditText(it.stateDir);
    const { text: answered = '' } = answers[0] ?? {};
    const said = /"content":"([^"]{4,})/.exec(answered)?.[1];
    assert.ok(said !== undefined, answered);
    for (const secret of [CANARY, key, key.slice(12, 30), said, createHash('sha256').update(key).digest('hex')]) {
      assert.ok(!text.includes(secret), secret);
    }
    assert.ok(!text.includes('127.0.0.1"'), 'an address stands in the clear');
  });
}

test('turned off, nothing is recorded', async () => {
  await using it = await startTestGateway({ plain: true, config: { auditLog: { enabled: false } } });
  const { key } = await it.issue();
  assert.equal((await ask(it, { key })).status, 200);
  await it.gateway.stop();
  assert.throws(() => auditRecords(it.stateDir), /ENOENT/);
});

test('who tries a key that is held or was revoked is in the log with it, and who only knows its id is not', async () => {
  await using it = await startTestGateway({ plain: true });
  const { admin } = it.gateway;
  const [held, gone] = [await it.issue(), await it.issue()];
  const id = `key:${held.record.id}`;
  await admin.commit([holdChange(admin.directory, { id, rule: 'operator', why: '', heldAtMs: 0 })]);
  const record = { ...gone.record, state: 'revoked', version: gone.record.version + 1 } as const;
  await admin.commit([{ kind: 'api-key', record, expectedVersion: gone.record.version }]);
  const wrong = `${held.key.slice(0, -7)}${held.key.at(-7) === 'a' ? 'b' : 'a'}${held.key.slice(-6)}`;
  const codes = [];
  for (const key of [held.key, gone.key, wrong]) codes.push((await ask(it, { key })).code);
  assert.deepEqual(codes, ['quarantined', 'revoked_credential', 'invalid_credential']);
  await it.gateway.stop();
  const tried = auditRecords(it.stateDir).filter(({ class_uid: kind }) => kind === 6003);
  assert.deepEqual(
    tried.map(({ status_code: code, actor, unmapped }) => [code, actor?.user?.credential_uid, unmapped?.['tenant']]),
    [
      ['quarantined', id, 'default'],
      ['revoked_credential', `key:${gone.record.id}`, 'default'],
      ['invalid_credential', undefined, undefined],
    ],
  );
});

test('with onFailure deny a command without a gateway changes nothing where its change cannot be recorded', async (t) => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sallyport-audit-'));
  t.after(() => rmSync(stateDir, { recursive: true, force: true }));
  assert.equal((await sallyport(stateDir, 'keys create --name before')).exit, 0);
  const config = join(stateDir, 'sallyport.yaml');
  writeFileSync(config, 'auditLog: { onFailure: deny }\n');
  writeFileSync(join(stateDir, 'audit-log', 'keys'), 'damaged');
  const made = await sallyport(stateDir, `keys create --name after --config ${config}`);
  assert.equal(made.exit, 1);
  assert.match(made.err, /audit log cannot be written, and auditLog\.onFailure is deny: nothing was changed/);
  assert.doesNotMatch((await sallyport(stateDir, 'keys list')).out, /after/);
  assert.equal((await sallyport(stateDir, 'keys create --name unrecorded')).exit, 0, 'continue goes on');
});

test('a worker that ends before its time leaves a gap that says how many requests have no record', async () => {
  await using it = await startTestGateway({ plain: true, config: { auditLog: { flush: '10s' } } });
  const { key } = await it.issue();
  assert.equal((await ask(it, { key })).status, 200);
  it.simulator.misbehave({ kind: 'hang', times: 2 });
  const lost = [1, 2].map(() => ask(it, { key }).catch(() => undefined));
  while (it.simulator.running() < 2) await new Promise((resolve) => setImmediate(resolve));
  it.gateway.testing.killWorker(0);
  await Promise.all(lost);
  while (!it.log.some((line) => line.includes('worker_replaced')))
    await new Promise((resolve) => setImmediate(resolve));
  await it.gateway.stop();
  const gap = auditRecords(it.stateDir).find(({ activity_name: name }) => name === 'gap');
  assert.deepEqual(gap?.unmapped, { reason: 'worker-ended', worker: 0, lost: 1, running: 2 });
});

test('after kill -9 under load the log verifies, and with strict nothing that was answered is missing', async () => {
  const { answered, missing } = await auditCrashRounds(2, 'strict', Math.random);
  assert.ok(answered > 60, String(answered));
  assert.equal(missing, 0);
});

test('the log of a product that ends in an orderly way is closed, start and stop are in it', async (t) => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sallyport-audit-'));
  t.after(() => rmSync(stateDir, { recursive: true, force: true }));
  const product = await startProduct(['--upstream', 'http://127.0.0.1:9', '--workers', '1'], stateDir);
  product.command('keys', 'create', '--name', 'a');
  assert.equal(await product.end(), 0);
  const log = verified(stateDir);
  assert.equal(log.kind === 'whole' && log.state, 'closed');
  assert.deepEqual(
    auditRecords(stateDir).map(({ activity_name: name }) => name),
    ['open', 'start', 'advisory', 'create', 'stop', 'close'],
  );
});

test('what a command changes while no gateway runs is in the log as well, and nothing that only looks', async (t) => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sallyport-audit-'));
  t.after(() => rmSync(stateDir, { recursive: true, force: true }));
  const { out } = await sallyport(stateDir, 'keys create --name a --json');
  const { id } = JSON.parse(out) as { id: string };
  await sallyport(stateDir, `keys revoke ${id}`);
  await sallyport(stateDir, 'keys list');
  const log = verified(stateDir);
  assert.equal(log.kind, 'whole', JSON.stringify(log));
  const changes = auditRecords(stateDir).filter(({ entity }) => entity !== undefined);
  assert.deepEqual(
    changes.map(({ activity_name: name, entity, actor }) => [name, entity?.type, actor?.user?.uid]),
    [
      ['create', 'tenants', 'gateway'],
      ['create', 'api-keys', 'command'],
      ['revoke', 'api-keys', 'command'],
    ],
  );
});
