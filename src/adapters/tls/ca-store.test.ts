import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openSelfSigned } from './ca-store.ts';
import { LEAF_LIFE_MS } from './renewal.ts';
import { CA_LIFE_MS, createCa } from './self-signed.ts';

const NOW_MS = Date.now();
const NAMES = ['127.0.0.1', '::1', 'localhost'];
const DAY_MS = 86_400_000;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const modeOf = (name: string): number => statSync(join(dir, name)).mode & 0o777;
const textOf = (name: string): string => readFileSync(join(dir, name), 'utf8');

test('the first start makes a CA and a leaf, with the public part readable and the rest private', async () => {
  const { material, caFile, isNew } = await openSelfSigned(dir, NAMES, NOW_MS);
  assert.ok(isNew);
  assert.equal(caFile, join(dir, 'ca.pem'));
  assert.equal(material.caPem, textOf('ca.pem'));
  assert.ok(!textOf('ca.pem').includes('PRIVATE'));
  assert.deepEqual(
    ['ca.pem', 'keys', 'keys/ca.key', 'keys/tls.key', 'keys/tls.pem'].map(modeOf),
    [0o644, 0o700, 0o600, 0o600, 0o600],
  );
  assert.ok(new X509Certificate(material.certPem).checkIssued(new X509Certificate(textOf('ca.pem'))));
});

test('the next start uses the same leaf', async () => {
  const first = await openSelfSigned(dir, NAMES, NOW_MS);
  const second = await openSelfSigned(dir, NAMES, NOW_MS);
  assert.deepEqual(second, { ...first, isNew: false });
});

const lifeMs = LEAF_LIFE_MS + 3_600_000; // begins an hour ago
const dueMs = NOW_MS - 3_600_000 + Math.ceil((lifeMs * 2) / 3);
for (const { name, names, atMs, isNew } of [
  { name: 'before two thirds of its life', names: NAMES, atMs: dueMs - 2000, isNew: false },
  { name: 'after two thirds of its life', names: NAMES, atMs: dueMs + 1000, isNew: true },
  { name: 'after its end', names: NAMES, atMs: NOW_MS + 100 * DAY_MS, isNew: true },
  { name: 'with a name fewer', names: ['localhost'], atMs: NOW_MS, isNew: false },
  { name: 'with a new name', names: [...NAMES, 'llm.example.org'], atMs: NOW_MS, isNew: true },
  { name: 'with a new address', names: [...NAMES, '192.0.2.1'], atMs: NOW_MS, isNew: true },
])
  test(`the leaf is ${isNew ? 'renewed' : 'kept'} ${name}, and the CA kept`, async () => {
    const first = await openSelfSigned(dir, NAMES, NOW_MS);
    const second = await openSelfSigned(dir, names, atMs);
    assert.equal(second.isNew, isNew);
    assert.equal(second.material.certPem === first.material.certPem, !isNew);
    assert.equal(second.material.caPem, first.material.caPem);
  });

for (const { name, atMs, isKept } of [
  { name: 'while it outlives a new leaf', atMs: NOW_MS + CA_LIFE_MS - LEAF_LIFE_MS - 1000, isKept: true },
  { name: 'once it would not', atMs: NOW_MS + CA_LIFE_MS - LEAF_LIFE_MS + 1000, isKept: false },
])
  test(`the CA is ${isKept ? 'kept' : 'replaced'} ${name}`, async () => {
    const first = await openSelfSigned(dir, NAMES, NOW_MS);
    const second = await openSelfSigned(dir, NAMES, atMs);
    assert.equal(second.material.caPem === first.material.caPem, isKept);
    assert.equal(textOf('ca.pem'), second.material.caPem);
  });

test('a leaf that is damaged, of another key or of another CA is replaced', async () => {
  const { material } = await openSelfSigned(dir, NAMES, NOW_MS);
  const other = await createCa(NOW_MS);
  for (const [file, text] of [
    ['keys/tls.pem', 'nothing'],
    ['keys/tls.key', other.keyPem],
    ['keys/ca.key', other.keyPem + other.certPem],
  ] as const) {
    writeFileSync(join(dir, file), text);
    assert.ok((await openSelfSigned(dir, NAMES, NOW_MS)).isNew, file);
  }
  assert.notEqual(textOf('ca.pem'), material.caPem, 'ca.pem follows the CA');
});

test('a lost or changed ca.pem is written again from the CA', async () => {
  const { material } = await openSelfSigned(dir, NAMES, NOW_MS);
  writeFileSync(join(dir, 'ca.pem'), 'x');
  await openSelfSigned(dir, NAMES, NOW_MS);
  assert.equal(textOf('ca.pem'), material.caPem);
  rmSync(join(dir, 'ca.pem'));
  await openSelfSigned(dir, NAMES, NOW_MS);
  assert.equal(textOf('ca.pem'), material.caPem);
});

test('a damaged CA is not replaced behind the back of those who trust it', async () => {
  await openSelfSigned(dir, NAMES, NOW_MS);
  for (const text of ['', textOf('keys/tls.key'), textOf('keys/tls.key') + textOf('keys/tls.pem')]) {
    writeFileSync(join(dir, 'keys/ca.key'), text);
    await assert.rejects(openSelfSigned(dir, NAMES, NOW_MS), /ca\.key is damaged: restore it, or remove it/);
    assert.equal(textOf('keys/ca.key'), text);
  }
});

for (const mode of [0o640, 0o604, 0o660])
  test(`a key with mode ${mode.toString(8)} stops the start and names the way out`, async () => {
    await openSelfSigned(dir, NAMES, NOW_MS);
    for (const file of ['keys/ca.key', 'keys/tls.key']) {
      chmodSync(join(dir, file), mode);
      await assert.rejects(
        openSelfSigned(dir, NAMES, NOW_MS),
        new RegExp(`can be read by others: chmod 600 .*${file}`),
      );
      chmodSync(join(dir, file), 0o600);
    }
  });

test('what a killed process left half-written is in nobody’s way', async () => {
  await openSelfSigned(dir, NAMES, NOW_MS);
  writeFileSync(join(dir, `keys/tls.pem.${process.pid}.tmp`), 'half');
  assert.ok((await openSelfSigned(dir, [...NAMES, 'a.example'], NOW_MS)).isNew);
});
