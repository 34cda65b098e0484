import type {
  ApiKeyRecord,
  BanRecord,
  ClientRecord,
  GroupRecord,
  LastUse,
  PermissionUse,
  PolicyRecord,
  RecordChange,
  QuarantineRecord,
  RevocationRecord,
  RoleRecord,
  SilenceRecord,
  TenantRecord,
  UserRecord,
} from './records.ts';

import type { SharedNotes } from './shared-holds.ts';
import type { TokenUse } from './token-uses.ts';

/** All that a store holds. */
export interface Directory {
  readonly tenants: readonly TenantRecord[];
  readonly apiKeys: readonly ApiKeyRecord[];
  readonly clients: readonly ClientRecord[];
  readonly users: readonly UserRecord[];
  readonly roles: readonly RoleRecord[];
  readonly groups: readonly GroupRecord[];
  readonly policies: readonly PolicyRecord[];
  readonly revocations: readonly RevocationRecord[];
  readonly quarantines: readonly QuarantineRecord[];
  readonly silences: readonly SilenceRecord[];
  readonly lastUses: readonly LastUse[];
  readonly tokenUses: readonly TokenUse[];
  readonly permissionUses: readonly PermissionUse[];
  readonly bans: readonly BanRecord[];
  /** Up to where this instance and the server agree of what is held. */
  readonly sharedNotes: SharedNotes;
}

/** What a thread that answers requests knows of it. */
export type AccessRecords = Pick<Directory, 'tenants' | 'apiKeys' | 'roles' | 'groups' | 'policies'> & {
  readonly owners: readonly Owner[];
};

/** Of a person what the keys depend on that belong to them. */
export type Owner = Pick<UserRecord, 'id' | 'state' | 'createdAtMs' | 'lastSignInAtMs'>;

/** Keeps the directory. Kept by SQLite, later by PostgreSQL, both against `test/contracts/directory-store.ts`. */
export interface DirectoryStore {
  /** Reads everything. @throws StoreUnavailable */
  readAll(): Promise<Directory>;
  /**
   * Writes records, and notes of what stands with them, all or none; resolves after they are durable.
   *
   * @throws VersionConflict where a record is not at its expected version; nothing was written
   * @throws StoreUnavailable where the store cannot be written (disk full, gone); nothing was written
   */
  write(changes: readonly RecordChange[], notes?: SharedNotes): Promise<void>;
  /** Notes last uses; durable some time later. Never throws for an id that is gone. */
  noteLastUses(uses: readonly LastUse[]): Promise<void>;
  /** Notes how tokens were used, in place of what was noted of the same ones; durable some time later. */
  noteTokenUses(uses: readonly TokenUse[]): Promise<void>;
  /** Notes when permissions were last used; likewise. */
  notePermissionUses(uses: readonly PermissionUse[]): Promise<void>;
  /**
   * Notes bans, each in place of the one before of its network; durable some time later.
   *
   * @param forgetBeforeMs those that ended before are forgotten, milliseconds since the epoch
   */
  noteBans(bans: readonly BanRecord[], forgetBeforeMs: number): Promise<void>;
  /** Writes what waits and closes. */
  close(): Promise<void>;
}

/** The store cannot be read or written now. `message` says why, for the operator. */
export class StoreUnavailable extends Error {
  readonly code = 'store_unavailable';
}

/** Another change came first. */
export class VersionConflict extends Error {
  readonly code = 'version_conflict';
}
