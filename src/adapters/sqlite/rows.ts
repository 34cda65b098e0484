import type {
  ApiKeyRecord,
  BanRecord,
  ClientGrant,
  ClientRecord,
  Conditions,
  GroupRecord,
  PolicyRecord,
  PolicyTarget,
  QuarantineRecord,
  RevocationRecord,
  RoleRecord,
  SilenceRecord,
  TenantRecord,
  UserRecord,
} from '../../directory/records.ts';
import type { TokenUse } from '../../directory/token-uses.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { formatBudget, parseBudget, type OwnLimit, type OwnLimits } from '../../kernel/own-limits.ts';
import { isScope } from '../../kernel/scope.ts';
import type { NamedContent, Tables } from './tables.ts';

/** A row of `tenants` as a record. */
export function tenantFromRow(row: Tables['tenants']): TenantRecord {
  return {
    id: row.id,
    models: row.models === null ? undefined : textList(row.models),
    limits: limitsFrom(row.limits),
    pool: limitsFrom(row.pool),
    allowIp: textList(row.allow_ip),
    denyIp: textList(row.deny_ip),
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
    limits: JSON.stringify(record.limits),
    pool: JSON.stringify(record.pool),
    allow_ip: JSON.stringify(record.allowIp),
    deny_ip: JSON.stringify(record.denyIp),
    is_disabled: record.isDisabled ? 1 : 0,
    created_at_ms: record.createdAtMs,
    version: record.version,
  };
}

/** A row of `api_keys` as a record. */
export function apiKeyFromRow(row: Tables['api_keys']): ApiKeyRecord {
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
    denyIp: textList(row.deny_ip),
    limits: limitsFrom(row.limits),
    grants: textList(row.grants),
    caps: numbersByName(row.caps),
    onBehalfOf: row.on_behalf_of ?? undefined,
    owner: row.owner ?? undefined,
    roles: textList(row.roles),
    groups: textList(row.groups),
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
    deny_ip: JSON.stringify(record.denyIp),
    limits: JSON.stringify(record.limits),
    grants: JSON.stringify(record.grants),
    caps: JSON.stringify(record.caps),
    on_behalf_of: record.onBehalfOf ?? null,
    owner: record.owner ?? null,
    roles: JSON.stringify(record.roles),
    groups: JSON.stringify(record.groups),
    is_imported: record.isImported ? 1 : 0,
    created_at_ms: record.createdAtMs,
    expires_at_ms: record.expiresAtMs ?? null,
    state: record.state,
    version: record.version,
  };
}

/** A row of `clients` as a record. */
export const clientFromRow = (row: Tables['clients']): ClientRecord => ({
  id: row.id,
  name: row.name,
  tenant: row.tenant,
  grants: textList(row.grants).filter(isClientGrant),
  scopes: textList(row.scopes).filter(isScope),
  models: row.models === null ? undefined : textList(row.models),
  groups: textList(row.groups),
  redirectUris: textList(row.redirect_uris),
  authMethod: authMethodFrom(row.auth_method),
  secretDigest: row.secret_digest ?? undefined,
  previousSecret:
    row.previous_digest === null || row.previous_until_ms === null
      ? undefined
      : { digest: row.previous_digest, untilMs: row.previous_until_ms },
  jwks: row.jwks === null ? undefined : (JSON.parse(row.jwks) as JsonObject),
  certificateName:
    row.certificate_name === null ? undefined : (JSON.parse(row.certificate_name) as ClientRecord['certificateName']),
  limits: limitsFrom(row.limits),
  accessTokenTtlMs: row.access_token_ttl_ms ?? undefined,
  isDpopRequired: row.is_dpop_required !== 0,
  isParRequired: row.is_par_required !== 0,
  createdAtMs: row.created_at_ms,
  state: stateFrom(row.state),
  version: row.version,
});

/** A record as a row of `clients`. */
export const rowFromClient = (record: ClientRecord): Tables['clients'] => ({
  id: record.id,
  name: record.name,
  tenant: record.tenant,
  grants: JSON.stringify(record.grants),
  scopes: JSON.stringify(record.scopes),
  models: record.models === undefined ? null : JSON.stringify(record.models),
  groups: JSON.stringify(record.groups),
  redirect_uris: JSON.stringify(record.redirectUris),
  auth_method: record.authMethod,
  secret_digest: record.secretDigest ?? null,
  previous_digest: record.previousSecret?.digest ?? null,
  previous_until_ms: record.previousSecret?.untilMs ?? null,
  jwks: record.jwks === undefined ? null : JSON.stringify(record.jwks),
  certificate_name: record.certificateName === undefined ? null : JSON.stringify(record.certificateName),
  limits: JSON.stringify(record.limits),
  access_token_ttl_ms: record.accessTokenTtlMs ?? null,
  is_dpop_required: record.isDpopRequired ? 1 : 0,
  is_par_required: record.isParRequired ? 1 : 0,
  created_at_ms: record.createdAtMs,
  state: record.state,
  version: record.version,
});

/** A row of `users` as a record. */
export const userFromRow = (row: Tables['users']): UserRecord => ({
  id: row.id,
  nameDigest: row.name_digest,
  tenant: row.tenant,
  scopes: textList(row.scopes).filter(isScope),
  models: row.models === null ? undefined : textList(row.models),
  groups: textList(row.groups),
  sealed: row.sealed,
  createdAtMs: row.created_at_ms,
  lastSignInAtMs: row.last_sign_in_at_ms ?? undefined,
  state: userStateFrom(row.state),
  version: row.version,
});

/** A record as a row of `users`. */
export const rowFromUser = (record: UserRecord): Tables['users'] => ({
  id: record.id,
  name_digest: record.nameDigest,
  tenant: record.tenant,
  scopes: JSON.stringify(record.scopes),
  models: record.models === undefined ? null : JSON.stringify(record.models),
  groups: JSON.stringify(record.groups),
  sealed: record.sealed,
  created_at_ms: record.createdAtMs,
  last_sign_in_at_ms: record.lastSignInAtMs ?? null,
  state: record.state,
  version: record.version,
});

/** A row of `roles` as a record. */
export const roleFromRow = (row: NamedContent): RoleRecord => ({ ...namedFrom(row), ...bundleFrom(contentOf(row)) });

/** A row of `groups` as a record. */
export const groupFromRow = (row: NamedContent): GroupRecord => {
  const content = contentOf(row) as Partial<GroupRecord>;
  const { tenant, roles = [] } = content;
  return { ...namedFrom(row), ...bundleFrom(content), tenant, roles, pool: ownLimitsFrom(content.pool ?? {}) };
};

/** A row of `policies` as a record. */
export const policyFromRow = (row: NamedContent): PolicyRecord => {
  const { effect, target, conditions } = contentOf(row) as {
    readonly effect: string;
    readonly target: PolicyTarget;
    readonly conditions: Conditions;
  };
  return { ...namedFrom(row), effect: effect === 'require' ? 'require' : 'deny', target, conditions };
};

/** A row of `silences` as a record. */
export const silenceFromRow = (row: NamedContent): SilenceRecord => {
  const { match = {}, reason = '', untilMs = 0 } = contentOf(row) as Partial<SilenceRecord>;
  return { ...namedFrom(row), match, reason, untilMs };
};

/** A role, group, policy or silence as a row. */
export function rowFromNamed(record: RoleRecord | GroupRecord | PolicyRecord | SilenceRecord): NamedContent {
  const { id, createdAtMs, state, version, ...content } = record;
  return { id, content: JSON.stringify(content), created_at_ms: createdAtMs, state, version };
}

const contentOf = ({ content }: NamedContent) => JSON.parse(content) as object;

const namedFrom = ({ id, created_at_ms: createdAtMs, state, version }: NamedContent) =>
  ({ id, createdAtMs, state: state === 'active' ? 'active' : 'deleted', version }) as const;

const bundleFrom = (content: Partial<RoleRecord>) => ({
  scopes: (content.scopes ?? []).filter(isScope),
  models: content.models ?? [],
  grants: content.grants ?? [],
  limits: ownLimitsFrom(content.limits ?? {}),
});

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

/** A row of `quarantines` as a record. */
export const quarantineFromRow = (row: Tables['quarantines']): QuarantineRecord => ({
  id: row.id,
  rule: row.rule,
  why: row.why,
  heldAtMs: row.held_at_ms,
  tenant: row.tenant ?? undefined,
  state: row.state === 'released' ? 'released' : 'held',
  version: row.version,
});

/** A record as a row of `quarantines`. */
export const rowFromQuarantine = (record: QuarantineRecord): Tables['quarantines'] => ({
  id: record.id,
  rule: record.rule,
  why: record.why,
  held_at_ms: record.heldAtMs,
  tenant: record.tenant ?? null,
  state: record.state,
  version: record.version,
});

/** A row of `token_uses`. */
export const tokenUseFromRow = (row: Tables['token_uses']): TokenUse => ({
  issuer: row.issuer,
  client: row.client,
  subject: row.subject,
  lastIssuedAtMs: row.last_issued_at_ms ?? undefined,
  lastUsedAtMs: row.last_used_at_ms,
  count: row.count,
  networks: textList(row.networks),
});

/** A use as a row of `token_uses`. */
export const rowFromTokenUse = (use: TokenUse): Tables['token_uses'] => ({
  issuer: use.issuer,
  client: use.client,
  subject: use.subject,
  last_issued_at_ms: use.lastIssuedAtMs ?? null,
  last_used_at_ms: use.lastUsedAtMs,
  count: use.count,
  networks: JSON.stringify(use.networks),
});

/** A row of `bans`. */
export const banFromRow = (row: Tables['bans']): BanRecord => ({
  network: row.network,
  reason: row.reason,
  number: row.number,
  startedAtMs: row.started_at_ms,
  untilMs: row.until_ms,
});

/** A ban as a row of `bans`. */
export const rowFromBan = (ban: BanRecord): Tables['bans'] => ({
  network: ban.network,
  reason: ban.reason,
  number: ban.number,
  started_at_ms: ban.startedAtMs,
  until_ms: ban.untilMs,
});

const textList = (json: string): string[] => (JSON.parse(json) as unknown[]).map(String);

const numbersByName = (json: string): Record<string, number> =>
  Object.fromEntries(
    Object.entries(JSON.parse(json) as Record<string, unknown>).filter(
      (entry): entry is [string, number] => typeof entry[1] === 'number',
    ),
  );

const limitsFrom = (json: string): OwnLimits => ownLimitsFrom(JSON.parse(json) as OwnLimits);

const ownLimitsFrom = ({ requestsPerMinute, tokensPerMinute, concurrency, budget }: OwnLimits): OwnLimits => ({
  requestsPerMinute: ownLimit(requestsPerMinute),
  tokensPerMinute: ownLimit(tokensPerMinute),
  concurrency: ownLimit(concurrency),
  budget: budget === 'none' || budget === undefined ? budget : parseBudget(formatBudget(budget)),
});

const isClientGrant = (text: string): text is ClientGrant =>
  text === 'client_credentials' || text === 'authorization_code' || text === 'device_code';

/** A method that this version does not know is one that nobody can use. */
const authMethodFrom = (text: string): ClientRecord['authMethod'] =>
  text === 'client_secret_basic' || text === 'none' || text === 'tls_client_auth' ? text : 'private_key_jwt';

const userStateFrom = (text: string): UserRecord['state'] =>
  text === 'active' || text === 'invited' || text === 'disabled' ? text : 'deleted';

const ownLimit = (value: number | 'none' | undefined): OwnLimit =>
  value === 'none' || typeof value === 'number' ? value : undefined;

/** A state that this version does not know is not usable. */
function stateFrom(text: string): ApiKeyRecord['state'] {
  return text === 'active' || text === 'disabled' || text === 'revoked' ? text : 'deleted';
}
