import type { ApiKeyRecord, RecordChange } from '../../directory/records.ts';
import { markOf, OWN_ISSUER } from '../../directory/revocations.ts';
import type { DirectoryState } from '../../directory/state.ts';
import { VersionConflict } from '../../directory/store.ts';
import type { TokenUse } from '../../directory/token-uses.ts';
import type { Access } from '../access.ts';

/** What somebody holds that opens this gateway beside their sign-in. */
export interface OwnCredentials {
  /** API keys that belong to them and were not taken back, the newest first. */
  keys(userId: string): readonly (ApiKeyRecord & { readonly lastUsedAtMs: number | undefined })[];
  /** Use of the tokens that clients have of them, the last used first. */
  tokens(userId: string): readonly TokenUse[];
  /** Revokes a key of theirs; false where it is none. Resolves once no worker accepts it. */
  revokeKey(userId: string, id: string): Promise<boolean>;
  /** Ends all that a client has of them. Resolves once no worker accepts it. */
  revokeTokens(userId: string, client: string): Promise<void>;
}

/** What it works with. */
export interface OwnCredentialsDeps {
  readonly publicUrl: string;
  readonly directory: DirectoryState;
  readonly commit: (changes: readonly RecordChange[]) => Promise<unknown>;
  readonly access: Access;
  readonly tokenUses: () => readonly TokenUse[];
  readonly revoke: (mark: string, untilMs: number | undefined) => Promise<void>;
}

const TRIES = 5;

/** Credentials of people, over the directory: of nobody else's anything is seen or touched. */
export function createOwnCredentials(deps: OwnCredentialsDeps): OwnCredentials {
  const { directory, access } = deps;

  const isTheirs = (record: ApiKeyRecord | undefined, userId: string): record is ApiKeyRecord =>
    record?.owner === userId && record.state !== 'revoked' && record.state !== 'deleted';

  return {
    keys: (userId) =>
      [...directory.apiKeys.values()]
        .filter((record) => isTheirs(record, userId))
        .map((record) => ({ ...record, lastUsedAtMs: directory.lastUseMs(record.id) }))
        .sort((a, b) => b.createdAtMs - a.createdAtMs),
    tokens: (userId) =>
      deps
        .tokenUses()
        .filter(({ issuer, subject, client }) => issuer === deps.publicUrl && subject === userId && client !== '')
        .toSorted((a, b) => b.lastUsedAtMs - a.lastUsedAtMs),
    async revokeKey(userId, id) {
      for (let tries = 1; ; tries += 1) {
        const before = directory.apiKeys.get(id);
        if (!isTheirs(before, userId)) return false;
        const record: ApiKeyRecord = { ...before, state: 'revoked', version: before.version + 1 };
        try {
          await deps.commit([{ kind: 'api-key', record, expectedVersion: before.version }]);
          return true;
        } catch (error) {
          if (!(error instanceof VersionConflict) || tries === TRIES) throw error;
        }
      }
    },
    async revokeTokens(userId, client) {
      // First what new ones would come from: else one could be made in between.
      for (const grant of await access.grants(userId))
        if (grant.client === client) await access.endGrant(userId, grant.id);
      if (directory.clients.has(client))
        await deps.revoke(markOf('pair', OWN_ISSUER, `${client} ${userId}`), undefined);
    },
  };
}
