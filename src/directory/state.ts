import type {
  ApiKeyRecord,
  ClientRecord,
  LastUse,
  RecordChange,
  RevocationRecord,
  TenantRecord,
  UserRecord,
} from './records.ts';
import type { Directory } from './store.ts';

/** The directory as the control plane has it in memory. */
export interface DirectoryState {
  readonly tenants: ReadonlyMap<string, TenantRecord>;
  readonly apiKeys: ReadonlyMap<string, ApiKeyRecord>;
  readonly clients: ReadonlyMap<string, ClientRecord>;
  readonly users: ReadonlyMap<string, UserRecord>;
  readonly revocations: ReadonlyMap<string, RevocationRecord>;
  /** Milliseconds since the epoch; undefined where it was never used. */
  lastUseMs(id: string): number | undefined;
  apply(changes: readonly RecordChange[]): void;
  noteUses(uses: readonly LastUse[]): void;
}

/** The state that a store's content makes. */
export function createDirectoryState(directory: Directory): DirectoryState {
  const tenants = new Map(directory.tenants.map((tenant) => [tenant.id, tenant]));
  const apiKeys = new Map(directory.apiKeys.map((apiKey) => [apiKey.id, apiKey]));
  const clients = new Map(directory.clients.map((client) => [client.id, client]));
  const users = new Map(directory.users.map((user) => [user.id, user]));
  const revocations = new Map(directory.revocations.map((revocation) => [revocation.id, revocation]));
  const lastUses = new Map(directory.lastUses.map(({ id, atMs }) => [id, atMs]));
  return {
    tenants,
    apiKeys,
    clients,
    users,
    revocations,
    lastUseMs: (id) => lastUses.get(id),
    apply(changes) {
      for (const change of changes) {
        switch (change.kind) {
          case 'tenant':
            tenants.set(change.record.id, change.record);
            break;
          case 'api-key':
            apiKeys.set(change.record.id, change.record);
            break;
          case 'client':
            clients.set(change.record.id, change.record);
            break;
          case 'user':
            users.set(change.record.id, change.record);
            break;
          case 'revocation':
            revocations.set(change.record.id, change.record);
        }
      }
    },
    noteUses(uses) {
      for (const { id, atMs } of uses) lastUses.set(id, Math.max(atMs, lastUses.get(id) ?? 0));
    },
  };
}
