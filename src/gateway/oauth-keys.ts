import { createHmac } from 'node:crypto';
import type { AccessBook, SigningKeyBook } from '../admin/ports.ts';
import type { Clock } from '../kernel/clock.ts';
import type { KeyringControl } from '../kernel/keyring-control.ts';
import type { Sealer } from '../kernel/sealer.ts';
import type { Access } from '../oauth/access.ts';
import type { ArtifactStore } from '../oauth/artifacts.ts';
import { createDigest, type Digest } from '../oauth/digest.ts';
import { openSigningKeys, type SigningKeys } from '../oauth/signing-keys.ts';

/** What the keys of the authorization server are opened with. */
export interface OAuthKeysDeps {
  readonly artifacts: ArtifactStore;
  readonly keyring: Pick<KeyringControl, 'open'>;
  readonly clock: Clock;
}

/** The keyring, and the signing keys that it protects. */
export async function openOAuthKeys({
  artifacts,
  keyring,
  clock,
}: OAuthKeysDeps): Promise<{ readonly sealer: Sealer; readonly signingKeys: SigningKeys }> {
  const sealer = await keyring.open();
  return { sealer, signingKeys: await openSigningKeys({ artifacts, sealer, nowMs: () => clock.nowMs() }) };
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

/** Makes the names of what the authorization server keeps; the same in the gateway and in commands without one. */
export const artifactDigest = (hmacKey: Uint8Array): Digest =>
  createDigest(createHmac('sha256', hmacKey).update('oauth artifacts').digest());

/** Sign-ins and consents as administrators see and end them. */
export function accessBook(open: () => Promise<Access>): AccessBook {
  return {
    sessions: async () => (await open()).sessions(undefined),
    grants: async () => (await open()).grants(undefined),
    endSession: async (id) => (await open()).endSession(undefined, id),
    endGrant: async (id) => (await open()).endGrant(undefined, id),
  };
}
