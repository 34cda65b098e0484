import type { MessagePort } from 'node:worker_threads';
import type { AlpnCertificate } from '../../adapters/acme/challenges/tls-alpn-01.ts';
import type { BanMemory } from '../../adapters/memory/ban-cells.ts';
import type { CounterMemory } from '../../adapters/memory/counters.ts';
import type { ReplayMemory } from '../../adapters/memory/replay-set.ts';
import type { UpstreamMemory } from '../../adapters/memory/upstream-memory.ts';
import type { Config } from '../../config/schema.ts';
import type { RunningView } from '../../kernel/running-view.ts';
import type {
  LastUse,
  PermissionUse,
  QuarantineRecord,
  RecordChange,
  RevocationRecord,
} from '../../directory/records.ts';
import type { AccessRecords } from '../../directory/store.ts';
import type { BudgetWarning } from '../../limits/budget-warnings.ts';
import type { JournalPage, RestoredJournal } from '../../limits/journal.ts';
import type { UsageRow } from '../../limits/ledger.ts';
import type { WallClockState } from '../../limits/wall-clock.ts';
import type { TokenUse } from '../../directory/token-uses.ts';
import type { PlaceAsked } from '../../forward/queue/waiting-room.ts';
import type { SeriesLabels } from '../../observers/metrics/series.ts';
import type { LogFormat } from '../../observers/log/observer.ts';
import type { IssuerState } from '../issuer-watch.ts';

/** What a thread of the data plane needs of TLS; PEM texts. */
export interface TlsForWorkers {
  readonly certPem: string;
  readonly keyPem: string;
  /** 48 bytes, the same for all workers, so that a session can be resumed on any of them. */
  readonly ticketKeys: Uint8Array;
  /** Certificates of the CA of client certificates; undefined asks for none. */
  readonly clientCaPem: string | undefined;
}

/** PEM texts that an upstream's configuration names, read by the control plane. */
export interface UpstreamPems {
  readonly caPem: string | undefined;
  readonly certPem: string | undefined;
  readonly keyPem: string | undefined;
}

/** A model as an upstream lists it. */
export interface ServedModel {
  readonly id: string;
  readonly maxModelLen: number | undefined;
  readonly createdS: number;
}

/** What an upstream has told of itself; undefined what it has not. */
export interface KnownUpstream {
  readonly models: readonly ServedModel[] | undefined;
  readonly version: string | undefined;
}

/** What the upstreams have told, by their index. */
export type KnownUpstreams = readonly KnownUpstream[];

/** All that a change of configuration replaces in a worker. */
export interface Settings {
  readonly config: Config;
  readonly upstreamMemory: UpstreamMemory;
  readonly upstreamPems: readonly UpstreamPems[];
  /** Certificates of the CA of each issuer. */
  readonly issuerPems: readonly (string | undefined)[];
  /** URL by which callers know the public listener. */
  readonly publicUrl: string;
  /** Path of the authorization server's socket, short enough to be dialled. */
  readonly oauthSocket: string;
}

/** A full snapshot: what a worker starts with. */
export interface WorkerStart {
  /** Index of the worker, its row in all shared memory. */
  readonly row: number;
  readonly host: string;
  readonly port: number;
  readonly logFormat: LogFormat;
  readonly settings: Settings;
  readonly tls: TlsForWorkers | undefined;
  /** What answers TLS-ALPN-01 just now; mostly nothing. */
  readonly alpn: readonly AlpnCertificate[];
  readonly hmacKey: Uint8Array;
  readonly upstreams: KnownUpstreams;
  readonly seq: number;
  readonly access: AccessRecords;
  readonly revocations: readonly RevocationRecord[];
  readonly quarantines: readonly QuarantineRecord[];
  readonly issuers: readonly IssuerState[];
  /** Whether there is any client or user of the authorization server. */
  readonly hasOAuth: boolean;
  readonly memory: SharedMemory;
  /** Names this process among the instances that count together. */
  readonly instance: string;
  /** The wall clock as the control plane believes it: who begins anew doubts as its siblings do. */
  readonly wall: WallClockState;
  /** Of this process: likenesses of prompts are compared among all its workers. */
  readonly likenessSecret: Uint8Array;
  /** Where its records go; undefined where nothing is recorded. */
  readonly recordPort?: MessagePort | undefined;
  /** What was known of budgets on the server of the counters; undefined where there is no server. */
  readonly journal: RestoredJournal | undefined;
}

/** The memory that all threads share. */
export interface SharedMemory {
  readonly counters: CounterMemory;
  readonly bodies: SharedArrayBuffer;
  readonly metrics: SharedArrayBuffer;
  /** Proofs that were used. */
  readonly replays: ReplayMemory;
  readonly bans: BanMemory;
  /** @see RecordsMemory */
  readonly records: SharedArrayBuffer;
  /** The last heartbeat of each row: milliseconds of the process's uptime, int32. */
  readonly heartbeats: SharedArrayBuffer;
}

/** From the control plane to a worker. */
export type ToWorker =
  | { readonly kind: 'delta'; readonly seq: number; readonly changes: readonly RecordChange[] }
  | {
      readonly kind: 'records';
      readonly seq: number;
      readonly access: AccessRecords;
      readonly revocations: readonly RevocationRecord[];
      readonly quarantines: readonly QuarantineRecord[];
    }
  | { readonly kind: 'settings'; readonly seq: number; readonly settings: Settings }
  | { readonly kind: 'tls'; readonly tls: TlsForWorkers }
  /** Numbered: a CA must not be asked to look before every worker can answer it. */
  | { readonly kind: 'alpn'; readonly seq: number; readonly certificates: readonly AlpnCertificate[] }
  /** The records thread was started anew. */
  | { readonly kind: 'record-port'; readonly port: MessagePort; readonly done: number }
  | { readonly kind: 'upstreams'; readonly upstreams: KnownUpstreams }
  | { readonly kind: 'issuers'; readonly issuers: readonly IssuerState[] }
  /** The answer to `ask-issuer`: what came of it was sent before. */
  | { readonly kind: 'issuer-asked'; readonly issuer: string }
  | PlaceTold
  /** Asks what runs. */
  | { readonly kind: 'list-running'; readonly ask: number }
  /** Ends one request. */
  | { readonly kind: 'stop-running'; readonly ask: number; readonly requestId: string }
  | { readonly kind: 'drain'; readonly graceMs: number };

/** From a worker to the control plane. */
export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'confirmed'; readonly seq: number }
  /** A number was missing: everything has to be sent anew. */
  | { readonly kind: 'gap' }
  | { readonly kind: 'lines'; readonly lines: Uint8Array }
  | { readonly kind: 'uses'; readonly uses: readonly LastUse[] }
  | { readonly kind: 'token-uses'; readonly uses: readonly TokenUse[] }
  | { readonly kind: 'permission-uses'; readonly uses: readonly PermissionUse[] }
  | { readonly kind: 'usage'; readonly rows: readonly UsageRow[] }
  | { readonly kind: 'budget'; readonly warning: BudgetWarning }
  /** A token of a key that is not known: the issuer may have a new one. */
  | { readonly kind: 'ask-issuer'; readonly issuer: string }
  | { readonly kind: 'series'; readonly index: number; readonly labels: SeriesLabels }
  | AboutPlaces
  /** Whether the server of the counters decides. @see CallerCounters */
  | { readonly kind: 'counters'; readonly isUp: boolean; readonly why: string | undefined }
  /** The answer to `list-running`, and to `stop-running`: what was ended, at most one. */
  | { readonly kind: 'running'; readonly ask: number; readonly views: readonly RunningView[] }
  /** What would be lost with this thread. */
  | { readonly kind: 'journal'; readonly page: JournalPage }
  | { readonly kind: 'drained' };

/** What a worker says of places at upstreams, which go by their numbers in shared memory. */
export type AboutPlaces =
  /** A request found no place. */
  | { readonly kind: 'wait'; readonly asked: PlaceAsked }
  /** It waits no more. */
  | { readonly kind: 'leave'; readonly id: number }
  /** A place came free where somebody waits. */
  | { readonly kind: 'freed'; readonly upstream: number };

/** What came of a request that waits: a granted place is taken already. */
export type PlaceTold =
  | { readonly kind: 'granted'; readonly id: number; readonly upstream: number; readonly tenant: string }
  | { readonly kind: 'refused'; readonly id: number; readonly retryAfterMs: number };
