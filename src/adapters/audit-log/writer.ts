import { readFileSync } from 'node:fs';
import { signCheckpoint } from '../../audit-log/checkpoint.ts';
import { lineOf } from '../../audit-log/line.ts';
import type { Signer } from '../../audit-log/note.ts';
import { ownLine, type OwnRecord } from '../../audit-log/own-record.ts';
import { signKey, signRetention } from '../../audit-log/statement.ts';
import { NOTHING_UNSIGNED, type Unsigned } from '../../audit-log/unsigned.ts';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { writeAtomically } from '../tls/private-files.ts';
import { auditLogPlaces, segmentOf, type AuditLogPlaces } from './folder.ts';
import { openedLog, type OpenedLog } from './open.ts';
import type { RecoveredSegment } from './recover.ts';
import { deletableBefore, deleteBefore } from './retention.ts';
import { openSegmentWriter, type SegmentWriter } from './segment-writer.ts';

/** Writes the audit log of a state directory. One thread of one process at a time. */
export interface AuditLogWriter {
  /** Which log it is: `sallyport/` and 16 hexadecimal digits. */
  readonly origin: string;
  /** Records in the log: all of them are on the disk. The next one gets this sequence number. */
  readonly size: number;
  /** How many of them are signed. */
  readonly signed: number;
  /** What it has found without a checkpoint over it, and has signed as it was; records of a second are usual after a crash. */
  readonly foundUnsigned: Unsigned;
  /**
   * Adds records, all or none; they are on the disk when it returns.
   *
   * @param records each a JSON object in one line whose first member is `metadata`, not empty; `sequence` is added to that
   * @returns the sequence number of the first of them
   * @throws RangeError for a text that is no record; AuditLogWriteError where the disk does not take them
   */
  append(records: readonly string[]): number;
  /** Notes that records were given up, the first of them at `fromMs`: before the next record stands how many. */
  lose(count: number, fromMs: number, reason: string): void;
  /** Signs what is there. By itself this is done a second after the first record that is not signed. */
  checkpoint(): void;
  /** Has another key sign from here on; the old one vouches for it. @returns it, as `name+hash+base64` */
  rotateKey(): string;
  /**
   * Deletes the segments whose records are all older than that, and says so in the log and in a signed statement.
   *
   * @param keepFrom a segment with this record, or one behind it, stays however old it is
   * @returns the sequence number before which records are deleted; 0 where nothing was
   */
  retain(olderThanMs: number, keepFrom?: number): number;
  /** Says that nothing comes any more, signs that, and lets go of the files. */
  close(): void;
}

/** Where and how a log is written. */
export interface AuditLogOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  /** Bytes of records after which a new segment begins. */
  readonly segmentBytes?: number;
  /** The same of checkpoints: whoever verifies checks each of them. */
  readonly segmentCheckpoints?: number;
  /** Is told of each checkpoint, as it is written: to be kept elsewhere. */
  readonly onCheckpoint?: (note: string) => void;
  /** Is told where the checkpoint of the timer could not be written; it is tried again a second later. */
  readonly onFailure?: (error: AuditLogWriteError) => void;
}

/** The disk does not take what is written; `systemCode` is such as `ENOSPC`. Nothing of it is in the log. */
export class AuditLogWriteError extends Error {
  readonly code = 'audit_log_write';
  readonly systemCode: string;

  constructor(cause: unknown) {
    const systemCode = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    super(`the audit log cannot be written (${systemCode})`, { cause });
    this.systemCode = systemCode;
  }
}

/** A segment that begins behind a full one finds nothing, as a start may. */
const WHILE_WRITING = { isAfterClose: false, cutBytes: 0, replaces: undefined, unsigned: NOTHING_UNSIGNED };
const SEGMENT_BYTES = 64 * 1024 * 1024;
const SEGMENT_CHECKPOINTS = 4096;
const CHECKPOINT_EVERY_MS = 1000;
/** Clocks are corrected by less all the time. */
const SET_BACK_MS = 1000;

/**
 * Opens the log of a state directory, begins one where there is none, and mends what a crash has left.
 *
 * @throws AuditLogDamaged where what is there is not what was signed; AuditLogWriteError
 */
export function openAuditLog(options: AuditLogOptions): AuditLogWriter {
  const places = auditLogPlaces(options.stateDir);
  return orWriteError(() => createWriter(places, options, openedLog(places)));
}

function createWriter(places: AuditLogPlaces, options: AuditLogOptions, opened: OpenedLog): AuditLogWriter {
  const {
    clock,
    segmentBytes = SEGMENT_BYTES,
    segmentCheckpoints = SEGMENT_CHECKPOINTS,
    onCheckpoint,
    onFailure,
  } = options;
  const { keys, origin, tree } = opened;
  let { signer, lastMs } = opened;
  let signed = opened.last?.signed ?? 0;
  let lost: { readonly count: number; readonly fromMs: number; readonly reason: string } | undefined;
  let segment = opened.last === undefined ? undefined : reopened(opened.last);
  let timer: Timer | undefined;

  /** Writes lines that were made for the place where they come. */
  const write = (to: SegmentWriter, lines: readonly string[]): void =>
    to.append(lines).forEach((leaf) => tree.push(leaf));

  const sign = (): void => {
    if (tree.size === signed || segment === undefined) return;
    const note = signCheckpoint({ size: tree.size, root: tree.root() }, signer);
    segment.addCheckpoint(note);
    signed = tree.size;
    onCheckpoint?.(note);
    // Beside the folder: it tells when all of that is set back to an earlier state.
    writeAtomically(places.lastCheckpoint, note, 0o600);
  };

  const beginSegment = (
    why: 'begin' | 'start' | 'size',
    at: Pick<OpenedLog, 'isAfterClose' | 'cutBytes' | 'replaces' | 'unsigned'>,
  ): void => {
    sign();
    segment?.seal(origin);
    const next = openSegmentWriter(segmentOf(places.folder, tree.size), { records: 0, hashes: 0, checkpoints: 0 });
    try {
      const { isAfterClose, cutBytes, replaces } = at;
      const found = { foundUnsigned: at.unsigned.records, unsignedMs: at.unsigned.spanMs };
      const frontier = tree.frontier();
      const record: OwnRecord = {
        ...{ event: 'open', log: origin, why, isAfterClose, cutBytes, ...found, replaces, frontier },
      };
      write(next, [ownLine(record, tree.size, clock.nowMs())]);
    } catch (error) {
      next.remove();
      throw error;
    }
    segment?.close();
    segment = next;
  };

  /** The segment that takes the next records. */
  const current = (): SegmentWriter => {
    const isFull = segment === undefined || segment.bytes >= segmentBytes || segment.checkpoints >= segmentCheckpoints;
    if (isFull) beginSegment('size', WHILE_WRITING);
    if (segment === undefined) throw new Error('a segment has begun');
    return segment;
  };

  /** Writes records behind what is to be said before them. @returns the number of the first */
  const put = (count: number, lineAt: (i: number, sequence: number) => string): number => {
    const nowMs = clock.nowMs();
    const to = current();
    const before: OwnRecord[] = [];
    if (lost !== undefined) {
      before.push({ event: 'gap', lost: lost.count, fromMs: lost.fromMs, untilMs: nowMs, reason: lost.reason });
    }
    // The order of records is that of their numbers; who reads their times is told.
    if (nowMs < lastMs - SET_BACK_MS) before.push({ event: 'clock', fromMs: lastMs, toMs: nowMs });
    const first = tree.size + before.length;
    const own = before.map((record, i) => ownLine(record, tree.size + i, nowMs));
    const lines = [...own, ...Array.from({ length: count }, (_, i) => lineAt(i, first + i))];
    if (lines.length > 0) write(to, lines);
    [lost, lastMs] = [undefined, nowMs];
    return first;
  };

  const putOwn = (record: OwnRecord): number => put(1, (_, sequence) => ownLine(record, sequence, clock.nowMs()));

  const rotateTo = (next: Signer): string => {
    putOwn({ event: 'rotate-key', from: signer.verifier.text, to: next.verifier.text });
    sign(); // the old key vouches for the record of the new one
    const chain = readFileSync(places.keyChain, 'utf8');
    const head = { size: tree.size, root: tree.root() };
    writeAtomically(places.keyChain, `${chain}${signKey(signer, next, head)}`, 0o600);
    signer = next;
    keys.promote(next);
    return next.verifier.text;
  };

  const tick = (): void => {
    timer = clock.after(CHECKPOINT_EVERY_MS, tick);
    try {
      orWriteError(() => {
        // Asked for by a command while this one writes.
        const next = keys.next(origin);
        if (next !== undefined) rotateTo(next);
        sign();
      });
    } catch (error) {
      if (!(error instanceof AuditLogWriteError)) throw error;
      onFailure?.(error);
    }
  };

  beginSegment(tree.size === 0 ? 'begin' : 'start', opened);
  lastMs = Math.max(lastMs, clock.nowMs());
  tick();

  return {
    origin,
    foundUnsigned: opened.unsigned,
    get size() {
      return tree.size;
    },
    get signed() {
      return signed;
    },
    append: (records) => orWriteError(() => put(records.length, (i, sequence) => lineOf(records[i] ?? '', sequence))),
    lose(count, fromMs, reason) {
      lost = { count: count + (lost?.count ?? 0), fromMs: lost?.fromMs ?? fromMs, reason: lost?.reason ?? reason };
    },
    checkpoint: () => orWriteError(sign),
    rotateKey: () =>
      orWriteError(() => {
        if (keys.next(origin) === undefined) keys.makeNext();
        const next = keys.next(origin);
        if (next === undefined) throw new Error(`${places.nextKey} is gone`);
        return rotateTo(next);
      }),
    retain: (olderThanMs, keepFrom = Infinity) =>
      orWriteError(() => {
        const deletedBefore = deletableBefore(places.folder, olderThanMs, keepFrom);
        if (deletedBefore === 0) return 0;
        putOwn({ event: 'retain', deletedBefore });
        sign(); // before anything is gone: a file that is missing without it was taken by somebody else
        writeAtomically(places.retention, signRetention(deletedBefore, signer), 0o600);
        deleteBefore(places.folder, deletedBefore);
        return deletedBefore;
      }),
    close() {
      timer?.cancel();
      try {
        orWriteError(() => {
          putOwn({ event: 'close', log: origin });
          sign();
          segment?.seal(origin);
        });
      } finally {
        segment?.close();
      }
    },
  };
}

const reopened = ({ segment, recordBytes, hashBytes, checkpointBytes }: RecoveredSegment): SegmentWriter =>
  openSegmentWriter(segment, { records: recordBytes, hashes: hashBytes, checkpoints: checkpointBytes });

function orWriteError<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    const isSystems = error instanceof Error && 'syscall' in error;
    throw isSystems ? new AuditLogWriteError(error) : error;
  }
}
