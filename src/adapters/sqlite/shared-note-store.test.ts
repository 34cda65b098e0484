import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { StoreUnavailable } from '../../directory/store.ts';
import { openSqliteStore } from './directory-store.ts';
import { openSqliteSharedNotes } from './shared-note-store.ts';

test('what was noted is found by the next process, the last of each, and where one cannot be written none is', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-notes-'));
  const path = join(dir, 'sallyport.db');
  const store = openSqliteStore(path);
  try {
    const first = openSqliteSharedNotes(path);
    await first.writeNotes([
      ['key:a', { recordVersion: 1, version: 1_800_000_000_000 }],
      ['key:b', { recordVersion: 3, version: 0 }],
    ]);
    await first.writeNotes([['key:a', { recordVersion: 2, version: 1_800_000_000_001 }]]);
    const bad = first.writeNotes([
      ['key:b', { recordVersion: 4, version: 9 }],
      ['key:c', { recordVersion: 1, version: Number.NaN }],
    ]);
    await assert.rejects(bad, StoreUnavailable);
    first.close();
    const second = openSqliteSharedNotes(path);
    assert.deepEqual(await second.readNotes(), [
      ['key:a', { recordVersion: 2, version: 1_800_000_000_001 }],
      ['key:b', { recordVersion: 3, version: 0 }],
    ]);
    second.close();
  } finally {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
