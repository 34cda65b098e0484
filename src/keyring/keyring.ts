import type { SealedPlace, Sealer } from '../kernel/sealer.ts';
import { decrypt, encrypt, KEY_BYTES, rootIdOf } from './envelope.ts';
import type { KeyStore, RootRecord, WrappedKey } from './key-store.ts';

/** A root key with what is known of it. */
export interface RootKey extends RootRecord {
  readonly rootId: string;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

/** What a keyring works with. */
export interface KeyringDeps {
  readonly root: RootKey;
  readonly store: KeyStore;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly nowMs: () => number;
}

/** Encryption at rest, and what its keys are. */
export interface Keyring extends Sealer {
  root(): RootRecord;
  /** Whether the root key opens a data key. */
  opens(key: WrappedKey): boolean;
  /**
   * Wraps every data key anew, all at once and while values are sealed and opened.
   *
   * @param root the root key from now on; left out, it stays
   * @param isFresh makes new data keys, too, for what is sealed from now on; those of before still open
   * @throws StoreUnavailable: whether it was done is found out before anything else is written
   */
  rewrap(change: { readonly root?: RootKey | undefined; readonly isFresh: boolean }): Promise<void>;
}

/** The root key is not the one that the state directory was encrypted with; `message` names the way out. */
export class WrongRootKey extends Error {
  readonly code = 'wrong_root_key';
}

const VERSION = 'v1';
/**
 * After this a data key seals nothing new. Random nonces are safe for 2^32 values under one key (NIST SP 800-38D §8.3):
 * 1,600 a second for 30 days.
 */
const MAX_AGE_MS = 30 * 86_400_000;

/**
 * Envelope encryption at rest: every tenant and purpose has a data key of its own, and the root key wraps those. A value
 * is bound to the row that it stands in, so that it cannot be moved to another one.
 *
 * @throws WrongRootKey where keys are there that the root key does not open
 */
export async function openKeyring({ root: first, store, randomBytes, nowMs }: KeyringDeps): Promise<Keyring> {
  let root = first;
  const keys = new Map<string, Uint8Array>();
  const current = new Map<string, Promise<WrappedKey>>();
  for (const wrapped of await store.list()) {
    keys.set(wrapped.id, unwrap(wrapped, root));
    current.set(slotOf(wrapped), Promise.resolve(wrapped));
  }

  let last: Promise<unknown> = Promise.resolve();
  /** One writer at a time: a data key made during a rotation would be wrapped by a root key that is gone after it. */
  function alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }

  /** The root key that may be the one, where a write ended without an answer. */
  let doubtful: RootKey | undefined;
  async function settle(): Promise<void> {
    if (doubtful === undefined) return;
    const [one] = await store.list();
    if (one?.rootId === doubtful.rootId) root = doubtful;
    doubtful = undefined;
  }

  /** The data key of a tenant and purpose; made at its first use, and used only once it is kept. */
  async function keyFor(place: SealedPlace): Promise<WrappedKey> {
    const slot = slotOf(place);
    const found = current.get(slot);
    const kept = await found;
    if (kept !== undefined && nowMs() - kept.createdAtMs < MAX_AGE_MS) return kept;
    // Another one may have begun to make it meanwhile.
    if (current.get(slot) !== found) return keyFor(place);
    const made = alone(() => make([{ ...place, after: kept }]));
    const one = made.then(([key]) => key as WrappedKey);
    current.set(slot, one);
    one.catch(() => (kept === undefined ? current.delete(slot) : current.set(slot, Promise.resolve(kept))));
    return one;
  }

  interface Slot {
    readonly tenant: string;
    readonly purpose: string;
    /** The key whose place it takes. */
    readonly after: WrappedKey | undefined;
  }

  /** A new data key of each slot, not yet kept. */
  function fresh(slots: readonly Slot[], under: RootKey): { kept: WrappedKey; key: Uint8Array }[] {
    return slots.map(({ tenant, purpose, after }) => {
      const id = Buffer.from(randomBytes(9)).toString('base64url');
      const key = randomBytes(KEY_BYTES);
      // Later than the one before even where the clock was set back: the latest is the one that seals.
      const createdAtMs = after === undefined ? nowMs() : Math.max(nowMs(), after.createdAtMs + 1);
      return { kept: wrap({ id, tenant, purpose, createdAtMs }, key, under), key };
    });
  }

  async function make(slots: readonly Slot[]): Promise<readonly WrappedKey[]> {
    await settle();
    const made = fresh(slots, root);
    await store.put(
      made.map(({ kept }) => kept),
      recordOf(root),
    );
    for (const { kept, key } of made) keys.set(kept.id, key);
    return made.map(({ kept }) => kept);
  }

  function wrap(one: Omit<WrappedKey, 'rootId' | 'wrapped'>, key: Uint8Array, under: RootKey): WrappedKey {
    return { ...one, rootId: under.rootId, wrapped: encrypt(under.bytes, key, wrapAad(one), randomBytes) };
  }

  async function rewrap({ root: given, isFresh }: Parameters<Keyring['rewrap']>[0]): Promise<void> {
    await settle();
    const next = given ?? root;
    const before = await store.list();
    const again = before.map((one) => wrap(one, unwrap(one, root), next));
    const latest = new Map(before.map((one) => [slotOf(one), one]));
    const made = isFresh
      ? fresh(
          [...latest.values()].map((one) => ({ ...one, after: one })),
          next,
        )
      : [];
    if (next !== root) doubtful = next;
    await store.put([...again, ...made.map(({ kept }) => kept)], recordOf(next));
    [root, doubtful] = [next, undefined];
    for (const { kept, key } of made) {
      keys.set(kept.id, key);
      current.set(slotOf(kept), Promise.resolve(kept));
    }
  }

  return {
    root: () => recordOf(root),
    opens: (key) => opens(key, root),
    rewrap: (change) => alone(() => rewrap(change)),
    async seal(place, plain) {
      const { id } = await keyFor(place);
      const key = keys.get(id);
      if (key === undefined) throw new Error('a data key is missing');
      return `${VERSION}.${id}.${encrypt(key, Buffer.from(plain), placeAad(place), randomBytes)}`;
    },
    async open(place, sealed) {
      const [version, id = '', text = '', ...more] = sealed.split('.');
      const key = version === VERSION && more.length === 0 ? keys.get(id) : undefined;
      if (key === undefined) throw new Error('a sealed value names no known data key');
      return decrypt(key, text, placeAad(place)).toString();
    },
  };
}

/** Whether a root key opens a data key. */
export function opens(wrapped: WrappedKey, root: RootKey): boolean {
  try {
    unwrap(wrapped, root);
    return true;
  } catch {
    return false;
  }
}

/** A root key as it is used. */
export const rootKeyOf = (bytes: Uint8Array, source: string, kdf?: RootRecord['kdf']): RootKey => ({
  rootId: rootIdOf(bytes),
  bytes,
  source,
  kdf,
});

function unwrap(kept: WrappedKey, { rootId, bytes }: RootKey): Buffer {
  if (kept.rootId !== rootId) {
    throw new WrongRootKey(`data key ${kept.id} is not wrapped by this root key: restore a backup`);
  }
  try {
    return decrypt(bytes, kept.wrapped, wrapAad(kept));
  } catch {
    throw new WrongRootKey(`data key ${kept.id} cannot be opened, it was changed: restore a backup`);
  }
}

const recordOf = ({ rootId, source, kdf }: RootKey): RootRecord => ({ rootId, source, kdf });
const slotOf = ({ tenant, purpose }: { readonly tenant: string; readonly purpose: string }): string =>
  JSON.stringify([tenant, purpose]);
/** Binds a data key to its id, tenant and purpose: one that is moved to another slot does not open. */
const wrapAad = ({ id, tenant, purpose }: Pick<WrappedKey, 'id' | 'tenant' | 'purpose'>): string =>
  JSON.stringify(['data-key', id, tenant, purpose]);
const placeAad = ({ tenant, purpose, row }: SealedPlace): string => JSON.stringify(['value', tenant, purpose, row]);
