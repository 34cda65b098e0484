import type { ApiKeyRecord, OwnLimit, RevocationRecord, TenantRecord } from '../../directory/records.ts';
import { isScope } from '../../kernel/scope.ts';
import type { Tables } from './tables.ts';

/** A row of `tenants` as a record. */
export function tenantFromRow(row: Tables['tenants']): TenantRecord {
  return {
    id: row.id,
    models: row.models === null ? undefined : textList(row.models),
    isDisabled: row.is_disabled !== 0,
    createdAtMs: row.created_at_ms,
    version: row.version,
  };
}

/** A record as a row of `tenants`. */
export function rowFromTenant(record: TenantRecord): Tables['tenants'] {
  return {
    id: record.id,
    models: record.models === undefined ? null : JSON.stringify(record.models),
    is_disabled: record.isDisabled ? 1 : 0,
    created_at_ms: record.createdAtMs,
    version: record.version,
  };
}

/** A row of `api_keys` as a record. */
export function apiKeyFromRow(row: Tables['api_keys']): ApiKeyRecord {
  const limits = JSON.parse(row.limits) as { requestsPerMinute?: number | 'none'; concurrency?: number | 'none' };
  return {
    id: row.id,
    name: row.name,
    tenant: row.tenant,
    digest: row.digest,
    previous:
      row.previous_digest === null || row.previous_until_ms === null
        ? undefined
        : { digest: row.previous_digest, untilMs: row.previous_until_ms },
    scopes: textList(row.scopes).filter(isScope),
    models: row.models === null ? undefined : textList(row.models),
    allowIp: textList(row.allow_ip),
    limits: { requestsPerMinute: ownLimit(limits.requestsPerMinute), concurrency: ownLimit(limits.concurrency) },
    grants: textList(row.grants),
    caps: numbersByName(row.caps),
    onBehalfOf: row.on_behalf_of ?? undefined,
    isImported: row.is_imported !== 0,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms ?? undefined,
    state: stateFrom(row.state),
    version: row.version,
  };
}

/** A record as a row of `api_keys`. */
export function rowFromApiKey(record: ApiKeyRecord): Tables['api_keys'] {
  return {
    id: record.id,
    name: record.name,
    tenant: record.tenant,
    digest: record.digest,
    previous_digest: record.previous?.digest ?? null,
    previous_until_ms: record.previous?.untilMs ?? null,
    scopes: JSON.stringify(record.scopes),
    models: record.models === undefined ? null : JSON.stringify(record.models),
    allow_ip: JSON.stringify(record.allowIp),
    limits: JSON.stringify(record.limits),
    grants: JSON.stringify(record.grants),
    caps: JSON.stringify(record.caps),
    on_behalf_of: record.onBehalfOf ?? null,
    is_imported: record.isImported ? 1 : 0,
    created_at_ms: record.createdAtMs,
    expires_at_ms: record.expiresAtMs ?? null,
    state: record.state,
    version: record.version,
  };
}

/** A row of `revocations` as a record. */
export const revocationFromRow = (row: Tables['revocations']): RevocationRecord => ({
  id: row.id,
  atMs: row.at_ms,
  isExact: row.is_exact !== 0,
  untilMs: row.until_ms ?? undefined,
  version: row.version,
});

/** A record as a row of `revocations`. */
export const rowFromRevocation = (record: RevocationRecord): Tables['revocations'] => ({
  id: record.id,
  at_ms: record.atMs,
  is_exact: record.isExact ? 1 : 0,
  until_ms: record.untilMs ?? null,
  version: record.version,
});

const textList = (json: string): string[] => (JSON.parse(json) as unknown[]).map(String);

const numbersByName = (json: string): Record<string, number> =>
  Object.fromEntries(
    Object.entries(JSON.parse(json) as Record<string, unknown>).filter(
      (entry): entry is [string, number] => typeof entry[1] === 'number',
    ),
  );

const ownLimit = (value: number | 'none' | undefined): OwnLimit =>
  value === 'none' || typeof value === 'number' ? value : undefined;

/** A state that this version does not know is not usable. */
function stateFrom(text: string): ApiKeyRecord['state'] {
  return text === 'active' || text === 'disabled' || text === 'revoked' ? text : 'deleted';
}
