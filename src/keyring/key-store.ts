import type { Kdf } from './passphrase.ts';

/** A data key as it is kept: encrypted under a root key. */
export interface WrappedKey {
  /** Unguessable, but no secret: it stands in everything that was sealed with the key. */
  readonly id: string;
  readonly tenant: string;
  readonly purpose: string;
  /** Which root key wraps it: a short hash of that. */
  readonly rootId: string;
  readonly wrapped: string;
  readonly createdAtMs: number;
}

/** What is known of the root key, which itself is kept elsewhere. */
export interface RootRecord {
  /** As `rootIdOf` names it; undefined while it has wrapped nothing. */
  readonly rootId: string | undefined;
  /** Where it came from, in the form of `keyring.rootKey`: says after a rotation what the configuration is to say. */
  readonly source: string;
  /** How it comes from a passphrase. */
  readonly kdf: Kdf | undefined;
}

/** Keeps wrapped data keys, and what is known of the root key. All throw StoreUnavailable. */
export interface KeyStore {
  /** All data keys, oldest first. */
  list(): Promise<readonly WrappedKey[]>;
  root(): Promise<RootRecord | undefined>;
  /** Writes all or none, and durably: a data key that is half kept would take all with it that it has sealed. */
  put(keys: readonly WrappedKey[], root: RootRecord): Promise<void>;
}
