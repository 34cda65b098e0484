import { createCipheriv, createDecipheriv, hash } from 'node:crypto';
import type { SealedPlace, Sealer } from '../kernel/sealer.ts';

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

/** Keeps wrapped data keys. */
export interface DataKeyStore {
  list(): Promise<readonly WrappedKey[]>;
  put(key: WrappedKey): Promise<void>;
}

/** What a keyring works with. */
export interface KeyringDeps {
  /** 32 bytes. */
  readonly rootKey: Uint8Array;
  readonly store: DataKeyStore;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly nowMs: () => number;
}

/** The root key is not the one that the state directory was encrypted with; `message` names the way out. */
export class WrongRootKey extends Error {
  readonly code = 'wrong_root_key';
}

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Envelope encryption at rest: every tenant and purpose has a data key of its own (AES-256-GCM, NIST SP 800-38D), and the
 * root key wraps those. A value is bound to the row that it stands in, so that it cannot be moved to another one.
 *
 * @throws WrongRootKey where keys are there that the root key does not open
 */
export async function openKeyring({ rootKey, store, randomBytes, nowMs }: KeyringDeps): Promise<Sealer> {
  const rootId = rootIdOf(rootKey);
  const keys = new Map<string, Uint8Array>();
  const current = new Map<string, Promise<string>>();
  for (const wrapped of await store.list()) {
    keys.set(wrapped.id, unwrap(wrapped, rootKey, rootId));
    current.set(slotOf(wrapped), Promise.resolve(wrapped.id));
  }

  /** The data key of a tenant and purpose; made at its first use, and used only once it is kept. */
  function keyIdFor({ tenant, purpose }: SealedPlace): Promise<string> {
    const slot = slotOf({ tenant, purpose });
    let id = current.get(slot);
    if (id === undefined) {
      id = make(tenant, purpose);
      current.set(slot, id);
      id.catch(() => current.delete(slot));
    }
    return id;
  }

  async function make(tenant: string, purpose: string): Promise<string> {
    const id = Buffer.from(randomBytes(9)).toString('base64url');
    const key = randomBytes(32);
    const wrapped = encrypt(rootKey, Buffer.from(key), wrapAad(id, tenant, purpose), randomBytes);
    await store.put({ id, tenant, purpose, rootId, wrapped, createdAtMs: nowMs() });
    keys.set(id, key);
    return id;
  }

  return {
    async seal(place, plain) {
      const id = await keyIdFor(place);
      const key = keys.get(id);
      if (key === undefined) throw new Error('a data key is missing');
      return `${VERSION}.${id}.${encrypt(key, Buffer.from(plain), placeAad(place), randomBytes)}`;
    },
    async open(place, sealed) {
      const [version, id = '', text = ''] = sealed.split('.');
      const key = version === VERSION ? keys.get(id) : undefined;
      if (key === undefined) throw new Error('a sealed value names no known data key');
      return decrypt(key, text, placeAad(place)).toString();
    },
  };
}

/** Names a root key without telling it. */
export const rootIdOf = (rootKey: Uint8Array): string =>
  hash('sha256', Buffer.concat([Buffer.from('sallyport root key '), rootKey]), 'base64url').slice(0, 11);

function unwrap({ id, tenant, purpose, rootId: by, wrapped }: WrappedKey, rootKey: Uint8Array, rootId: string) {
  const wayOut = 'give the root key that this state directory was made with (keyring.rootKey), or restore a backup';
  if (by !== rootId) throw new WrongRootKey(`the root key is not the one of this state directory: ${wayOut}`);
  try {
    return decrypt(rootKey, wrapped, wrapAad(id, tenant, purpose));
  } catch {
    throw new WrongRootKey(`a data key cannot be opened, it was changed: ${wayOut}`);
  }
}

const slotOf = ({ tenant, purpose }: { readonly tenant: string; readonly purpose: string }): string =>
  JSON.stringify([tenant, purpose]);
const wrapAad = (id: string, tenant: string, purpose: string): string =>
  JSON.stringify(['data-key', id, tenant, purpose]);
const placeAad = ({ tenant, purpose, row }: SealedPlace): string => JSON.stringify(['value', tenant, purpose, row]);

function encrypt(key: Uint8Array, plain: Buffer, aad: string, randomBytes: (count: number) => Uint8Array): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

function decrypt(key: Uint8Array, text: string, aad: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('a sealed value is too short');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(aad)).setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
}
