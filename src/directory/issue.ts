import type { Scope } from '../kernel/scope.ts';
import { apiKeyFor, createApiKey, digestOf } from './api-key.ts';
import type { ApiKeyRecord, OwnLimits, TenantRecord } from './records.ts';

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
  limits: { requestsPerMinute: undefined, concurrency: undefined },
  grants: [],
  caps: {},
  expiresAtMs: undefined,
});

/** Makes a new API key. */
export function issueApiKey(wish: ApiKeyWish, issuer: Issuer, nowMs: number): Issued {
  let made = createApiKey(issuer.randomBytes);
  while (issuer.isTaken(made.id)) made = createApiKey(issuer.randomBytes);
  const record: ApiKeyRecord = {
    ...wish,
    id: made.id,
    digest: digestOf(made.text, issuer.hmacKey),
    previous: undefined,
    createdAtMs: nowMs,
    state: 'active',
    version: 1,
  };
  return { record, value: made.text };
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
  isDisabled: false,
  createdAtMs: nowMs,
  version: 1,
});
