import type { JsonObject } from './json.ts';
import type { AuditRecord } from './record.ts';

/** Something of the gateway's own state that an operator wants to know of: an upstream is down, a budget nearly spent. */
export interface Notice {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** Name of the event, as the log has it: `upstream_down`. */
  readonly event: string;
  readonly severity: 'info' | 'warning' | 'critical';
  /** Whom it is about: what is grouped together. */
  readonly subject: string;
  readonly tenant: string | undefined;
  /** Short facts; no secret, no prompt. */
  readonly facts: JsonObject;
}

/** Something outside that is told what is recorded: spans, alerts, a SIEM. */
export interface Export {
  /** Called with records in the order in which they came; returns at once. */
  hear?(records: readonly AuditRecord[]): void;
  /** Called with what is no record. */
  notice?(notice: Notice): void;
  /** Sends what waits, as far as that goes within `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** What became of something that was to be sent. */
export type SendResult = 'sent' | 'failed' | 'dropped';
