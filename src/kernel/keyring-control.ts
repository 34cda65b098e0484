import type { Sealer } from './sealer.ts';

/** A data key for people. */
export interface DataKeyView {
  readonly id: string;
  /** Empty: of all tenants together. */
  readonly tenant: string;
  readonly purpose: string;
  readonly createdAtMs: number;
  /** Seals what is new; the others only open what they have sealed. */
  readonly isCurrent: boolean;
  /** The root key opens it. */
  readonly isOpen: boolean;
}

/** How it stands with encryption at rest. */
export interface KeyringStatus {
  /** Where the root key in use came from, in the form of `keyring.rootKey`. */
  readonly source: string;
  /** What the configuration says. */
  readonly configured: string;
  /** A short hash of the root key; undefined while there is none. */
  readonly rootId: string | undefined;
  readonly dataKeys: readonly DataKeyView[];
  /** What the next start would be refused with; undefined: it will open. */
  readonly problem: string | undefined;
}

/** A root key that an operator gives. */
export interface GivenRootKey {
  /** Where it lies, in the form of `keyring.rootKey`. */
  readonly source: string;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
  /** How it came from a passphrase. */
  readonly kdf:
    | { readonly salt: string; readonly memoryKiB: number; readonly passes: number; readonly lanes: number }
    | undefined;
}

/** What a rotation is to do. */
export interface KeyringChange {
  /** The root key from now on; `auto`: a new `keys/root.key`. Left out, a new one of the same kind where that can be. */
  readonly root?: GivenRootKey | 'auto' | undefined;
  /** Makes new data keys, too. */
  readonly isFresh: boolean;
}

/** A rotation that cannot be; `message` says why and what to do. Nothing was changed. */
export class KeyringConflict extends Error {
  readonly code = 'keyring_conflict';
}

/** Encryption at rest as the process has it: opened when it is first needed. */
export interface KeyringControl {
  /** What encrypts; makes the root key where nothing is encrypted yet. @throws WrongRootKey, RootKeyUnavailable */
  open(): Promise<Sealer>;
  /** Finds out at the start whether what is encrypted will open, and whether the configured source is there. @throws like `open` */
  check(): Promise<void>;
  /** Changes nothing. */
  status(): Promise<KeyringStatus>;
  /** @throws KeyringConflict, and like `open` */
  rotate(change: KeyringChange): Promise<KeyringStatus>;
}
