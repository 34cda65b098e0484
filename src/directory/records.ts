import type { Silence } from '../kernel/export.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { OwnLimits } from '../kernel/own-limits.ts';
import type { Scope } from '../kernel/scope.ts';

/** Rights that are given together: what a role or a group adds to whoever has it. */
export interface Bundle {
  readonly scopes: readonly Scope[];
  /** Granted model names, cut to the tenant's; `*`: all of them. */
  readonly models: readonly string[];
  /** Closed things that are open to its holders: `fields:beam-search`. */
  readonly grants: readonly string[];
  /** Hold where the holder has none of its own. */
  readonly limits: OwnLimits;
}

/** A bundle of rights by name. Immutable: a change makes a new record. */
export interface RoleRecord extends Bundle {
  /** Lower-case name, also its id. */
  readonly id: string;
  readonly createdAtMs: number;
  readonly state: 'active' | 'deleted';
  readonly version: number;
}

/** Keys, clients, people and tokens that have rights in common. Immutable: a change makes a new record. */
export interface GroupRecord extends Bundle {
  /** Its name, also its id: as it stands in the groups claim of an issuer's tokens. */
  readonly id: string;
  /** The tenant whose members alone it counts for; undefined: all of them. */
  readonly tenant: string | undefined;
  readonly roles: readonly string[];
  /** Limits that all its members share. */
  readonly pool: OwnLimits;
  readonly createdAtMs: number;
  readonly state: 'active' | 'deleted';
  readonly version: number;
}

/** Whom and what a policy is about: all lists that are not empty must match, each by one of its items. */
export interface PolicyTarget {
  readonly tenants: readonly string[];
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  /** Ids of API keys. */
  readonly keys: readonly string[];
  /** Subjects of tokens, and owners of API keys. */
  readonly users: readonly string[];
  readonly issuers: readonly string[];
  readonly scopes: readonly Scope[];
  readonly models: readonly string[];
}

/** What must hold of a request, all that is there, as people write it; one file of `policies/conditions/` each. */
export interface Conditions {
  /** It comes in one of these times: `mon-fri 08:00-18:00 Europe/Berlin`. */
  readonly time?: readonly string[] | undefined;
  /** It comes from one of these networks (CIDR). */
  readonly addresses?: readonly string[] | undefined;
  /** Its token is at most so old: `5m`. */
  readonly tokenAge?: string | undefined;
  /** Its token says one of these strengths of authentication. */
  readonly acr?: readonly string[] | undefined;
  /** The person signed in at most so long ago (`auth_time`): `1h`. */
  readonly authenticationAge?: string | undefined;
  /** Its token was issued to one of these clients. */
  readonly clients?: readonly string[] | undefined;
  /** Its token is bound to a key in one of these ways. */
  readonly binding?: readonly Binding[] | undefined;
}

/** How a token is bound to a key of its sender: not at all, by RFC 9449, or by RFC 8705. */
export type Binding = 'none' | 'dpop' | 'mtls';

/** A rule about when rights may be used. Immutable: a change makes a new record. */
export interface PolicyRecord {
  /** Lower-case name, also its id. */
  readonly id: string;
  /** `require`: all conditions must hold; `deny`: they must not all hold. */
  readonly effect: 'require' | 'deny';
  readonly target: PolicyTarget;
  readonly conditions: Conditions;
  readonly createdAtMs: number;
  readonly state: 'active' | 'deleted';
  readonly version: number;
}

/** Whose requests and keys are kept apart from others'. Immutable. */
export interface TenantRecord {
  /** Lower-case name, also its id. */
  readonly id: string;
  /** Models that its keys may be granted; undefined: all. */
  readonly models: readonly string[] | undefined;
  /** Of each key and token of it that has none of its own, nor by a group or role. */
  readonly limits: OwnLimits;
  /** Limits that all of it share. */
  readonly pool: OwnLimits;
  /** CIDRs from which alone its credentials may be used; empty: from everywhere. */
  readonly allowIp: readonly string[];
  /** CIDRs from which they may not, even where allowed. */
  readonly denyIp: readonly string[];
  readonly isDisabled: boolean;
  readonly createdAtMs: number;
  /** Grows by one with each change, from 1. */
  readonly version: number;
}

/** An API key without its value. Immutable: a change makes a new record. */
export interface ApiKeyRecord {
  /** Public id, 6 base62 characters. */
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  /** HMAC-SHA-256 of the value, 32 bytes. */
  readonly digest: Uint8Array;
  /** The value before the last rotation while it is still accepted. */
  readonly previous: { readonly digest: Uint8Array; readonly untilMs: number } | undefined;
  readonly scopes: readonly Scope[];
  /** Granted model names; undefined: all that the tenant may use. */
  readonly models: readonly string[] | undefined;
  /** CIDRs from which it may be used; empty: from everywhere. */
  readonly allowIp: readonly string[];
  /** CIDRs from which it may not, even where allowed. */
  readonly denyIp: readonly string[];
  readonly limits: OwnLimits;
  /** Closed things that are open to it, by name: `fields:beam-search`. */
  readonly grants: readonly string[];
  /** Caps of `validation.caps` that it raises or lowers, and `outputTokens`. */
  readonly caps: Readonly<Record<string, number>>;
  /** Lower-case name of the header in which its holder names the person that it asks for; undefined: it asks for itself. */
  readonly onBehalfOf: string | undefined;
  /** Id of the person that it belongs to, and whose end is its end; undefined: nobody's. */
  readonly owner: string | undefined;
  /** Names of roles and groups whose rights it has beside its own. */
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** Its value, or the one before the last rotation, is a secret that was in use before: of no form of ours. */
  readonly isImported: boolean;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  readonly state: 'active' | 'disabled' | 'revoked' | 'deleted';
  readonly version: number;
}

/** By what a client may get tokens; the two with a user come with refresh tokens. */
export type ClientGrant = 'client_credentials' | 'authorization_code' | 'device_code';

/** How a client shows that it is itself (RFC 6749 §2.3, RFC 7523, RFC 8705); `none` for those that cannot keep a secret. */
export type ClientAuthMethod = 'client_secret_basic' | 'private_key_jwt' | 'tls_client_auth' | 'none';

/** An OAuth client of our own authorization server. Immutable: a change makes a new record. */
export interface ClientRecord {
  /** `client_id`: `c_` and 16 base62 characters, so that it cannot be taken for a user (RFC 9700 §4.15). */
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  /** At least one. */
  readonly grants: readonly ClientGrant[];
  /** All that its tokens can have; a client gets no scope that is not here by name. */
  readonly scopes: readonly Scope[];
  /** Likewise; undefined: all that the tenant may use. */
  readonly models: readonly string[] | undefined;
  /** Groups whose rights it has when it acts for itself. */
  readonly groups: readonly string[];
  /** Compared as they stand (RFC 9700 §2.1). */
  readonly redirectUris: readonly string[];
  readonly authMethod: ClientAuthMethod;
  /** HMAC-SHA-256 of the secret, 32 bytes. */
  readonly secretDigest: Uint8Array | undefined;
  /** The secret before the last rotation while it is still accepted. */
  readonly previousSecret: { readonly digest: Uint8Array; readonly untilMs: number } | undefined;
  /** Public keys of `private_key_jwt` (RFC 7517 §5). */
  readonly jwks: JsonObject | undefined;
  /** The one name of its certificate for `tls_client_auth` (RFC 8705 §2.1.2). */
  readonly certificateName: { readonly kind: 'dns' | 'uri' | 'email'; readonly value: string } | undefined;
  readonly limits: OwnLimits;
  /** Lifetime of its access tokens, milliseconds; undefined: the configured one. Never longer than that. */
  readonly accessTokenTtlMs: number | undefined;
  /** Its tokens must be bound to a key (RFC 9449). */
  readonly isDpopRequired: boolean;
  /** Authorization requests must be pushed (RFC 9126). */
  readonly isParRequired: boolean;
  readonly createdAtMs: number;
  readonly state: 'active' | 'disabled' | 'revoked' | 'deleted';
  readonly version: number;
}

/** A person who signs in. Immutable: a change makes a new record. */
export interface UserRecord {
  /** `u_` and 16 base62 characters; `sub` of its tokens, which tells nothing of the person. */
  readonly id: string;
  /** HMAC-SHA-256 of the login name in lower case, 32 bytes: by it a person is found without the name being readable. */
  readonly nameDigest: Uint8Array;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  /** Undefined: all that the tenant may use. */
  readonly models: readonly string[] | undefined;
  /** Groups whose rights it has beside its own. */
  readonly groups: readonly string[];
  /** Name, mail address, TOTP seed, passkeys and password hash, encrypted by the keyring. */
  readonly sealed: string;
  readonly createdAtMs: number;
  readonly lastSignInAtMs: number | undefined;
  readonly state: 'invited' | 'active' | 'disabled' | 'deleted';
  readonly version: number;
}

/** Tokens that count no more. Immutable. */
export interface RevocationRecord {
  /** What they have in common: `token:ISSUER HASH`, `client:ISSUER ID`, `subject:…`, `grant:…`, `session:…`. */
  readonly id: string;
  /** Tokens issued up to this moment are revoked, milliseconds since the epoch. */
  readonly atMs: number;
  /** The issuer's clock is ours, so that times can be compared without allowance. */
  readonly isExact: boolean;
  /** When the last of them has expired; undefined where that cannot be known. */
  readonly untilMs: number | undefined;
  readonly version: number;
}

/** One record written. `expectedVersion` is the version it replaces, 0 for a new one. */
export type RecordChange =
  | { readonly kind: 'tenant'; readonly record: TenantRecord; readonly expectedVersion: number }
  | { readonly kind: 'api-key'; readonly record: ApiKeyRecord; readonly expectedVersion: number }
  | { readonly kind: 'client'; readonly record: ClientRecord; readonly expectedVersion: number }
  | { readonly kind: 'user'; readonly record: UserRecord; readonly expectedVersion: number }
  | { readonly kind: 'role'; readonly record: RoleRecord; readonly expectedVersion: number }
  | { readonly kind: 'group'; readonly record: GroupRecord; readonly expectedVersion: number }
  | { readonly kind: 'policy'; readonly record: PolicyRecord; readonly expectedVersion: number }
  | { readonly kind: 'revocation'; readonly record: RevocationRecord; readonly expectedVersion: number }
  | { readonly kind: 'quarantine'; readonly record: QuarantineRecord; readonly expectedVersion: number }
  | { readonly kind: 'silence'; readonly record: SilenceRecord; readonly expectedVersion: number };

/** Alerts that are not sent for a time. Immutable. */
export interface SilenceRecord extends Silence {
  readonly state: 'active' | 'deleted';
  readonly version: number;
}

/** A credential that is held, or was: nothing is let in with it until somebody releases it. Immutable. */
export interface QuarantineRecord {
  /** A name by which it can be revoked, too (`Principal.marks`): `key:Ab12Cd`. */
  readonly id: string;
  /** Id of the rule that found it, or `operator`. */
  readonly rule: string;
  /** Why, in words and numbers. */
  readonly why: string;
  /** Milliseconds since the epoch. */
  readonly heldAtMs: number;
  /** Whose credential it is; undefined where that is not known. */
  readonly tenant?: string | undefined;
  readonly state: 'held' | 'released';
  readonly version: number;
}

/** An address that is or was banned. Immutable. */
export interface BanRecord {
  /** An IPv4 address, or the /64 of an IPv6 address. */
  readonly network: string;
  readonly reason: string;
  /** How many in a row, from 1. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Likewise; 0: it was lifted. */
  readonly untilMs: number;
}

/** When an API key was last used. */
export interface LastUse {
  readonly id: string;
  readonly atMs: number;
}

/** When something that is granted was last used. */
export interface PermissionUse {
  /** `key:` or `client:` with the id. */
  readonly holder: string;
  /** A scope, or `model:` with the name. */
  readonly permission: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}
