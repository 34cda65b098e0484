import type { Principal } from '../kernel/exchange.ts';
import type { ApiKeyRecord, RecordChange, TenantRecord } from './records.ts';

/** An API key with the principal that it stands for. */
export interface Credential {
  readonly record: ApiKeyRecord;
  readonly principal: Principal;
  /** Its tenant was disabled. */
  readonly isTenantDisabled: boolean;
}

/** Whether requests may run on a credential, its expiry aside: that only stops new ones. */
export function isUsable(credential: Credential | undefined): boolean {
  return credential !== undefined && credential.record.state === 'active' && !credential.isTenantDisabled;
}

/** The credentials of one thread: filled from a snapshot, kept true by changes. */
export interface Credentials {
  find(id: string): Credential | undefined;
  tenant(id: string): TenantRecord | undefined;
  /** The imported secret of this digest, its own or the one before its last rotation. */
  findImported(digest: Uint8Array): Credential | undefined;
  /** Whether there is any imported secret: where there is none, other texts than ours cost nothing. */
  hasImported(): boolean;
  /** Applies changes in order; the names (`Principal.marks`) of what can no longer be used. */
  apply(changes: readonly RecordChange[]): string[];
}

/** @param tenants, apiKeys the snapshot to start from */
export function createCredentials(tenants: readonly TenantRecord[], apiKeys: readonly ApiKeyRecord[]): Credentials {
  const tenantsById = new Map(tenants.map((tenant) => [tenant.id, tenant]));
  const byId = new Map<string, Credential>();
  /** Ids of imported secrets by their digests in base64: to look one up tells nothing, for the digest is keyed. */
  const imported = new Map<string, string>();
  for (const record of apiKeys) put(record);

  function put(record: ApiKeyRecord): void {
    const tenant = tenantsById.get(record.tenant);
    for (const digest of importedDigests(byId.get(record.id)?.record)) imported.delete(digest);
    for (const digest of importedDigests(record)) imported.set(digest, record.id);
    byId.set(record.id, {
      record,
      principal: principalOf(record, tenant),
      // A key whose tenant is not known is not let in: the tenant's restrictions could not be applied.
      isTenantDisabled: tenant === undefined || tenant.isDisabled,
    });
  }

  return {
    find: (id) => byId.get(id),
    tenant: (id) => tenantsById.get(id),
    findImported: (digest) => byId.get(imported.get(base64(digest)) ?? ''),
    hasImported: () => imported.size > 0,
    apply(changes) {
      const ended: string[] = [];
      for (const change of changes) {
        if (change.kind === 'api-key') {
          if (change.record.state !== 'active') ended.push(`key:${change.record.id}`);
          put(change.record);
        } else if (change.kind === 'tenant') {
          if (change.record.isDisabled) ended.push(`tenant:${change.record.id}`);
          tenantsById.set(change.record.id, change.record);
          for (const { record } of byId.values()) {
            if (record.tenant === change.record.id) put(record);
          }
        }
      }
      return ended;
    },
  };
}

const base64 = (digest: Uint8Array): string => Buffer.from(digest).toString('base64');

function importedDigests(record: ApiKeyRecord | undefined): string[] {
  if (record?.isImported !== true) return [];
  return [record.digest, ...(record.previous === undefined ? [] : [record.previous.digest])].map(base64);
}

/** The caller that an API key stands for: its grants, cut to what its tenant may use. */
export function principalOf(record: ApiKeyRecord, tenant: TenantRecord | undefined): Principal {
  return {
    id: `key:${record.id}`,
    keyId: record.id,
    token: undefined,
    marks: [`key:${record.id}`, `tenant:${record.tenant}`],
    tenant: record.tenant,
    scopes: new Set(record.scopes),
    models: new Set(grantedModels(record.models, tenant?.models)),
    requestsPerMinute: record.limits.requestsPerMinute,
    concurrency: record.limits.concurrency,
    grants: new Set(record.grants),
    caps: record.caps,
    onBehalfOf: record.onBehalfOf,
    member: undefined,
  };
}

/** Granted models cut to those of the tenant; undefined grants all that the tenant may use. */
export function grantedModels(
  own: readonly string[] | undefined,
  tenants: readonly string[] | undefined,
): readonly string[] {
  if (tenants === undefined || tenants.includes('*')) return own ?? ['*'];
  if (own === undefined || own.includes('*')) return tenants;
  return own.filter((model) => tenants.includes(model));
}
