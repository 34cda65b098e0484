import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteArtifacts } from '../../adapters/sqlite/artifact-store.ts';
import { openSqliteStore } from '../../adapters/sqlite/directory-store.ts';
import { openSqliteJournal } from '../../adapters/sqlite/journal-store.ts';
import { openSqliteLedger } from '../../adapters/sqlite/ledger-store.ts';
import { takeStateLock } from '../../adapters/sqlite/lock.ts';
import { StoreUnavailable, VersionConflict } from '../../directory/store.ts';
import type { FromStore, StoreStart, ToStore } from './store-messages.ts';

/** The store thread: owns the database and the lock of the state directory. */
if (parentPort === null) throw new Error('this file is started as a worker thread');
const port = parentPort;
const send = (message: FromStore): void => port.postMessage(message);
const start = workerData as StoreStart;

const LOCK_TRY_MS = 100;

/** Another process may be about to end: its lock is tried for a while. */
async function takeLock() {
  const endMs = Date.now() + start.lockWaitMs;
  for (;;) {
    const lock = takeStateLock(start.lockPath);
    if (lock !== undefined || Date.now() >= endMs) return lock;
    await new Promise((resolve) => setTimeout(resolve, LOCK_TRY_MS));
  }
}

async function main(): Promise<void> {
  const lock = await takeLock();
  if (lock === undefined) return send({ kind: 'locked' });
  const store = openSqliteStore(start.databasePath);
  const artifacts = openSqliteArtifacts(start.databasePath);
  const ledger = openSqliteLedger(start.databasePath);
  const journal = openSqliteJournal(start.databasePath);
  port.on('message', (message: ToStore) => {
    void answer(message).then(
      (value) => send({ kind: 'answer', id: message.id, value }),
      (error: unknown) => send({ kind: 'failed', id: message.id, ...failure(error) }),
    );
  });
  send({ kind: 'open' });

  async function answer(message: ToStore): Promise<unknown> {
    switch (message.kind) {
      case 'read-all':
        return store.readAll();
      case 'write':
        return store.write(message.changes, message.notes);
      case 'last-uses':
        return store.noteLastUses(message.uses);
      case 'token-uses':
        return store.noteTokenUses(message.uses);
      case 'permission-uses':
        return store.notePermissionUses(message.uses);
      case 'bans':
        return store.noteBans(message.bans, message.forgetBeforeMs);
      case 'artifacts': {
        const { name, args } = message.call;
        return (artifacts[name] as (...given: typeof args) => Promise<unknown>)(...args);
      }
      case 'ledger': {
        const { name, args } = message.call;
        return (ledger[name] as (...given: typeof args) => Promise<unknown>)(...args);
      }
      case 'journal': {
        const { name, args } = message.call;
        return (journal[name] as (...given: typeof args) => Promise<unknown>)(...args);
      }
      case 'close':
        artifacts.close();
        ledger.close();
        journal.close();
        await store.close();
        lock?.release();
        setImmediate(() => port.close());
        return undefined;
    }
  }
}

function failure(error: unknown): { code: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof VersionConflict || error instanceof StoreUnavailable) return { code: error.code, message };
  return { code: 'fault', message };
}

main().catch((error: unknown) => send({ kind: 'unusable', message: failure(error).message }));
