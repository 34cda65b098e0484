import type { PasswordHasher } from '../directory/password.ts';
import type { BanRecord, RecordChange } from '../directory/records.ts';
import type { DirectoryState } from '../directory/state.ts';
import type { TokenUse } from '../directory/token-uses.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Principal } from '../kernel/exchange.ts';
import type { SendResult, TestResult } from '../kernel/export.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { AuditAnswer, AuditQuestion } from '../audit-log/entry.ts';
import type { FindingRecord } from '../kernel/record.ts';
import type { RunningView } from '../kernel/running-view.ts';
import type { KeyringControl } from '../kernel/keyring-control.ts';
import type { Denial } from '../kernel/reasons.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Sealer } from '../kernel/sealer.ts';
import type { UsageQuery, UsageRow } from '../limits/ledger.ts';
import type { LimitView } from '../limits/standing.ts';
import type { Schedule } from '../review/config.ts';
import type { Review } from '../review/review.ts';
import type { Advisory } from '../vllm/advisories/advisory.ts';
import type { PatchRow } from '../vllm/patches/patch.ts';
import type { Release } from '../vllm/release.ts';
import type { MetricsFormat } from '../wire/metrics-format.ts';

/** How a committed change arrived at the workers. */
export interface Committed {
  /** Workers that confirmed it. */
  readonly confirmed: number;
  /** Workers that did not confirm it within 2 s and were replaced by ones that know it. */
  readonly replaced: number;
}

/** Who asks the admin API: an authenticated principal, or whoever may open the Unix socket. */
export type Actor = { readonly kind: 'socket' } | { readonly kind: 'principal'; readonly principal: Principal };

/** An upstream's state for people. */
export interface UpstreamView {
  readonly name: string;
  readonly url: string;
  readonly state: 'up' | 'down' | 'unknown';
  readonly version: string | undefined;
  readonly models: readonly string[];
  /** Context lengths in tokens, by model, of those that tell theirs. */
  readonly contexts: Readonly<Record<string, number>>;
  readonly outstanding: number;
  /** Requests that wait here for a place. */
  readonly waiting: number;
  /** Most requests at once; undefined for no limit. */
  readonly limit: number | undefined;
  /** What the engine last said of its load. */
  readonly engine:
    | { readonly running: number; readonly waiting: number; readonly cacheUsage: number | undefined }
    | undefined;
  readonly firstByteMs: number | undefined;
  /** Why it is down or unknown, for the operator. */
  readonly why: string | undefined;
}

/** An upstream with the virtual patches that are on for it. */
export interface PatchedUpstream {
  readonly name: string;
  readonly version: string | undefined;
  readonly release: Release | undefined;
  readonly patches: readonly PatchRow[];
}

/** What is known of vLLM's holes. */
export interface Advisories {
  list(): readonly Advisory[];
  /** Adds imported ones for good. */
  add(imported: readonly Advisory[]): void;
  upstreams(): readonly PatchedUpstream[];
}

/** A request that is not sent. */
export interface ExplainQuestion {
  /** Public id of the API key that would send it. */
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the field policy says of a member of a body. */
export interface FieldVerdict {
  readonly name: string;
  readonly policy: 'pass' | 'drop' | 'overwrite' | 'deny' | 'unknown';
  readonly isSent: boolean;
  readonly why: string | null;
  readonly grant: string | null;
}

/** What each stage would decide on a request. */
export interface Explanation {
  readonly stages: readonly {
    readonly stage: string;
    readonly decision: 'allow' | 'deny';
    readonly status?: number;
    readonly code?: string;
    readonly param?: string | null;
    readonly message?: string;
  }[];
  readonly fields: readonly FieldVerdict[];
  /** The body that would go upstream. */
  readonly sent: { readonly adjusted: string[]; readonly body: JsonObject } | null;
}

/** A signing key, without its private half. */
export interface SigningKeyView {
  readonly kid: string;
  readonly alg: string;
  readonly isCurrent: boolean;
  readonly createdAtMs: number;
  readonly untilMs: number | undefined;
}

/** The signing keys of our own authorization server. */
export interface SigningKeyBook {
  list(): Promise<readonly SigningKeyView[]>;
  rotate(overlapMs: number): Promise<void>;
}

/** What people have let in, for administrators: sign-ins and consents. */
export interface AccessBook {
  sessions(): Promise<readonly { readonly id: string; readonly user: string; readonly signedInAtMs: number }[]>;
  grants(): Promise<readonly GrantView[]>;
  /** Ends a sign-in with what was given in it; false where there is none. */
  endSession(id: string): Promise<boolean>;
  /** Ends a consent with all its tokens; false where there is none. */
  endGrant(id: string): Promise<boolean>;
}

/** What a client may do for somebody. */
export interface GrantView {
  readonly id: string;
  readonly user: string;
  readonly client: string;
  readonly scopes: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
}

/** What belongs to people who sign in. */
export interface People {
  /** Encrypts what is kept of them. */
  readonly sealer: () => Promise<Sealer>;
  readonly hasher: PasswordHasher;
  /** Ends the sessions, grants and refresh tokens of a person. */
  readonly endAccess: (userId: string) => Promise<void>;
  /** By which address they reach the gateway; undefined where none runs. */
  readonly publicUrl: string | undefined;
}

/** Who is banned, for administrators. A network is what `networkOf` makes of an address. */
export interface BanDesk {
  /** Those that are in force. */
  list(): readonly BanRecord[];
  /** Ends one; the ban that it was, undefined where there is none. */
  lift(network: string): BanRecord | undefined;
  /** Bans a network for a time; why that cannot be. */
  add(network: string, forMs: number): BanRecord | Denial;
}

/** A channel of alerts for people. */
export interface AlertChannelView {
  readonly name: string;
  readonly type: string;
  readonly minSeverity: string;
  /** Alerts that were sent or dropped, and tries that failed, since the start. */
  readonly figures: Readonly<Record<SendResult, number>>;
}

/** Where alerts go, for administrators. */
export interface AlertDesk {
  channels(): readonly AlertChannelView[];
  /** Sends a test message; undefined where there is no such channel. */
  test(channel: string): Promise<TestResult | undefined>;
}

/** What a request on the admin listener shows of its caller. */
export interface AdminCredential {
  readonly authorization: string | undefined;
  readonly xApiKey: string | undefined;
  /** The `DPoP` header. */
  readonly proof: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly address: string;
}

/** Reviews of configuration and use. */
export interface ReviewDesk {
  /** Runs one, or waits for the one that runs. */
  run(): Promise<Review>;
  /** Those that are kept, the newest first. */
  list(): readonly Review[];
  find(id: string): Review | undefined;
  /** How often one runs by itself, and whether the configuration says so. */
  schedule(): { readonly every: Schedule; readonly isConfigured: boolean };
  /** False where the configuration says how often. */
  setSchedule(every: Schedule): boolean;
  /** Whether the next one is to run by itself. */
  isDue(): boolean;
}

/** A request to the admin listener, as it is recorded. */
export interface AdminRequest {
  readonly requestId: string;
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** Of the peer. */
  readonly address: string;
  readonly status: number;
  /** Why it was refused; undefined where it was answered. */
  readonly denial: Denial | undefined;
  /** Who is proven to ask; undefined where nobody is. */
  readonly principal: Principal | undefined;
  readonly startedAtMs: number;
}

/** What the admin API works on; made by the composition root. */
export interface AdminDeps {
  readonly directory: DirectoryState;
  /**
   * Makes changes durable, then has every live worker work with them.
   *
   * @throws VersionConflict, StoreUnavailable; nothing was changed then
   */
  readonly commit: (changes: readonly RecordChange[]) => Promise<Committed>;
  /**
   * Whether the other instances can know of what was done to a credential last; waits a second for it at most. Undefined where
   * no others share what is held.
   */
  readonly isHoldShared: (id: string) => Promise<boolean | undefined>;
  readonly hmacKey: Uint8Array;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly clock: Clock;
  readonly people: People;
  readonly version: string;
  /** The configuration with its secrets masked. */
  readonly config: () => unknown;
  /** State of this process and its threads. */
  readonly instances: () => readonly unknown[];
  readonly upstreams: () => readonly UpstreamView[];
  /** How the limits of an API key stand. */
  readonly limitsOf: (keyId: string) => Promise<readonly LimitView[]>;
  /** What was used; @throws StoreUnavailable */
  readonly usage: (query: UsageQuery) => Promise<readonly UsageRow[]>;
  readonly tokenUses: () => readonly TokenUse[];
  /**
   * When a holder has used a permission last, milliseconds since the epoch; undefined: never. `model:*` asks for any model.
   *
   * @param holder `key:` or `client:` with its id
   */
  readonly lastPermissionUseMs: (holder: string, permission: string) => number | undefined;
  /** Why a policy denies what a principal asks of the admin API. */
  readonly judgePolicies: (principal: Principal, address: string, scope: Scope) => Denial | undefined;
  readonly signingKeys: SigningKeyBook;
  readonly access: AccessBook;
  readonly bans: BanDesk;
  /** What was found unusual since the start, the newest first; bounded. */
  readonly anomalies: () => readonly FindingRecord[];
  readonly alerts: AlertDesk;
  /** Searches the audit log; undefined where there is none. */
  readonly searchAuditLog: (question: AuditQuestion) => Promise<AuditAnswer | undefined>;
  /** Destroys the key that reads a tenant's names in the audit log, for ever; false where there is none. */
  readonly eraseAuditNames: (tenant: string) => Promise<boolean>;
  /** What upstreams are answering now. */
  readonly running: () => Promise<readonly RunningView[]>;
  /** Ends one request; what it was, or undefined where none of that id runs. */
  readonly stopRunning: (requestId: string) => Promise<RunningView | undefined>;
  /** Whether an address may ask at all on the admin listener; why not. */
  readonly judgeAddress: (address: string) => Denial | undefined;
  readonly reviews: ReviewDesk;
  readonly keyring: Pick<KeyringControl, 'status' | 'rotate'>;
  readonly advisories: Advisories;
  /** Walks a request through the stages without sending it; undefined where there is no such API key. */
  readonly explain: (question: ExplainQuestion) => Promise<Explanation | undefined>;
  /** `validation.maxBodyBytes`: the largest body that can be asked about. */
  readonly maxExplainedBytes: () => number;
  /** In the text format of Prometheus unless told. */
  readonly metrics: (format?: MetricsFormat) => string;
  /** What an upstream says of itself, in the text format of Prometheus; or why there is none. */
  readonly upstreamMetrics: (name: string) => Promise<string | Denial>;
  /** `true`: metrics need `metrics:read`; `open`: they do not; `false`: there are none. */
  readonly prometheus: true | false | 'open';
  /** Finds the principal of a credential on the admin listener, with the same checks as on the public one. */
  readonly authenticate: (asked: AdminCredential) => Promise<Principal | Denial>;
  /** Whether somebody who was let in would still be: not expired, revoked, disabled or held meanwhile. */
  readonly isStillUsable: (principal: Principal) => boolean;
  /** Whether nothing may be changed, for nothing can be recorded (`auditLog.onFailure: deny`). */
  readonly isUnrecorded: () => boolean;
  /** Runs an operation in the name of who has asked for it. */
  readonly asActor: <Result>(actor: Actor, address: string | undefined, work: () => Promise<Result>) => Promise<Result>;
  /** Writes one line to the log: who changed what. `after` goes into the record alone. */
  readonly logChange: (actor: Actor, action: string, object: string, after?: JsonObject) => void;
  /** Hears of each request to the listener that was refused, and of who has read the audit log. */
  readonly noteRequest?: (request: AdminRequest) => void;
  /** Writes an error that nobody handled to the log; the caller gets the request id alone. */
  readonly logFault?: (requestId: string, error: unknown) => void;
}
