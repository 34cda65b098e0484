import { Worker } from 'node:worker_threads';
import type { LastUse } from '../../directory/records.ts';
import { StoreUnavailable, VersionConflict, type Directory, type DirectoryStore } from '../../directory/store.ts';
import type { JournalStore, KeptJournal } from '../../limits/journal.ts';
import type { KeptBudget, LedgerStore, UsageRow } from '../../limits/ledger.ts';
import type { Artifact, ArtifactStore } from '../../oauth/artifacts.ts';
import type { ArtifactCall, FromStore, JournalCall, LedgerCall, StoreStart, ToStore } from './store-messages.ts';

/** Another process works on the state directory. */
export class StateLocked extends Error {
  readonly code = 'state_locked';
}

const LOCKED = 'another process works on this state directory: end it, use its admin.sock, or give another --state-dir';

type Ask = ToStore extends infer M ? (M extends { id: number } ? Omit<M, 'id'> : never) : never;

/** What the store thread keeps. */
export interface Store extends DirectoryStore {
  readonly artifacts: ArtifactStore;
  readonly ledger: LedgerStore;
  readonly journal: JournalStore;
}

/**
 * Starts the store thread and speaks the store's port with it.
 *
 * @throws StateLocked where another process holds the state directory
 * @throws StoreUnavailable where the database cannot be opened
 */
export async function startStore(start: StoreStart): Promise<Store> {
  const worker = new Worker(new URL('./store.ts', import.meta.url), { workerData: start, name: 'store' });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let nextId = 1;
  let ended: StoreUnavailable | undefined;

  const opened = new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromStore) => {
      switch (message.kind) {
        case 'open':
          return resolve();
        case 'locked':
          return reject(new StateLocked(LOCKED));
        case 'unusable':
          return reject(new StoreUnavailable(message.message));
        case 'answer':
          waiting.get(message.id)?.resolve(message.value);
          return void waiting.delete(message.id);
        case 'failed':
          waiting.get(message.id)?.reject(errorOf(message.code, message.message));
          return void waiting.delete(message.id);
      }
    });
    worker.on('error', (error) => end(error instanceof Error ? error.message : String(error)));
    worker.on('exit', () => end('the store thread has ended'));
    function end(why: string): void {
      ended ??= new StoreUnavailable(why);
      reject(ended);
      for (const { reject: fail } of waiting.values()) fail(ended);
      waiting.clear();
    }
  });

  const ask = (message: Ask): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended);
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ ...message, id });
    });

  const artifact = async (call: ArtifactCall) => ask({ kind: 'artifacts', call });
  const entry = async (call: LedgerCall) => ask({ kind: 'ledger', call });
  const page = async (call: JournalCall) => ask({ kind: 'journal', call });

  try {
    await opened;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  return {
    readAll: async () => (await ask({ kind: 'read-all' })) as Directory,
    write: async (changes, notes = []) => void (await ask({ kind: 'write', changes, notes })),
    noteLastUses: async (uses: readonly LastUse[]) => void (await ask({ kind: 'last-uses', uses })),
    notePermissionUses: async (uses) => void (await ask({ kind: 'permission-uses', uses })),
    noteTokenUses: async (uses) => void (await ask({ kind: 'token-uses', uses })),
    noteBans: async (bans, forgetBeforeMs) => void (await ask({ kind: 'bans', bans, forgetBeforeMs })),
    artifacts: {
      put: async (...args) => void (await artifact({ name: 'put', args })),
      putAll: async (...args) => void (await artifact({ name: 'putAll', args })),
      putNew: async (...args) => (await artifact({ name: 'putNew', args })) as boolean,
      find: async (...args) => (await artifact({ name: 'find', args })) as Artifact | undefined,
      findBy: async (...args) => (await artifact({ name: 'findBy', args })) as Artifact | undefined,
      consume: async (...args) => (await artifact({ name: 'consume', args })) as boolean,
      remove: async (...args) => void (await artifact({ name: 'remove', args })),
      removeGrant: async (...args) => void (await artifact({ name: 'removeGrant', args })),
      endSession: async (...args) => void (await artifact({ name: 'endSession', args })),
      removeAccount: async (...args) => void (await artifact({ name: 'removeAccount', args })),
      list: async (...args) => (await artifact({ name: 'list', args })) as Artifact[],
      sweep: async (...args) => void (await artifact({ name: 'sweep', args })),
    },
    ledger: {
      readBudgets: async (...args) => (await entry({ name: 'readBudgets', args })) as KeptBudget[],
      writeBudgets: async (...args) => void (await entry({ name: 'writeBudgets', args })),
      addUsage: async (...args) => void (await entry({ name: 'addUsage', args })),
      readUsage: async (...args) => (await entry({ name: 'readUsage', args })) as UsageRow[],
    },
    journal: {
      readJournal: async (...args) => (await page({ name: 'readJournal', args })) as KeptJournal,
      writeJournal: async (...args) => void (await page({ name: 'writeJournal', args })),
    },
    async close() {
      if (ended !== undefined) return;
      await ask({ kind: 'close' });
      await worker.terminate();
    },
  };
}

function errorOf(code: string, message: string): Error {
  if (code === 'version_conflict') return new VersionConflict(message);
  return new StoreUnavailable(message);
}
