import type { MessagePort } from 'node:worker_threads';
import type { Unsigned } from '../../audit-log/unsigned.ts';
import type { Config } from '../../config/schema.ts';
import type { Content } from '../../kernel/content.ts';
import type { ContentRules } from '../../observers/content/tap.ts';
import { isExporting } from '../exports/index.ts';
import type { WishedFinding } from '../quarantine.ts';
import type { Notes } from './note-queue.ts';

/** How requests are recorded, as the configuration says. */
export interface RecordRules {
  readonly isEnabled: boolean;
  /** What is unusual is looked for. */
  readonly isWatched: boolean;
  /** How long a record waits in its worker at most. */
  readonly flushMs: number;
  /** Nothing is done before its record is on disk. */
  readonly isStrict: boolean;
  /** Whether requests are refused while nothing can be recorded. */
  readonly onFailure: 'continue' | 'deny';
  /** How long records are kept. */
  readonly retentionMs: number | 'none';
  /** What is kept of prompts and completions. */
  readonly content: ContentRules;
  /** Names of the destinations that they are sent to before they may be deleted. */
  readonly shipTo: readonly string[];
}

/** The same, of a configuration. */
export const recordRulesOf = (config: Config): RecordRules => rulesOf(config, isExporting(config));

const rulesOf = ({ auditLog, anomaly }: Config, isExported: boolean): RecordRules => ({
  isEnabled: auditLog.enabled || anomaly.mode !== 'off' || isExported,
  isWatched: anomaly.mode !== 'off',
  flushMs: auditLog.flushMs,
  isStrict: auditLog.enabled && auditLog.durability === 'strict',
  onFailure: auditLog.onFailure,
  retentionMs: auditLog.retentionMs,
  content: {
    mode: auditLog.enabled ? auditLog.content : 'none',
    sample: auditLog.contentSample,
    maxBytes: auditLog.contentMaxBytes,
  },
  shipTo: auditLog.ship.map(({ name }) => name),
});

/** What the records thread starts with. */
export interface RecordsStart {
  readonly stateDir: string;
  readonly product: string;
  /** Whether there is an audit log. */
  readonly isLogged: boolean;
  readonly rules: RecordRules;
  /** @see RecordsMemory */
  readonly memory: SharedArrayBuffer;
}

/** To the records thread. */
export type ToRecords =
  /** A worker, with a port of its own: what it records never waits for the control plane. */
  | { readonly kind: 'worker'; readonly row: number; readonly port: MessagePort }
  | ({ readonly kind: 'records' } & Notes)
  | { readonly kind: 'rules'; readonly rules: RecordRules }
  /** Where all that is recorded is passed on to. */
  | { readonly kind: 'exports'; readonly port: MessagePort | undefined }
  /** The keys of a tenant's names are destroyed; answered with `erased`. */
  | { readonly kind: 'erase'; readonly id: number; readonly tenant: string }
  | { readonly kind: 'close' };

/** From the records thread. */
export type FromRecords =
  | { readonly kind: 'open'; readonly origin: string; readonly foundUnsigned: Unsigned }
  | { readonly kind: 'unusable'; readonly message: string }
  /** Nothing can be written since now; said once. */
  | { readonly kind: 'failing'; readonly why: string }
  | { readonly kind: 'recovered'; readonly lost: number }
  /** What is unusual was not looked for in some record: our own fault. @see RecorderDeps.onDeaf */
  | { readonly kind: 'deaf'; readonly name: string }
  | { readonly kind: 'lost'; readonly count: number }
  | { readonly kind: 'findings'; readonly findings: readonly WishedFinding[] }
  | { readonly kind: 'erased'; readonly id: number; readonly isErased: boolean }
  | { readonly kind: 'closed' };

/** Records of one worker since the batch before. */
export interface RecordBatch {
  /** 1, 2, 3, … of each worker. */
  readonly batch: number;
  /** Lines of `recordLine`, UTF-8, each with its newline. */
  readonly lines: Uint8Array<ArrayBuffer>;
  /** What was said in some of these requests. */
  readonly contents: readonly Content[];
  /** Records that this worker has dropped since the batch before, for too many waited. */
  readonly dropped: number;
}

/** To a worker, where nothing may be done before its record is on disk. */
export interface BatchKept {
  readonly batch: number;
  readonly isKept: boolean;
}

/** What all threads know of the recording: int32 words in shared memory. */
export interface RecordsMemory {
  /** Whether records cannot be written now. */
  isFailing(): boolean;
  setFailing(isFailing: boolean): void;
  /** Batches of a worker that the records thread has taken. */
  taken(row: number): number;
  setTaken(row: number, batches: number): void;
  /** Records that wait in a worker: lost, should it end now. */
  waiting(row: number): number;
  setWaiting(row: number, records: number): void;
  /** The last note of the control plane that is written. */
  written(): number;
  setWritten(note: number): void;
}

/** @param rows workers */
export const createRecordsMemory = (rows: number): SharedArrayBuffer => new SharedArrayBuffer((2 * rows + 2) * 4);

/** The words of that memory. */
export function openRecordsMemory(memory: SharedArrayBuffer): RecordsMemory {
  const words = new Int32Array(memory);
  const ofRow = (row: number): number => 1 + 2 * row;
  return {
    isFailing: () => Atomics.load(words, 0) === 1,
    setFailing: (isFailing) => void Atomics.store(words, 0, isFailing ? 1 : 0),
    taken: (row) => Atomics.load(words, ofRow(row)),
    setTaken: (row, batches) => void Atomics.store(words, ofRow(row), batches),
    waiting: (row) => Atomics.load(words, ofRow(row) + 1),
    setWaiting: (row, records) => void Atomics.store(words, ofRow(row) + 1, records),
    written: () => Atomics.load(words, words.length - 1),
    setWritten: (note) => void Atomics.store(words, words.length - 1, note),
  };
}
