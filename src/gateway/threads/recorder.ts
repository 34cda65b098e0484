import { AuditLogWriteError, type AuditLogWriter } from '../../adapters/audit-log/writer.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Content } from '../../kernel/content.ts';
import type { AuditRecord, RequestRecord } from '../../kernel/record.ts';
import { readRecordLine } from '../../observers/records/line.ts';
import type { Notes } from './note-queue.ts';
import type { KeepContent } from './content-keeper.ts';
import type { RecordBatch, RecordsMemory } from './records-messages.ts';

/** Writes what threads have handed over, and says when that fails. */
export interface Recorder {
  /**
   * Writes the records of several batches, and of the control plane, at once: one write, however many come together. Whether
   *  all of them are on disk now.
   */
  write(
    batches: readonly Pick<RecordBatch, 'lines' | 'dropped' | 'contents'>[],
    notes?: readonly Pick<Notes, 'records' | 'dropped'>[],
  ): boolean;
  /** The log could not be written while nobody wrote. */
  failed(error: Error): void;
  /** Tries again what the disk has not taken. */
  retry(): void;
  close(): void;
}

/** What a recorder works with. */
export interface RecorderDeps {
  readonly log: Pick<AuditLogWriter, 'append' | 'lose' | 'checkpoint' | 'close'>;
  readonly textOf: (record: AuditRecord) => string;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly memory: Pick<RecordsMemory, 'setFailing'>;
  readonly onFailing: (why: string) => void;
  readonly onRecovered: (lost: number) => void;
  /** Told of records that are given up. */
  readonly onLost: (count: number) => void;
  /** Keeps what was said in requests; left out, nothing is. */
  readonly keepContent?: KeepContent;
  /** Hears each record beside. */
  readonly hear?: (record: AuditRecord) => void;
  /** It could not take one. @param name of the error */
  readonly onDeaf?: (name: string) => void;
}

/** What waits for the disk: the text of a record, or the record where that could not be made yet. */
type Waiting = string | AuditRecord;

/** Records that are kept while the disk takes none: a short failure loses nothing. */
const MAX_KEPT = 50_000;

/** A log that takes nothing loses what is above a bound, and says how much. */
export function createRecorder(deps: RecorderDeps): Recorder {
  const { log, textOf, clock, memory } = deps;
  /** What the disk has not taken yet. */
  let kept: readonly Waiting[] = [];
  let lost = 0;
  let isFailing = false;

  function failed(error: Error): void {
    if (isFailing) return;
    isFailing = true;
    memory.setFailing(true);
    deps.onFailing(error.message);
  }

  function lose(count: number, reason: string): void {
    lost += count;
    deps.onLost(count);
    log.lose(count, clock.nowMs(), reason);
  }

  function keep(all: readonly Waiting[], error: unknown): boolean {
    const over = Math.max(0, all.length - MAX_KEPT);
    // The oldest stay: they say how it began.
    if (over > 0) lose(over, 'write-failed');
    kept = all.slice(0, MAX_KEPT);
    failed(error instanceof Error ? error : new Error(String(error)));
    return false;
  }

  function recovered(): void {
    if (!isFailing) return;
    isFailing = false;
    memory.setFailing(false);
    deps.onRecovered(lost);
    lost = 0;
  }

  /** One that is no record must not stand in the way of the others for ever. */
  function putEach(texts: readonly string[]): boolean {
    for (const [i, text] of texts.entries()) {
      try {
        log.append([text]);
      } catch (error) {
        if (error instanceof AuditLogWriteError) return keep(texts.slice(i), error);
        lose(1, 'not-a-record');
      }
    }
    return true;
  }

  /** @throws Error of the system: the key of a tenant that is new here has to be on the disk before its first name */
  function textsOf(all: readonly Waiting[]): readonly string[] {
    return all.flatMap((one) => {
      if (typeof one === 'string') return [one];
      try {
        return [textOf(one)];
      } catch (error) {
        if (error instanceof Error && 'syscall' in error) throw error;
        lose(1, 'not-a-record');
        return [];
      }
    });
  }

  function put(records: readonly AuditRecord[]): boolean {
    const waiting: readonly Waiting[] = kept.length === 0 ? records : [...kept, ...records];
    if (waiting.length === 0) return !isFailing;
    let all;
    try {
      all = textsOf(waiting);
    } catch (error) {
      return keep(waiting, error);
    }
    try {
      log.append(all);
    } catch (error) {
      if (error instanceof AuditLogWriteError) return keep(all, error);
      kept = [];
      return putEach(all);
    }
    kept = [];
    recovered();
    return true;
  }

  /** What a worker wrote down; one line that is no record must not take the thread, and all that waits here, with it. */
  function read(line: string): readonly RequestRecord[] {
    try {
      return [readRecordLine(line)];
    } catch {
      lose(1, 'not-a-record');
      return [];
    }
  }

  /** Who listens beside comes after the disk, and breaks nothing here: what is recorded must not hang on what is thought of it. */
  function tell(records: readonly AuditRecord[]): void {
    for (const record of records) {
      try {
        deps.hear?.(record);
      } catch (error) {
        deps.onDeaf?.(error instanceof Error ? error.name : 'unknown');
      }
    }
  }

  return {
    write(batches, notes = []) {
      const noted: AuditRecord[] = [];
      for (const one of notes) {
        if (one.dropped > 0) lose(one.dropped, 'behind');
        noted.push(...one.records);
      }
      const requests: RequestRecord[] = [];
      const contents = new Map<string, Content>();
      for (const { lines, dropped, contents: own } of batches) {
        for (const content of own) contents.set(content.requestId, content);
        if (dropped > 0) lose(dropped, 'behind');
        for (const line of Buffer.from(lines).toString().split('\n')) if (line !== '') requests.push(...read(line));
      }
      const records = [...noted, ...(deps.keepContent?.(requests, contents) ?? requests)];
      const isKept = put(records);
      tell(records);
      return isKept;
    },
    failed,
    retry() {
      if (!isFailing) return;
      if (kept.length > 0) return void put([]);
      try {
        log.checkpoint();
        recovered();
      } catch {
        // Said already.
      }
    },
    close() {
      put([]);
      log.close();
    },
  };
}
