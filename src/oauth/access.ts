import { markOf, OWN_ISSUER } from '../directory/revocations.ts';
import type { Sealer } from '../kernel/sealer.ts';
import type { Artifact, ArtifactStore } from './artifacts.ts';
import type { Digest } from './digest.ts';

/** A browser in which somebody is signed in. */
export interface SessionView {
  /** Hash of its id. */
  readonly id: string;
  readonly user: string;
  readonly signedInAtMs: number;
}

/** A client that may act for somebody. */
export interface GrantView {
  /** Hash of its id. */
  readonly id: string;
  readonly user: string;
  readonly client: string;
  readonly scopes: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
}

/**
 * What people have let in: lists it and ends it. What was ended is refused from the next request on. With a user only what is
 * theirs is seen and touched; without one, for administrators, everybody's.
 */
export interface Access {
  sessions(userId: string | undefined): Promise<readonly SessionView[]>;
  grants(userId: string | undefined): Promise<readonly GrantView[]>;
  /** Ends a session, with the grants that were given in it (RFC 9700 §4.14.2); false where there is none. */
  endSession(userId: string | undefined, id: string): Promise<boolean>;
  /** Ends a grant with all its tokens; false where there is none. */
  endGrant(userId: string | undefined, id: string): Promise<boolean>;
  /** Ends all of it. */
  endAll(userId: string): Promise<void>;
}

/** Access over the store. @param revoke resolves once no worker accepts what has the name */
export function createAccess(deps: {
  readonly artifacts: ArtifactStore;
  readonly sealer: Sealer;
  readonly digest: Digest;
  readonly nowMs: () => number;
  readonly revoke: (mark: string, untilMs: number | undefined) => Promise<void>;
}): Access {
  const { artifacts, sealer, digest, nowMs } = deps;

  const listOf = async (kind: 'Session' | 'Grant', userId: string | undefined): Promise<Artifact[]> =>
    (await artifacts.list(kind, nowMs())).filter(
      // A session before sign-in is nobody's.
      ({ account }) => account !== undefined && (userId === undefined || account === userId),
    );

  const payloadOf = async ({ kind, id, payload }: Artifact): Promise<Record<string, unknown>> =>
    JSON.parse(await sealer.open({ tenant: '', purpose: 'artifact', row: `${kind} ${id}` }, payload)) as Record<
      string,
      unknown
    >;

  async function endGrantOf(id: string): Promise<void> {
    await artifacts.removeGrant(id);
    await artifacts.remove('Grant', id);
    await deps.revoke(markOf('grant', OWN_ISSUER, id), undefined);
  }

  return {
    async sessions(userId) {
      const found = await listOf('Session', userId);
      return Promise.all(
        found.map(async (one) => {
          const { loginTs } = await payloadOf(one);
          const signedInAtMs = typeof loginTs === 'number' ? loginTs * 1000 : one.createdAtMs;
          return { id: one.id, user: one.account ?? '', signedInAtMs };
        }),
      );
    },
    async grants(userId) {
      const found = await listOf('Grant', userId);
      return Promise.all(
        found.map(async (one) => {
          const { resources } = (await payloadOf(one)) as { resources?: Record<string, string> };
          const scopes = Object.values(resources ?? {}).flatMap((text) => text.split(' '));
          const { id, client = '', createdAtMs, expiresAtMs } = one;
          return { id, user: one.account ?? '', client, scopes, createdAtMs, expiresAtMs };
        }),
      );
    },
    async endSession(userId, id) {
      const found = (await listOf('Session', userId)).find((one) => one.id === id);
      if (found === undefined) return false;
      const { authorizations } = (await payloadOf(found)) as { authorizations?: Record<string, { grantId?: string }> };
      // The session first: else a request meanwhile could bring another grant of it.
      await (found.uid === undefined ? artifacts.remove('Session', id) : artifacts.endSession(found.uid));
      if (found.uid !== undefined) await deps.revoke(markOf('session', OWN_ISSUER, found.uid), undefined);
      for (const { grantId } of Object.values(authorizations ?? {}))
        if (grantId !== undefined) await endGrantOf(digest('Grant', grantId));
      return true;
    },
    async endGrant(userId, id) {
      if (!(await listOf('Grant', userId)).some((one) => one.id === id)) return false;
      await endGrantOf(id);
      return true;
    },
    endAll: (userId) => artifacts.removeAccount(userId),
  };
}
