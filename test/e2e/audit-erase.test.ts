import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openNameKeys } from '../../src/adapters/files/audit-names.ts';
import { searchAuditLog } from '../../src/gateway/audit-search.ts';
import { wholeOf } from '../support/audit-log.ts';
import { auditRecords, auditText } from '../support/audit-records.ts';
import { sallyport } from '../support/command.ts';
import { startProduct } from '../support/product.ts';

function newDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-erase-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Whether the address of the caller stands in the clear in what a search shows. */
const isShown = (stateDir: string): boolean =>
  searchAuditLog(stateDir, { limit: 500 }).records.some((record) => record.includes('"127.0.0.1"'));

test('once its key is erased from the running gateway nobody reads the names of a tenant, before or after; the log holds', async (t) => {
  const stateDir = newDir(t);
  const product = await startProduct(['--upstream', 'http://127.0.0.1:9', '--workers', '1', '--tls', 'off'], stateDir);
  t.after(() => product.child.kill('SIGKILL'));
  const { key } = JSON.parse(product.command('keys', 'create', '--name', 'a', '--json')) as { key: string };
  const ask = () =>
    fetch(`${product.url.replace('https:', 'http:')}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal((await ask()).status, 200);
  while (!isShown(stateDir)) assert.equal((await ask()).status, 200);
  const secret = openNameKeys(stateDir).keyOf('default', false);
  assert.ok(secret);
  const own = /"default": "([^"]+)"/.exec(readFileSync(join(stateDir, 'keys', 'audit-names.json'), 'utf8'))?.[1];
  assert.ok(own);

  assert.throws(() => product.command('audit-log', 'erase', '--tenant', 'default'), /cannot be taken back/);
  assert.ok(isShown(stateDir));
  assert.match(product.command('audit-log', 'erase', '--tenant', 'default', '--yes'), /any more/);
  assert.ok(!isShown(stateDir));
  assert.ok(!readFileSync(join(stateDir, 'keys', 'audit-names.json'), 'utf8').includes(own));
  assert.throws(() => product.command('audit-log', 'erase', '--tenant', 'default', '--yes'), /ended with 1/);
  assert.throws(() => product.command('audit-log', 'erase', '--tenant', 'nobody', '--yes'), /ended with 1/);

  assert.equal((await ask()).status, 200);
  assert.equal(await product.end(), 0);
  assert.ok(!isShown(stateDir));
  assert.match(auditText(stateDir), /"n1\.erased"/);
  const erasures = auditRecords(stateDir).filter(({ activity_name: name }) => name === 'erase');
  assert.deepEqual(
    erasures.map(({ entity }) => entity?.uid),
    ['default'],
  );
  wholeOf(stateDir);
});

test('without a gateway it is erased and recorded, too', async (t) => {
  const stateDir = newDir(t);
  await sallyport(stateDir, 'keys create --name a --json');
  openNameKeys(stateDir).keyOf('default', true);
  const refused = await sallyport(stateDir, 'audit-log erase --tenant default');
  assert.equal(refused.exit, 2);
  const { exit } = await sallyport(stateDir, 'audit-log erase --tenant default --yes');
  assert.equal(exit, 0);
  assert.equal(openNameKeys(stateDir).keyOf('default', true), undefined);
  assert.ok(auditRecords(stateDir).some(({ activity_name: name }) => name === 'erase'));
  wholeOf(stateDir);
});
