import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openHmacKey, openStateDir, StateDirError } from './state-dir.ts';

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

test('the key of the digests is made once; one that is damaged, or empty, is refused and stays as it is', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
  try {
    const stateDir = openStateDir(dir);
    const file = join(dir, 'keys', 'api-keys.key');
    assert.deepEqual(openHmacKey(stateDir), openHmacKey(stateDir));
    for (const text of ['', '\n', 'AAAA']) {
      writeFileSync(file, text);
      assert.throws(() => openHmacKey(stateDir), StateDirError);
      assert.equal(readFileSync(file, 'utf8'), text);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
