import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStateDir } from '../../src/adapters/files/state-dir.ts';
import { lazyKeyring } from '../../src/gateway/keyring.ts';
import { startStore } from '../../src/gateway/threads/store-client.ts';
import type { KeyringControl } from '../../src/kernel/keyring-control.ts';

const SCRIPT = fileURLToPath(new URL('../support/rotate-and-die.ts', import.meta.url));
const placeOf = (i: number) => ({ tenant: `t${i}`, purpose: 'p', row: `${i}` });
/** Enough data keys that their writing takes a while. */
const SLOTS = 60;

/** Works with the keyring of a state directory as the next process would. */
async function withKeyring<Result>(dir: string, work: (keyring: KeyringControl) => Promise<Result>): Promise<Result> {
  const stateDir = openStateDir(dir);
  const store = await startStore({ databasePath: stateDir.database, lockPath: stateDir.lock, lockWaitMs: 3_000 });
  try {
    return await work(
      lazyKeyring({
        source: () => 'auto',
        stateDir,
        env: {},
        artifacts: store.artifacts,
        randomBytes: (count) => randomBytes(count),
        nowMs: () => Date.now(),
      }),
    );
  } finally {
    await store.close();
  }
}

for (const moment of ['after writeNext', 'during put', 'after put', 'after promoteNext'])
  test(`a process that is killed ${moment} in a rotation leaves a state that opens, and that can be rotated`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-rotate-'));
    try {
      const sealed = await withKeyring(dir, async (keyring) => {
        const sealer = await keyring.open();
        return Promise.all(Array.from({ length: SLOTS }, (_, i) => sealer.seal(placeOf(i), `value ${i}`)));
      });
      const died = spawnSync(process.execPath, [SCRIPT, dir, moment], { encoding: 'utf8', timeout: 60_000 });
      assert.equal(died.signal, 'SIGKILL', died.stderr);
      const verify = (keyring: KeyringControl) =>
        keyring.open().then(async (sealer) => {
          for (const [i, text] of sealed.entries()) assert.equal(await sealer.open(placeOf(i), text), `value ${i}`);
        });
      await withKeyring(dir, async (keyring) => {
        await keyring.check();
        await verify(keyring);
        const { problem, dataKeys } = await keyring.status();
        assert.equal(problem, undefined);
        assert.ok(dataKeys.length === SLOTS || dataKeys.length === 2 * SLOTS, `${dataKeys.length} data keys`);
        assert.ok(!existsSync(join(dir, 'keys', 'root.key.next')), 'the step that was left is done, or taken back');
      });
      await withKeyring(dir, (keyring) => keyring.rotate({ isFresh: false }));
      await withKeyring(dir, verify);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
