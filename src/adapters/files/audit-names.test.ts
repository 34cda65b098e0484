import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openNameKeys } from './audit-names.ts';

function stateDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-names-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'keys'));
  return dir;
}

test('each tenant has a key of its own, the same after a start, in a file that nobody else may read', (t) => {
  const dir = stateDir(t);
  const keys = openNameKeys(dir);
  assert.equal(keys.keyOf('acme', false), undefined);
  const acme = keys.keyOf('acme', true);
  assert.equal(acme?.length, 32);
  assert.notDeepEqual(keys.keyOf('other', true), acme);
  assert.notDeepEqual(keys.keyOf('__proto__', true), acme);
  assert.deepEqual(openNameKeys(dir).keyOf('acme', false), acme);
  assert.equal(openNameKeys(dir).keyOf('__proto__', false)?.length, 32);
  assert.equal(statSync(join(dir, 'keys', 'audit-names.json')).mode & 0o777, 0o600);
});

test('a key that was destroyed is not made again, and not in the file', (t) => {
  const dir = stateDir(t);
  const keys = openNameKeys(dir);
  keys.keyOf('acme', true);
  keys.keyOf('other', true);
  const own = (JSON.parse(readFileSync(join(dir, 'keys', 'audit-names.json'), 'utf8')) as { tenants: { acme: string } })
    .tenants.acme;
  assert.equal(keys.destroy('acme'), true);
  assert.equal(keys.destroy('acme'), false);
  assert.equal(keys.keyOf('acme', true), undefined);
  assert.equal(openNameKeys(dir).keyOf('acme', true), undefined);
  assert.ok(!readFileSync(join(dir, 'keys', 'audit-names.json'), 'utf8').includes(own));
  assert.equal(keys.keyOf('other', false)?.length, 32);
});

test('a damaged file stops the start: it is never replaced', (t) => {
  const dir = stateDir(t);
  for (const text of ['', '{', '{"root":"AAAA","tenants":{}}', 'null']) {
    writeFileSync(join(dir, 'keys', 'audit-names.json'), text, { mode: 0o600 });
    assert.throws(() => openNameKeys(dir), /audit-names\.json is damaged: restore it/);
  }
});
