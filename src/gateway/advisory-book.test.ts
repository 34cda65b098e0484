import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Advisory } from '../vllm/advisories/advisory.ts';
import { knownAdvisories } from '../vllm/advisories/index.ts';
import { openAdvisoryBook } from './advisory-book.ts';
import { openStateDir } from '../adapters/files/state-dir.ts';

const hole: Advisory = {
  id: 'CVE-2030-1',
  aliases: [],
  summary: 'A hole.',
  severity: 'high',
  affected: [{ fixed: '9.9.9' }],
  reach: 'detects',
};

test('imported advisories stay after a restart, beside those that the product comes with', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
  try {
    const stateDir = openStateDir(dir);
    openAdvisoryBook(stateDir).add([hole]);
    openAdvisoryBook(stateDir).add([{ ...hole, summary: 'The same hole.' }]);
    const list = openAdvisoryBook(stateDir).list();
    assert.equal(list.length, knownAdvisories.length + 1);
    assert.equal(list.at(-1)?.summary, 'The same hole.');
    assert.equal(statSync(join(dir, 'advisories.json')).mode & 0o777, 0o600);
    assert.match(readFileSync(join(dir, 'advisories.json'), 'utf8'), /sallyport-advisories\/1/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a file that cannot be read leaves the list that the product comes with', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
  try {
    const stateDir = openStateDir(dir);
    for (const text of ['', '{', '[]', '{"format":"other/1","advisories":[]}']) {
      writeFileSync(join(dir, 'advisories.json'), text);
      assert.equal(openAdvisoryBook(stateDir).list().length, knownAdvisories.length);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
