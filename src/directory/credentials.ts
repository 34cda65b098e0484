import type { Pool, Principal } from '../kernel/exchange.ts';
import { inherited, saysSomething } from '../kernel/own-limits.ts';
import type { ApiKeyRecord, RecordChange, TenantRecord } from './records.ts';
import { createRights, type Rights } from './rights.ts';
import type { AccessRecords, Owner } from './store.ts';

/** An API key with the principal that it stands for. */
export interface Credential {
  readonly record: ApiKeyRecord;
  readonly principal: Principal;
  /** Its tenant was disabled. */
  readonly isTenantDisabled: boolean;
  /** The person that it belongs to; undefined where it belongs to nobody, or nobody knows them. */
  readonly owner: Owner | undefined;
}

/** Whether requests may run on a credential, its expiry aside: that only stops new ones. */
export function isUsable(credential: Credential | undefined): boolean {
  return (
    credential !== undefined &&
    credential.record.state === 'active' &&
    !credential.isTenantDisabled &&
    !isOrphaned(credential)
  );
}

/** Whether the person that a key belongs to is disabled or gone: then nobody answers for it any more. */
export function isOrphaned({ record, owner }: Pick<Credential, 'record' | 'owner'>): boolean {
  if (record.owner === undefined) return false;
  return owner === undefined || owner.state === 'disabled' || owner.state === 'deleted';
}

/** The credentials of one thread: filled from a snapshot, kept true by changes. */
export interface Credentials {
  find(id: string): Credential | undefined;
  tenant(id: string): TenantRecord | undefined;
  /** Roles and groups; they change with the credentials. */
  readonly rights: Rights;
  /** The imported secret of this digest, its own or the one before its last rotation. */
  findImported(digest: Uint8Array): Credential | undefined;
  /** Whether there is any imported secret: where there is none, other texts than ours cost nothing. */
  hasImported(): boolean;
  /** Applies changes in order; the names (`Principal.marks`) of what can no longer be used. */
  apply(changes: readonly RecordChange[]): string[];
}

/** @param records the snapshot to start from */
export function createCredentials(records: AccessRecords): Credentials {
  const tenantsById = new Map(records.tenants.map((tenant) => [tenant.id, tenant]));
  const ownersById = new Map(records.owners.map((owner) => [owner.id, owner]));
  const rights = createRights(records.roles, records.groups);
  const byId = new Map<string, Credential>();
  /** Ids of imported secrets by their digests in base64: to look one up tells nothing, for the digest is keyed. */
  const imported = new Map<string, string>();
  for (const record of records.apiKeys) put(record);

  function put(record: ApiKeyRecord): void {
    const tenant = tenantsById.get(record.tenant);
    for (const digest of importedDigests(byId.get(record.id)?.record)) imported.delete(digest);
    for (const digest of importedDigests(record)) imported.set(digest, record.id);
    byId.set(record.id, {
      record,
      principal: principalOf(record, tenant, rights),
      // A key whose tenant is not known is not let in: the tenant's restrictions could not be applied.
      isTenantDisabled: tenant === undefined || tenant.isDisabled,
      owner: record.owner === undefined ? undefined : ownersById.get(record.owner),
    });
  }

  function putAll(isMeant: (record: ApiKeyRecord) => boolean): void {
    for (const { record } of byId.values()) if (isMeant(record)) put(record);
  }

  return {
    find: (id) => byId.get(id),
    tenant: (id) => tenantsById.get(id),
    rights,
    findImported: (digest) => byId.get(imported.get(base64(digest)) ?? ''),
    hasImported: () => imported.size > 0,
    apply(changes) {
      const ended: string[] = [];
      rights.apply(changes);
      for (const change of changes) {
        switch (change.kind) {
          case 'api-key':
            if (change.record.state !== 'active') ended.push(`key:${change.record.id}`);
            put(change.record);
            break;
          case 'tenant':
            if (change.record.isDisabled) ended.push(`tenant:${change.record.id}`);
            tenantsById.set(change.record.id, change.record);
            putAll(({ tenant }) => tenant === change.record.id);
            break;
          case 'user': {
            const { id, state, createdAtMs, lastSignInAtMs } = change.record;
            ownersById.set(id, { id, state, createdAtMs, lastSignInAtMs });
            putAll(({ owner }) => owner === id);
            break;
          }
          case 'role':
          case 'group':
            putAll(({ roles, groups }) => roles.length + groups.length > 0);
        }
      }
      for (const { kind, record } of changes) {
        if (kind !== 'user') continue;
        const own = byId.values().filter((one) => one.record.owner === record.id && isOrphaned(one));
        for (const one of own) ended.push(`key:${one.record.id}`);
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

/** The caller that an API key stands for: its own rights and those of its roles and groups, cut to what its tenant may use. */
export function principalOf(record: ApiKeyRecord, tenant: TenantRecord | undefined, rights: Rights): Principal {
  const held = rights.of(record, record.tenant);
  return {
    id: `key:${record.id}`,
    keyId: record.id,
    token: undefined,
    owner: record.owner,
    marks: [`key:${record.id}`, `tenant:${record.tenant}`],
    tenant: record.tenant,
    roles: held.roles,
    groups: held.groups,
    scopes: new Set([...record.scopes, ...held.scopes]),
    models: new Set(grantedModels(withMore(record.models, held.models), tenant?.models)),
    limits: inherited(record.limits, held.limits, tenant?.limits ?? {}),
    pools: [...tenantPool(tenant), ...held.pools],
    grants: new Set([...record.grants, ...held.grants]),
    caps: record.caps,
    onBehalfOf: record.onBehalfOf,
    member: undefined,
  };
}

/** What all of a tenant share. */
export const tenantPool = (tenant: TenantRecord | undefined): readonly Pool[] =>
  tenant !== undefined && saysSomething(tenant.pool)
    ? [{ name: 'tenant', subject: JSON.stringify(['tenant', tenant.id]), limits: tenant.pool }]
    : [];

/** Models of somebody's own and of what they hold; undefined are all that the tenant may use. */
export const withMore = (own: readonly string[] | undefined, more: readonly string[]): readonly string[] | undefined =>
  own === undefined ? undefined : [...own, ...more];

/** Granted models cut to those of the tenant; undefined grants all that the tenant may use. */
export function grantedModels(
  own: readonly string[] | undefined,
  tenants: readonly string[] | undefined,
): readonly string[] {
  if (tenants === undefined || tenants.includes('*')) return own ?? ['*'];
  if (own === undefined || own.includes('*')) return tenants;
  return own.filter((model) => tenants.includes(model));
}
