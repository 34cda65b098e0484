import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newStateDir } from '../../../test/support/audit-log.ts';
import { addContent, deleteContentBefore, readContent, type SealedContent } from './content-files.ts';

const NOON = Date.parse('2026-11-26T12:00:00Z');
const HOUR_MS = 3_600_000;
const contentOf = (requestId: string, timeMs = NOON): SealedContent => ({
  requestId,
  timeMs,
  parts: { prompt: Buffer.from(`sealed ${requestId}`), completion: Buffer.from([0, 255]) },
});
const folderOf = (stateDir: string): string => join(stateDir, 'audit-content', '2026-11-26');

test('what is added is found by its request and its time, and by no other', async () => {
  const stateDir = newStateDir();
  addContent(stateDir, [contentOf('a'), contentOf('b'), contentOf('c', NOON + HOUR_MS)]);
  addContent(stateDir, [contentOf('d')]);
  for (const requestId of ['a', 'b', 'd']) {
    const parts = await readContent(stateDir, { requestId, timeMs: NOON + 1 });
    assert.deepEqual(parts, contentOf(requestId).parts);
  }
  assert.equal(await readContent(stateDir, { requestId: 'c', timeMs: NOON }), undefined);
  assert.equal(await readContent(stateDir, { requestId: 'x', timeMs: NOON }), undefined);
  assert.equal(await readContent(stateDir, { requestId: 'a', timeMs: 0 }), undefined);
  assert.deepEqual(readdirSync(folderOf(stateDir)).sort(), ['12.jsonl', '13.jsonl']);
});

test('nobody else on the machine can read it', () => {
  const stateDir = newStateDir();
  addContent(stateDir, [contentOf('a')]);
  assert.equal(statSync(join(folderOf(stateDir), '12.jsonl')).mode & 0o777, 0o600);
  assert.equal(statSync(folderOf(stateDir)).mode & 0o777, 0o700);
});

test('a line that a crash has torn takes no other with it', async () => {
  const stateDir = newStateDir();
  addContent(stateDir, [contentOf('a')]);
  appendFileSync(join(folderOf(stateDir), '12.jsonl'), '{"request":"b","prompt":"c2Vh');
  addContent(stateDir, [contentOf('c')]);
  assert.ok(await readContent(stateDir, { requestId: 'a', timeMs: NOON }));
  assert.equal(await readContent(stateDir, { requestId: 'b', timeMs: NOON }), undefined);
  assert.ok(await readContent(stateDir, { requestId: 'c', timeMs: NOON }));
});

test('it is written through no link', () => {
  const stateDir = newStateDir();
  mkdirSync(folderOf(stateDir), { recursive: true });
  const elsewhere = join(stateDir, 'elsewhere');
  writeFileSync(elsewhere, '');
  symlinkSync(elsewhere, join(folderOf(stateDir), '12.jsonl'));
  assert.throws(() => addContent(stateDir, [contentOf('a')]), /ELOOP/);
});

test('an hour is deleted once all of it is old enough, and not before; a day that is empty then goes, too', () => {
  const stateDir = newStateDir();
  addContent(stateDir, [contentOf('a'), contentOf('b', NOON + HOUR_MS)]);
  writeFileSync(join(stateDir, 'audit-content', 'notes'), 'of somebody');
  const left = () => readdirSync(folderOf(stateDir)).sort();
  deleteContentBefore(stateDir, NOON + HOUR_MS - 1);
  assert.deepEqual(left(), ['12.jsonl', '13.jsonl']);
  deleteContentBefore(stateDir, NOON + HOUR_MS);
  assert.deepEqual(left(), ['13.jsonl']);
  deleteContentBefore(stateDir, NOON + 2 * HOUR_MS);
  assert.ok(!existsSync(folderOf(stateDir)));
  assert.ok(existsSync(join(stateDir, 'audit-content', 'notes')));
});

test('where there is none, nothing is deleted', () => {
  deleteContentBefore(newStateDir(), NOON);
});
