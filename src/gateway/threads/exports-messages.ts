import type { MessagePort } from 'node:worker_threads';
import type { LogFacts } from '../../adapters/log/output.ts';
import type { Config } from '../../config/schema.ts';
import type { Notice, OwnerWord, SendResult, Silence, TestResult } from '../../kernel/export.ts';
import type { AuditRecord } from '../../kernel/record.ts';

/** What the exports thread starts with. */
export interface ExportsStart {
  readonly config: Config;
  readonly stateDir: string;
  readonly version: string;
  readonly instance: string;
  readonly host: string;
  readonly publicUrl: string;
  readonly silences: readonly Silence[];
  /** From the records thread come `RecordedBatch`es. */
  readonly records: MessagePort;
}

/** To the exports thread. */
export type ToExports =
  | { readonly kind: 'notice'; readonly notice: Notice }
  | { readonly kind: 'silences'; readonly silences: readonly Silence[] }
  | { readonly kind: 'owner'; readonly word: OwnerWord }
  | { readonly kind: 'test'; readonly id: number; readonly destination: string }
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'records'; readonly port: MessagePort }
  | { readonly kind: 'close'; readonly graceMs: number };

/** From the exports thread. */
export type FromExports =
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly event: string;
      readonly facts: LogFacts;
    }
  | {
      readonly kind: 'count';
      readonly destination: string;
      readonly result: SendResult;
      readonly howMany: number;
    }
  | { readonly kind: 'tested'; readonly id: number; readonly result: TestResult | undefined }
  | { readonly kind: 'lag'; readonly destination: string; readonly records: number }
  | { readonly kind: 'closed' };

/** What the records thread passes on. Each is answered with one message, so that it knows how far the other is behind. */
export interface RecordedBatch {
  /** Lines of `recordLine`, UTF-8. */
  readonly lines?: Uint8Array<ArrayBuffer>;
  readonly records?: readonly AuditRecord[];
  /** Batches of requests that were left out before it, for the other was too far behind. */
  readonly dropped: number;
}
