import type { ApiKeyRecord, ClientRecord } from '../directory/records.ts';

/** What a review looks at: the configuration, what is in force, and how it was used. Times are milliseconds since the epoch. */
export interface ReviewFacts {
  readonly nowMs: number;
  readonly settings: ReviewedSettings;
  readonly keys: readonly ReviewedKey[];
  readonly clients: readonly ReviewedClient[];
  readonly people: readonly ReviewedPerson[];
  readonly consents: readonly ReviewedConsent[];
  readonly signingKeys: readonly { readonly kid: string; readonly isCurrent: boolean; readonly createdAtMs: number }[];
  /** Credentials that are held. */
  readonly held: readonly { readonly id: string; readonly rule: string; readonly heldAtMs: number }[];
}

/** What is read of the configuration. */
export interface ReviewedSettings {
  readonly issuers: readonly {
    readonly issuer: string;
    readonly algorithms: readonly string[];
    readonly acceptedTypes: readonly string[];
  }[];
  /** All algorithms that could be accepted. */
  readonly knownAlgorithms: readonly string[];
  readonly publicUrl: string;
  readonly tlsMode: string;
  readonly adminHost: string;
  readonly requireSecondFactor: 'none' | 'admins' | 'all';
  readonly isAuditLogOn: boolean;
  readonly anomalyMode: 'off' | 'observe' | 'quarantine';
  readonly upstreams: readonly { readonly name: string; readonly url: string; readonly hasApiKey: boolean }[];
}

/** An API key that works. */
export interface ReviewedKey {
  readonly record: ApiKeyRecord;
  /** With those of its roles and groups. */
  readonly scopes: readonly string[];
  readonly lastUseMs: number | undefined;
  /** Scopes, and models as `model:NAME`, that it has not used for 30 days. */
  readonly unused: readonly string[];
  /** Whether any limit of rate, amount or number is in force for it. */
  readonly isLimited: boolean;
}

/** An OAuth client that works. */
export interface ReviewedClient {
  readonly record: ClientRecord;
  readonly scopes: readonly string[];
  readonly lastUseMs: number | undefined;
  readonly unused: readonly string[];
}

/** A person who signs in. */
export interface ReviewedPerson {
  readonly id: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly state: 'invited' | 'active';
  /** Undefined of those who sign in elsewhere. */
  readonly hasSecondFactor: boolean | undefined;
  readonly createdAtMs: number;
  readonly lastSignInAtMs: number | undefined;
}

/** What somebody has let a client do. */
export interface ReviewedConsent {
  readonly id: string;
  readonly user: string;
  readonly client: string;
  readonly scopes: readonly string[];
  readonly createdAtMs: number;
  /** `gone`: there is no such client any more. */
  readonly clientState: 'active' | 'disabled' | 'revoked' | 'gone';
  /** When its tokens were last used. */
  readonly lastUseMs: number | undefined;
}
