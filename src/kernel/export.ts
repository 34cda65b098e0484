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

/** Alerts that nobody is told of for a time; they are recorded all the same. */
export interface Silence {
  readonly id: string;
  /** What it is about: all that are given must match, exactly, or up to a `*` at the end. */
  readonly match: SilenceMatch;
  readonly reason: string;
  /** Milliseconds since the epoch; who made it is in the audit log. */
  readonly createdAtMs: number;
  readonly untilMs: number;
}

/** Matchers of a silence; at least one is given. */
export interface SilenceMatch {
  /** A rule of detection, or the event of an alert. */
  readonly event?: string;
  readonly tenant?: string;
  readonly subject?: string;
  readonly severity?: string;
}

/** What the owner of a key is told by mail when it is held. */
export interface OwnerWord {
  readonly timeMs: number;
  /** Mail address; in no log, no record and no metric. */
  readonly address: string;
  /** Public id and name of the API key. */
  readonly keyId: string;
  readonly keyName: string;
}

/** What became of a test message, in words for the operator. */
export interface TestResult {
  readonly isSent: boolean;
  readonly detail: string;
}

/** Something outside that is told what is recorded: spans, alerts, a SIEM. */
export interface Export {
  /** Called with records in the order in which they came; returns at once. */
  hear?(records: readonly AuditRecord[]): void;
  /** Called with what is no record. */
  notice?(notice: Notice): void;
  /** Called with all silences that there are, at the start and after each change. */
  silence?(silences: readonly Silence[]): void;
  /** Somebody whose key is held is to be told. */
  tellOwner?(word: OwnerWord): void;
  /** Sends a test message through a destination; what came back, or undefined where it is of another export. */
  test?(destination: string): Promise<TestResult> | undefined;
  /** Sends what waits, as far as that goes within `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** What became of something that was to be sent. */
export type SendResult = 'sent' | 'failed' | 'dropped';
