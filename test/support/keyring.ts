import { randomBytes } from 'node:crypto';
import { setImmediate as tick } from 'node:timers/promises';
import type { KeyStore, RootRecord, WrappedKey } from '../../src/keyring/key-store.ts';
import { rootKeyOf, type RootKey } from '../../src/keyring/keyring.ts';
import type { RootKeyFiles } from '../../src/keyring/root-keys.ts';

/** A key store in memory, in which what happens can be looked at and disturbed. */
export interface MemoryKeyStore extends KeyStore {
  readonly keys: Map<string, WrappedKey>;
  record: RootRecord | undefined;
  /** What `put` does first; `lost`: it fails after it was written, `failed`: before. */
  nextPut: 'done' | 'lost' | 'failed';
}

/** An empty store that takes its time. */
export function memoryKeyStore(): MemoryKeyStore {
  const keys = new Map<string, WrappedKey>();
  const store: MemoryKeyStore = {
    keys,
    record: undefined,
    nextPut: 'done',
    list: async () => {
      await tick();
      return [...keys.values()].sort((a, b) => a.createdAtMs - b.createdAtMs);
    },
    root: async () => {
      await tick();
      return store.record;
    },
    async put(all, root) {
      const how = store.nextPut;
      store.nextPut = 'done';
      await tick();
      if (how === 'failed') throw new Error('the store is gone');
      for (const key of all) keys.set(key.id, key);
      store.record = root;
      await tick();
      if (how === 'lost') throw new Error('the store is gone');
    },
  };
  return store;
}

/** Files of root keys in memory. */
export interface MemoryRootKeyFiles extends RootKeyFiles {
  ownKey: Uint8Array | undefined;
  nextKey: Uint8Array | undefined;
  /** Told before and after each of the two steps of a rotation; may throw. */
  onStep: (step: string) => void;
  /** What the other sources give. */
  keyAt: RootKeyFiles['keyAt'];
  passphraseAt: RootKeyFiles['passphraseAt'];
}

/** No file yet. */
export function memoryRootKeyFiles(): MemoryRootKeyFiles {
  const step = (name: string, work: () => void): void => {
    files.onStep(`before ${name}`);
    work();
    files.onStep(`after ${name}`);
  };
  const files: MemoryRootKeyFiles = {
    ownKey: undefined,
    nextKey: undefined,
    onStep: () => undefined,
    own: () => files.ownKey,
    next: () => files.nextKey,
    writeOwn: (bytes) => void (files.ownKey = bytes),
    writeNext: (bytes) => step('writeNext', () => void (files.nextKey = bytes)),
    promoteNext: () => step('promoteNext', () => void ([files.ownKey, files.nextKey] = [files.nextKey, undefined])),
    dropNext: () => void (files.nextKey = undefined),
    keyAt: () => Buffer.alloc(32, 7),
    passphraseAt: () => 'correct horse battery staple',
  };
  return files;
}

/** A new root key. */
export const anyRoot = (): RootKey => rootKeyOf(randomBytes(32), 'auto');
