import type { JsonObject } from './json.ts';
import type { ReasonCode } from './reasons.ts';
import type { Outcome } from './stage.ts';

/** What is recorded of a request when it has ended: who, what, how much, how it ended; nothing of what was said. */
export interface RequestRecord {
  readonly kind: 'request';
  /** When it ended, milliseconds since the epoch. */
  readonly timeMs: number;
  readonly requestId: string;
  readonly durationMs: number;
  /** Until the first byte of upstream's body. */
  readonly firstByteMs: number | undefined;
  /** `begin`: it was let in, and its end is another record; written only where nothing may be done unrecorded. */
  readonly outcome: Outcome['kind'] | 'begin';
  /** 0 of one that begins. */
  readonly status: number;
  readonly code: ReasonCode | undefined;
  readonly why: string | undefined;
  /** Address of the client, and what is counted of it: the IPv4 address, or the /64. */
  readonly address: string;
  readonly network: string;
  /** Name and version of the client's program, as it says; `other` where it says something else. */
  readonly userAgent: string | undefined;
  /** Public id of the API key. */
  readonly keyId: string | undefined;
  /** Issuer, subject and client of the access token, and the name of the token in records. */
  readonly issuer: string | undefined;
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  readonly tokenHash: string | undefined;
  readonly tenant: string | undefined;
  /** Id of the person whom the key belongs to. */
  readonly owner: string | undefined;
  /** The person that it asked for. */
  readonly member: string | undefined;
  readonly method: string;
  /** Id of the open route. */
  readonly route: string | undefined;
  /** Printable ASCII, 256 characters at most; empty where there is a route. */
  readonly path: string;
  readonly model: string | undefined;
  readonly upstream: string | undefined;
  readonly isStream: boolean;
  readonly promptTokens: number | undefined;
  readonly cachedTokens: number | undefined;
  readonly completionTokens: number | undefined;
  /** Alternatives of each token that were asked for. */
  readonly logprobs: number | undefined;
  /** SimHash of what was asked, 16 hexadecimal digits: near for texts that are, and no way back to them. */
  readonly likeness: string | undefined;
  /** Since upstream was asked; undefined where none was, and where that was not noted. */
  readonly upstreamMs?: number | undefined;
  /** Its place in a trace, where traces are made (`kernel/trace.ts`). */
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
  readonly parentSpanId?: string | undefined;
  readonly isSampled?: boolean | undefined;
  /** So many refusals it stands for, of the same kind and caller in a minute; undefined: for itself alone. */
  readonly count?: number | undefined;
  /** It came to the admin listener. */
  readonly isAdmin?: boolean | undefined;
  /**
   * What is kept of its content: `taken` on the way to where that is found out; `dropped` nothing, for there was no room;
   * `erased` nothing, for the tenant's key was destroyed.
   */
  readonly content?: 'taken' | 'hash' | 'full' | 'dropped' | 'erased' | undefined;
  /** Keyed digests of all that upstream was sent, and of all that the caller was answered, with their lengths. */
  readonly promptHash?: string | undefined;
  readonly completionHash?: string | undefined;
  readonly promptBytes?: number | undefined;
  readonly completionBytes?: number | undefined;
  /** Of a text only the beginning was kept. */
  readonly isContentCut?: true | undefined;
}

/** Who has done something besides asking: `key:Ab12Cd`, `token:ISSUER SUBJECT`, `user:ID`, `command`, `gateway`. */
export interface Actor {
  readonly id: string;
  readonly tenant: string | undefined;
  readonly address: string | undefined;
}

/** A change through the admin API, a command, or the gateway itself. */
export interface ChangeRecord {
  readonly kind: 'change';
  readonly timeMs: number;
  readonly actor: Actor;
  /** As the admin API names it: `api-keys`. */
  readonly resource: string;
  readonly id: string;
  readonly tenant: string | undefined;
  /** `create`, `update`, `delete`, or the verb of the API: `revoke`, `rotate`. */
  readonly operation: string;
  /** What the admin API shows of it, secrets masked. */
  readonly before: JsonObject | undefined;
  readonly after: JsonObject | undefined;
  /** Scopes that its roles and groups give it now, and did not before; left out where there are none. */
  readonly gained?: readonly string[] | undefined;
}

/** Somebody has shown who they are at the sign-in pages, or tried to. */
export interface SignInRecord {
  readonly kind: 'sign-in';
  readonly timeMs: number;
  readonly isGood: boolean;
  /** `password`, `passkey`, `provider`, `totp`, `device`; `form` where it was begun by another page or browser. */
  readonly method: string;
  /** Id of the person; undefined where nobody of that name is known. */
  readonly user: string | undefined;
  readonly requestId: string | undefined;
  readonly tenant: string | undefined;
  readonly address: string | undefined;
}

/** What happened to tokens of our own server. */
export interface TokenRecord {
  readonly kind: 'token';
  readonly timeMs: number;
  /** `reuse`: a refresh token that was used already. */
  readonly activity: 'issue' | 'refresh' | 'reuse' | 'revoke' | 'refuse';
  readonly grantType: string | undefined;
  readonly clientId: string | undefined;
  readonly subject: string | undefined;
  readonly grantId: string | undefined;
  readonly tenant: string | undefined;
  readonly scopes: readonly string[];
  readonly requestId: string | undefined;
  readonly address: string | undefined;
}

/** What happened to the gateway itself. */
export interface LifecycleRecord {
  readonly kind: 'lifecycle';
  readonly timeMs: number;
  readonly activity: 'start' | 'stop' | 'configure' | 'advisory' | 'gap';
  /** Numbers and names: the version, the hash of the configuration, the advisory, how many records are missing. */
  readonly detail: JsonObject;
}

/** An address or a credential that is held off, or no more. */
export interface HoldRecord {
  readonly kind: 'hold';
  readonly timeMs: number;
  readonly activity: 'ban' | 'lift' | 'quarantine' | 'release';
  /** Network of the ban, or the credential: `key:Ab12Cd`. */
  readonly subject: string;
  readonly tenant: string | undefined;
  readonly reason: string;
  readonly untilMs: number | undefined;
  /** The instance that has done it, where this one only follows: host and port. */
  readonly from?: string | undefined;
}

/** Something unusual that was found. */
export interface FindingRecord {
  readonly kind: 'finding';
  readonly timeMs: number;
  /** Id of the rule. */
  readonly rule: string;
  /** `key:Ab12Cd`, `subject:ISSUER SUBJECT`, `client:ID`, `tenant:ID`, `network:ADDRESS`. */
  readonly subject: string;
  readonly tenant: string | undefined;
  /** 0 to 1. */
  readonly score: number;
  /** Why, in words and numbers. */
  readonly why: string;
  readonly requestId: string | undefined;
}

/** Whatever is written to the audit log. */
export type AuditRecord =
  | RequestRecord
  | ChangeRecord
  | SignInRecord
  | TokenRecord
  | LifecycleRecord
  | HoldRecord
  | FindingRecord;
