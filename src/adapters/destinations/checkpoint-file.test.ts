import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { addCheckpoint } from './checkpoint-file.ts';

test('checkpoints are added at the end, behind a mark where the end is not known', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-copy-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'checkpoints');
  addCheckpoint(file, 'one\n', false);
  addCheckpoint(file, 'two\n', true);
  addCheckpoint(file, 'three\n', false);
  assert.equal(readFileSync(file, 'utf8'), '#\none\ntwo\n#\nthree\n');
});

test('nothing is written through a link that lies in the place of the file', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-copy-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const link = join(dir, 'link');
  symlinkSync(join(dir, 'elsewhere'), link);
  assert.throws(() => addCheckpoint(link, 'one\n', false), /ELOOP/);
});
