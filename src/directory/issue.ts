import type { Scope } from '../kernel/scope.ts';
import { apiKeyFor, createApiKey, digestOf, type ParsedApiKey } from './api-key.ts';
import type { OwnLimits } from '../kernel/own-limits.ts';
import type { ApiKeyRecord, TenantRecord } from './records.ts';

/** What an API key is to be. */
export interface ApiKeyWish {
  readonly name: string;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  readonly models: readonly string[] | undefined;
  readonly allowIp: readonly string[];
  readonly limits: OwnLimits;
  readonly grants: readonly string[];
  readonly caps: Readonly<Record<string, number>>;
  readonly onBehalfOf: string | undefined;
  readonly owner: string | undefined;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly expiresAtMs: number | undefined;
}

/** What issuing works with. */
export interface Issuer {
  readonly hmacKey: Uint8Array;
  readonly randomBytes: (count: number) => Uint8Array;
  /** Whether a public id is taken. */
  readonly isTaken: (id: string) => boolean;
}

/** A record with the value that is shown once and kept nowhere. */
export interface Issued {
  readonly record: ApiKeyRecord;
  readonly value: string;
}

/** Scopes of an API key for which none were asked. */
export const DEFAULT_SCOPES: readonly Scope[] = [
  'inference:chat',
  'inference:completions',
  'inference:responses',
  'inference:messages',
  'inference:embeddings',
  'models:read',
];

/** A wish with nothing said but the name. */
export const plainWish = (name: string): ApiKeyWish => ({
  name,
  tenant: 'default',
  scopes: DEFAULT_SCOPES,
  models: undefined,
  allowIp: [],
  limits: {},
  grants: [],
  caps: {},
  onBehalfOf: undefined,
  owner: undefined,
  roles: [],
  groups: [],
  expiresAtMs: undefined,
});

/** Makes a new API key. */
export function issueApiKey(wish: ApiKeyWish, issuer: Issuer, nowMs: number): Issued {
  const made = newKey(issuer);
  return { record: recordOf(wish, made.id, made.text, false, issuer, nowMs), value: made.text };
}

/** Takes over a secret that is in use already, so that its holders can move one by one. @param value not of our form */
export function importApiKey(wish: ApiKeyWish, value: string, issuer: Issuer, nowMs: number): ApiKeyRecord {
  return recordOf(wish, newKey(issuer).id, value, true, issuer, nowMs);
}

function newKey(issuer: Issuer): ParsedApiKey {
  let made = createApiKey(issuer.randomBytes);
  while (issuer.isTaken(made.id)) made = createApiKey(issuer.randomBytes);
  return made;
}

function recordOf(
  wish: ApiKeyWish,
  id: string,
  value: string,
  isImported: boolean,
  issuer: Issuer,
  nowMs: number,
): ApiKeyRecord {
  return {
    ...wish,
    id,
    digest: digestOf(value, issuer.hmacKey),
    previous: undefined,
    isImported,
    createdAtMs: nowMs,
    state: 'active',
    version: 1,
  };
}

/** Gives an API key a new value; the old one stays accepted for `overlapMs`. */
export function rotateApiKey(record: ApiKeyRecord, overlapMs: number, issuer: Issuer, nowMs: number): Issued {
  const made = apiKeyFor(record.id, issuer.randomBytes);
  return {
    record: {
      ...record,
      digest: digestOf(made.text, issuer.hmacKey),
      previous: overlapMs > 0 ? { digest: record.digest, untilMs: nowMs + overlapMs } : undefined,
      version: record.version + 1,
    },
    value: made.text,
  };
}

/** The tenant that exists from the start. */
export const defaultTenant = (nowMs: number): TenantRecord => ({
  id: 'default',
  models: undefined,
  limits: {},
  pool: {},
  isDisabled: false,
  createdAtMs: nowMs,
  version: 1,
});
