import type { KeyringControl } from '../kernel/keyring-control.ts';
import type { KeyStore, RootRecord, WrappedKey } from '../keyring/key-store.ts';
import { ownArtifact, type Artifact, type ArtifactStore } from '../oauth/artifacts.ts';
import type { StateDir } from '../adapters/files/state-dir.ts';

/** What the keyring of a process is made with. */
export interface KeyringOptions {
  /** `keyring.rootKey`; asked when it is needed. */
  readonly source: () => string;
  readonly stateDir: StateDir;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly artifacts: ArtifactStore;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly nowMs: () => number;
}

/** The keyring of a process; nothing of it is loaded, and no file made, before it is needed. */
export function lazyKeyring(options: KeyringOptions): KeyringControl {
  const { source, stateDir, env, artifacts, randomBytes, nowMs } = options;
  const store = keyStore(artifacts, nowMs);
  let loaded: Promise<KeyringControl> | undefined;
  const load = (): Promise<KeyringControl> => (loaded ??= loadIt());

  async function loadIt(): Promise<KeyringControl> {
    const [{ createKeyringControl }, { openRootKeyFiles }] = await Promise.all([
      import('../keyring/control.ts'),
      import('../adapters/files/root-key.ts'),
    ]);
    return createKeyringControl({
      source: source(),
      store,
      randomBytes,
      nowMs,
      files: openRootKeyFiles(stateDir, env),
    });
  }

  return {
    open: async () => (await load()).open(),
    async check() {
      // Where nothing is encrypted and nothing was asked for, there is nothing to find out.
      if (source() !== 'auto' || (await store.list()).length > 0) await (await load()).check();
    },
    status: async () => (await load()).status(),
    rotate: async (change) => (await load()).rotate(change),
  };
}

const ROOT = 'RootKey';
const DATA = 'DataKey';

/** Data keys among the artifacts: wrapped, they need no other protection. */
export function keyStore(artifacts: ArtifactStore, nowMs: () => number): KeyStore {
  return {
    list: async () => (await artifacts.list(DATA, nowMs())).map(({ payload }) => JSON.parse(payload) as WrappedKey),
    async root() {
      const found = await artifacts.find(ROOT, ROOT);
      return found === undefined ? undefined : (JSON.parse(found.payload) as RootRecord);
    },
    put: (keys, root) =>
      artifacts.putAll([
        ...keys.map((key) => artifactOf(DATA, key.id, key, key.createdAtMs)),
        artifactOf(ROOT, ROOT, root, nowMs()),
      ]),
  };
}

const artifactOf = (kind: string, id: string, value: object, createdAtMs: number): Artifact =>
  ownArtifact({ kind, id, payload: JSON.stringify(value), createdAtMs, expiresAtMs: undefined });
