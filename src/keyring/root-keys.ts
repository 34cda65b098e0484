import { readRootKeySource, ROOT_KEY_HINT, type SecretPlace } from '../kernel/root-key-source.ts';
import { KEY_BYTES, rootIdOf } from './envelope.ts';
import type { KeyStore, RootRecord } from './key-store.ts';
import { rootKeyOf, WrongRootKey, type RootKey } from './keyring.ts';
import { deriveRootKey, newKdf } from './passphrase.ts';

/**
 * Root keys where they lie. A write is whole or not at all, whatever happens on the way.
 * All throw RootKeyUnavailable where a file is damaged, open to others or cannot be read.
 */
export interface RootKeyFiles {
  /** `keys/root.key`; undefined where there is none. */
  own(): Uint8Array | undefined;
  /** `keys/root.key.next`, the one that a rotation is about to take. */
  next(): Uint8Array | undefined;
  writeOwn(bytes: Uint8Array): void;
  writeNext(bytes: Uint8Array): void;
  /** Makes the next one the own, in one step. */
  promoteNext(): void;
  dropNext(): void;
  /** The root key at a place. */
  keyAt(place: SecretPlace): Uint8Array;
  /** The passphrase at a place. */
  passphraseAt(place: SecretPlace): string;
}

/** The source of the root key cannot be used; `message` is one line with the way out. */
export class RootKeyUnavailable extends Error {
  readonly code = 'root_key';
}

/** What a root key is found with. */
export interface RootKeyDeps {
  /** `keyring.rootKey` as it is written. */
  readonly source: string;
  readonly files: RootKeyFiles;
  readonly store: KeyStore;
  readonly randomBytes: (count: number) => Uint8Array;
}

/**
 * The root key of a state directory.
 *
 * @param isMade makes one where nothing is encrypted yet; else it is undefined then
 * @throws WrongRootKey where something is encrypted under another one
 */
export async function findRoot(deps: RootKeyDeps, isMade: boolean): Promise<RootKey | undefined> {
  const { source, store } = deps;
  const [record, keys] = [await store.root(), await store.list()];
  // All are wrapped by the same: they are written all at once.
  const wanted = keys.at(-1)?.rootId;
  const found = await rootFrom(deps, { record, wanted, isMade });
  if (found !== undefined && wanted !== undefined && found.rootId !== wanted) throw wrong(source, record);
  return found;
}

interface Known {
  readonly record: RootRecord | undefined;
  /** Id of the root key under which something is encrypted. */
  readonly wanted: string | undefined;
  readonly isMade: boolean;
}

async function rootFrom(deps: RootKeyDeps, known: Known): Promise<RootKey | undefined> {
  const { source, files } = deps;
  const read = readRootKeySource(source);
  if (read === undefined) throw new RootKeyUnavailable(`keyring.rootKey: ${ROOT_KEY_HINT}`);
  if (read.kind === 'auto') return ownRoot(deps, known);
  if (read.kind !== 'passphrase') return rootKeyOf(files.keyAt(read), source);
  return passphraseRoot(deps, files.passphraseAt(read.place), known);
}

function ownRoot({ source, files, randomBytes }: RootKeyDeps, { record, wanted, isMade }: Known): RootKey | undefined {
  const next = files.next();
  let own = files.own();
  if (next !== undefined && rootIdOf(next) === wanted) {
    // A rotation ended between its two steps: all is wrapped by the next one already.
    files.promoteNext();
    own = next;
  } else if (next !== undefined && own !== undefined && rootIdOf(own) === wanted) {
    files.dropNext(); // it ended before anything was wrapped by it
  }
  if (own !== undefined) return rootKeyOf(own, source);
  if (wanted !== undefined) {
    // A new one would open nothing, and stand where the right one is to be restored.
    if (record?.source !== source && record !== undefined) throw wrong(source, record);
    throw new WrongRootKey(
      'keys/root.key is missing in the state directory, and what is there is encrypted with it: restore it from a backup',
    );
  }
  if (!isMade) return undefined;
  const made = randomBytes(KEY_BYTES);
  files.writeOwn(made);
  return rootKeyOf(made, source);
}

async function passphraseRoot(
  { source, store, randomBytes }: RootKeyDeps,
  passphrase: string,
  { record, wanted, isMade }: Known,
): Promise<RootKey | undefined> {
  let kdf = record?.kdf;
  if (kdf === undefined) {
    if (wanted !== undefined) throw wrong(source, record);
    if (!isMade) return undefined;
    kdf = newKdf(randomBytes);
    // Kept before anything is wrapped: without the salt the passphrase would open nothing.
    await store.put([], { rootId: undefined, source, kdf });
  }
  try {
    return rootKeyOf(await deriveRootKey(passphrase, kdf), source, kdf);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RootKeyUnavailable(`${error.message}: restore the database from a backup`, { cause: error });
  }
}

function wrong(source: string, record: RootRecord | undefined): WrongRootKey {
  const is = `the root key of keyring.rootKey (${source}) is not the one that this state directory is encrypted with`;
  const wayOut =
    record === undefined || record.source === source
      ? 'give that one again, or restore a backup'
      : `that one came from ${record.source}: set keyring.rootKey to it, or restore a backup`;
  return new WrongRootKey(`${is}: ${wayOut}`);
}
