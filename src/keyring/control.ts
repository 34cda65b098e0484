import {
  KeyringConflict,
  type KeyringChange,
  type KeyringControl,
  type KeyringStatus,
} from '../kernel/keyring-control.ts';
import { readRootKeySource, secretPlaceOf } from '../kernel/root-key-source.ts';
import { KEY_BYTES } from './envelope.ts';
import { openKeyring, opens, rootKeyOf, type Keyring, type RootKey } from './keyring.ts';
import { findRoot, type RootKeyDeps } from './root-keys.ts';

/** What the keyring of a process works with. */
export interface ControlDeps extends RootKeyDeps {
  readonly nowMs: () => number;
}

/** The keyring of a process: one for all that seal, so that a rotation is theirs, too. */
export function createKeyringControl(deps: ControlDeps): KeyringControl {
  const { source: configured, files, store, randomBytes, nowMs } = deps;
  let ring: Keyring | undefined;

  let last: Promise<unknown> = Promise.resolve();
  /** One at a time: who looks for the root key clears away what a rotation seems to have left. */
  function alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }

  async function opened(): Promise<Keyring> {
    if (ring !== undefined) return ring;
    const root = await findRoot(deps, true);
    if (root === undefined) throw new Error('a root key was to be made');
    return (ring = await openKeyring({ root, store, randomBytes, nowMs }));
  }

  async function status(): Promise<KeyringStatus> {
    const keys = await store.list();
    let found: RootKey | undefined;
    let problem: string | undefined;
    try {
      found = await findRoot(deps, false);
      if (found !== undefined && !keys.every((key) => opens(key, found as RootKey))) {
        problem = 'a data key cannot be opened, it was changed: restore a backup';
      }
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    const current = new Set(
      new Map(keys.map(({ tenant, purpose, id }) => [JSON.stringify([tenant, purpose]), id])).values(),
    );
    return {
      source: ring?.root().source ?? (await store.root())?.source ?? configured,
      configured,
      rootId: ring?.root().rootId ?? keys.at(-1)?.rootId ?? found?.rootId,
      dataKeys: keys.map((key) => ({
        id: key.id,
        tenant: key.tenant,
        purpose: key.purpose,
        createdAtMs: key.createdAtMs,
        isCurrent: current.has(key.id),
        isOpen: ring?.opens(key) ?? (found !== undefined && opens(key, found)),
      })),
      problem,
    };
  }

  async function rotate({ root, isFresh }: KeyringChange): Promise<void> {
    if ((await store.list()).length === 0) {
      throw new KeyringConflict(
        'Nothing is encrypted yet: there is nothing to rotate. keyring.rootKey may simply be set.',
      );
    }
    const { source, rootId } = (await opened()).root();
    if (root === 'auto' || (root === undefined && source === 'auto')) return rotateOwn(source === 'auto', isFresh);
    if (root === undefined && !isFresh) {
      throw new KeyringConflict(
        `The root key comes from ${source}: give a new one with --new-root SOURCE, or ask for new data keys with --data-keys.`,
      );
    }
    const next = root === undefined ? undefined : rootKeyOf(root.bytes, root.source, root.kdf);
    if (next?.rootId === rootId)
      throw new KeyringConflict('This is the root key that is in use already: give another.');
    await (await opened()).rewrap({ root: next, isFresh });
  }

  /**
   * In two steps, so that at every moment there is a file with the root key that the store wants: the new one is written
   * beside the old one, all is wrapped by it in one transaction, then it takes the old one's place.
   */
  async function rotateOwn(wasOwn: boolean, isFresh: boolean): Promise<void> {
    // A step of the last rotation that is still to be done comes first: the file beside is about to be replaced.
    if (wasOwn) await findRoot({ ...deps, source: 'auto' }, false);
    const next = rootKeyOf(randomBytes(KEY_BYTES), 'auto');
    files.writeNext(next.bytes);
    await (await opened()).rewrap({ root: next, isFresh });
    files.promoteNext();
  }

  return {
    open: () => alone(opened),
    check: () =>
      alone(async () => {
        if ((await store.list()).length > 0) return void (await opened());
        const source = readRootKeySource(configured);
        const place = source === undefined ? undefined : secretPlaceOf(source);
        if (place === undefined) return;
        // Told now, not when the first token is asked for.
        if (source?.kind === 'passphrase') files.passphraseAt(place);
        else files.keyAt(place);
      }),
    status: () => alone(status),
    rotate: (change) =>
      alone(async () => {
        await rotate(change);
        return status();
      }),
  };
}
