import { openRootKey } from '../adapters/files/root-key.ts';
import type { StateDir } from '../adapters/files/state-dir.ts';
import type { SigningKeyBook } from '../admin/ports.ts';
import { openKeyring, type DataKeyStore, type WrappedKey } from '../keyring/keyring.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Sealer } from '../kernel/sealer.ts';
import type { ArtifactStore } from '../oauth/artifacts.ts';
import { openSigningKeys, type SigningKeys } from '../oauth/signing-keys.ts';

/** What the keys of the authorization server are opened with. */
export interface OAuthKeysDeps {
  readonly stateDir: StateDir;
  readonly artifacts: ArtifactStore;
  readonly clock: Clock;
  readonly randomBytes: (count: number) => Uint8Array;
}

/** The keyring, and the signing keys that it protects. */
export async function openOAuthKeys({
  stateDir,
  artifacts,
  clock,
  randomBytes,
}: OAuthKeysDeps): Promise<{ readonly sealer: Sealer; readonly signingKeys: SigningKeys }> {
  const nowMs = () => clock.nowMs();
  const store = dataKeyStore(artifacts, clock);
  const sealer = await openKeyring({ rootKey: openRootKey(stateDir), store, randomBytes, nowMs });
  return { sealer, signingKeys: await openSigningKeys({ artifacts, sealer, nowMs }) };
}

/** Signing keys as the admin API shows and rotates them. @param onRotated has whoever signs work with the new ones */
export function signingKeyBook(
  open: () => Promise<{ readonly signingKeys: SigningKeys }>,
  onRotated: () => Promise<void>,
): SigningKeyBook {
  return {
    list: async () =>
      (await open()).signingKeys.list().map(({ kid, alg, use, createdAtMs, untilMs }) => ({
        kid,
        alg,
        isCurrent: use === 'current',
        createdAtMs,
        untilMs,
      })),
    async rotate(overlapMs) {
      await (await open()).signingKeys.rotate(overlapMs);
      await onRotated();
    },
  };
}

/** Data keys among the artifacts: wrapped, they need no other protection. */
function dataKeyStore(artifacts: ArtifactStore, clock: Clock): DataKeyStore {
  return {
    list: async () =>
      (await artifacts.list('DataKey', clock.nowMs())).map(({ payload }) => JSON.parse(payload) as WrappedKey),
    put: (key) =>
      artifacts.put({
        kind: 'DataKey',
        id: key.id,
        payload: JSON.stringify(key),
        grantId: undefined,
        uid: undefined,
        userCode: undefined,
        account: undefined,
        client: undefined,
        createdAtMs: key.createdAtMs,
        consumedAtMs: undefined,
        expiresAtMs: undefined,
      }),
  };
}
