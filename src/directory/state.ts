import type {
  ApiKeyRecord,
  ClientRecord,
  GroupRecord,
  LastUse,
  PolicyRecord,
  RecordChange,
  QuarantineRecord,
  RevocationRecord,
  RoleRecord,
  SilenceRecord,
  TenantRecord,
  UserRecord,
} from './records.ts';
import type { AccessRecords, Directory } from './store.ts';

/** The directory as the control plane has it in memory. */
export interface DirectoryState {
  readonly tenants: ReadonlyMap<string, TenantRecord>;
  readonly apiKeys: ReadonlyMap<string, ApiKeyRecord>;
  readonly clients: ReadonlyMap<string, ClientRecord>;
  readonly users: ReadonlyMap<string, UserRecord>;
  readonly roles: ReadonlyMap<string, RoleRecord>;
  readonly groups: ReadonlyMap<string, GroupRecord>;
  readonly policies: ReadonlyMap<string, PolicyRecord>;
  readonly revocations: ReadonlyMap<string, RevocationRecord>;
  readonly quarantines: ReadonlyMap<string, QuarantineRecord>;
  readonly silences: ReadonlyMap<string, SilenceRecord>;
  /** The record of a kind that has an id. */
  find(kind: RecordChange['kind'], id: string): RecordChange['record'] | undefined;
  /** Milliseconds since the epoch; undefined where it was never used. */
  lastUseMs(id: string): number | undefined;
  apply(changes: readonly RecordChange[]): void;
  noteUses(uses: readonly LastUse[]): void;
}

/** The state that a store's content makes. */
export function createDirectoryState(directory: Directory): DirectoryState {
  const maps = {
    tenant: byId(directory.tenants),
    'api-key': byId(directory.apiKeys),
    client: byId(directory.clients),
    user: byId(directory.users),
    role: byId(directory.roles),
    group: byId(directory.groups),
    policy: byId(directory.policies),
    revocation: byId(directory.revocations),
    quarantine: byId(directory.quarantines),
    silence: byId(directory.silences),
  } satisfies { [Kind in RecordChange['kind']]: Map<string, Extract<RecordChange, { kind: Kind }>['record']> };
  const lastUses = new Map(directory.lastUses.map(({ id, atMs }) => [id, atMs]));
  return {
    tenants: maps.tenant,
    apiKeys: maps['api-key'],
    clients: maps.client,
    users: maps.user,
    roles: maps.role,
    groups: maps.group,
    policies: maps.policy,
    revocations: maps.revocation,
    quarantines: maps.quarantine,
    silences: maps.silence,
    find: (kind, id) => maps[kind].get(id),
    lastUseMs: (id) => lastUses.get(id),
    apply(changes) {
      for (const { kind, record } of changes) (maps[kind] as Map<string, unknown>).set(record.id, record);
    },
    noteUses(uses) {
      for (const { id, atMs } of uses) lastUses.set(id, Math.max(atMs, lastUses.get(id) ?? 0));
    },
  };
}

const byId = <One extends { readonly id: string }>(records: readonly One[]): Map<string, One> =>
  new Map(records.map((record) => [record.id, record]));

/** What of it a thread that answers requests starts with; of people nothing that is theirs. */
export const accessRecordsOf = (state: DirectoryState): AccessRecords => ({
  tenants: [...state.tenants.values()],
  apiKeys: [...state.apiKeys.values()],
  roles: [...state.roles.values()],
  groups: [...state.groups.values()],
  policies: [...state.policies.values()],
  owners: [...state.users.values()].map(({ id, state: of, createdAtMs, lastSignInAtMs }) => ({
    id,
    state: of,
    createdAtMs,
    lastSignInAtMs,
  })),
});
