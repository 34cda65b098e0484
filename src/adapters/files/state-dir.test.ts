import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStateDir, StateDirError } from './state-dir.ts';

test('a state directory is made with all above it, for its user alone', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
  try {
    const { path } = openStateDir(join(dir, 'a', 'b'));
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.ok(existsSync(join(path, 'keys')));
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a place where none can be made is said, and not tried for ever', { skip: !existsSync('/proc/self') }, () => {
  assert.throws(() => openStateDir('/proc/nope/state'), StateDirError);
});
