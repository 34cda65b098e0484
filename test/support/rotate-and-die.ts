import { randomBytes } from 'node:crypto';
import { openRootKeyFiles } from '../../src/adapters/files/root-key.ts';
import { openStateDir } from '../../src/adapters/files/state-dir.ts';
import { keyStore } from '../../src/gateway/keyring.ts';
import { startStore } from '../../src/gateway/threads/store-client.ts';
import { createKeyringControl } from '../../src/keyring/control.ts';

/** Rotates the root key of a state directory, and is killed at a moment: `node rotate-and-die.ts DIR "before put"`. */
const [path = '', moment = ''] = process.argv.slice(2);
const die = (at: string): void => {
  if (at === moment) process.kill(process.pid, 'SIGKILL');
};
const step = <Result>(name: string, work: () => Result): Result => {
  die(`before ${name}`);
  const result = work();
  // A write that the store thread has begun, and not yet answered.
  if (result instanceof Promise) setImmediate(() => die(`during ${name}`));
  else die(`after ${name}`);
  return result;
};

const stateDir = openStateDir(path);
const store = await startStore({ databasePath: stateDir.database, lockPath: stateDir.lock, lockWaitMs: 3_000 });
const nowMs = () => Date.now();
const keys = keyStore(store.artifacts, nowMs);
const files = openRootKeyFiles(stateDir, {});
const control = createKeyringControl({
  source: 'auto',
  store: {
    ...keys,
    put: async (...args) => {
      await step('put', () => keys.put(...args));
      die('after put');
    },
  },
  files: {
    ...files,
    writeNext: (bytes) => step('writeNext', () => files.writeNext(bytes)),
    promoteNext: () => step('promoteNext', () => files.promoteNext()),
  },
  randomBytes: (count) => randomBytes(count),
  nowMs,
});
await control.rotate({ isFresh: true });
process.stdout.write('rotated\n');
await store.close();
