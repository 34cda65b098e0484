import type { Scope } from '../kernel/scope.ts';

/** A number, or `none` for not limited; undefined where the configured default holds. */
export type OwnLimit = number | 'none' | undefined;

/** Limits that an API key carries itself. */
export interface OwnLimits {
  readonly requestsPerMinute: OwnLimit;
  readonly concurrency: OwnLimit;
}

/** Whose requests and keys are kept apart from others'. Immutable. */
export interface TenantRecord {
  /** Lower-case name, also its id. */
  readonly id: string;
  /** Models that its keys may be granted; undefined: all. */
  readonly models: readonly string[] | undefined;
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
  readonly limits: OwnLimits;
  /** Closed things that are open to it, by name: `fields:beam-search`. */
  readonly grants: readonly string[];
  /** Caps of `validation.caps` that it raises or lowers, and `outputTokens`. */
  readonly caps: Readonly<Record<string, number>>;
  /** Lower-case name of the header in which its holder names the person that it asks for; undefined: it asks for itself. */
  readonly onBehalfOf: string | undefined;
  /** Its value, or the one before the last rotation, is a secret that was in use before: of no form of ours. */
  readonly isImported: boolean;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  readonly state: 'active' | 'disabled' | 'revoked' | 'deleted';
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
  | { readonly kind: 'revocation'; readonly record: RevocationRecord; readonly expectedVersion: number };

/** When an API key was last used. */
export interface LastUse {
  readonly id: string;
  readonly atMs: number;
}
