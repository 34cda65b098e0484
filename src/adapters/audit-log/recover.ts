import { closeSync, openSync, readSync, rmSync, truncateSync } from 'node:fs';
import { parseCheckpoint, parseCheckpoints, type Checkpoint } from '../../audit-log/checkpoint.ts';
import type { Fault } from '../../audit-log/fault.ts';
import { readOwn, timeOf, type OwnRecord } from '../../audit-log/own-record.ts';
import { isSignedBy } from '../../audit-log/note.ts';
import { headsOfKeys, keyAt, sizeAtLastKey, type KeyChain } from '../../audit-log/statement.ts';
import { createTree, type Hash, type Tree } from '../../audit-log/tree.ts';
import { createUnsigned, NOTHING_UNSIGNED, type Unsigned } from '../../audit-log/unsigned.ts';
import { writeAtomically } from '../tls/private-files.ts';
import { bytesIfThere, MAX_CHECKPOINT_FILE_BYTES, MAX_STATEMENT_BYTES, segmentsIn, sizeIfThere } from './folder.ts';
import type { AuditLogPlaces, Segment } from './folder.ts';
import { readLines } from './line-reader.ts';
import { checkSegment, LogFault } from './segment-check.ts';

/** The log on the disk is not what was signed, or its key is gone: nothing is written to it, for that would vouch for it. */
export class AuditLogDamaged extends Error {
  readonly code = 'audit_log_damaged';
  /** Where; undefined where it is not in the records. */
  readonly fault: Fault | undefined;

  constructor(why: string, folder: string, fault?: Fault) {
    super(
      `the audit log in ${folder} cannot go on: ${why}. See "sallyport audit-log verify"; to begin a new log, move the folder away and keep it`,
    );
    this.fault = fault;
  }
}

/** A log as a start finds it. */
export interface RecoveredLog {
  readonly tree: Tree;
  /** The last segment, whose end may not be signed yet; undefined where there is no record. */
  readonly last: RecoveredSegment | undefined;
  readonly isAfterClose: boolean;
  /** Time of the last record, milliseconds since the epoch. */
  readonly lastMs: number;
  /** Bytes of a torn line that were cut off. */
  readonly cutBytes: number;
  /** What is signed from now on as it was found. */
  readonly unsigned: Unsigned;
}

/** A segment as it is after what was torn is cut off. */
export interface RecoveredSegment {
  readonly segment: Segment;
  /** Records that are signed. */
  readonly signed: number;
  readonly recordBytes: number;
  readonly hashBytes: number;
  readonly checkpointBytes: number;
}

/**
 * Reads the last segment, checks it against what was signed, and cuts off what a crash has torn: that was acknowledged
 * to nobody. The segments before it are read by whoever verifies.
 *
 * @throws AuditLogDamaged
 */
export function recoverLog(places: AuditLogPlaces, chain: KeyChain): RecoveredLog {
  try {
    return recovered(places, chain);
  } catch (error) {
    if (!(error instanceof LogFault)) throw error;
    const { fault } = error;
    throw new AuditLogDamaged(`record ${fault.sequence} of ${fault.file}: ${fault.what}`, places.folder, fault);
  }
}

function recovered(places: AuditLogPlaces, chain: KeyChain): RecoveredLog {
  const segments = withoutEmpty(segmentsIn(places.folder));
  const kept = keptCheckpoint(places, chain.origin);
  const segment = segments.at(-1);
  if (segment === undefined) {
    checkLength(places, [kept?.size, sizeAtLastKey(chain)], 0);
    const unsigned = NOTHING_UNSIGNED;
    return { tree: createTree(), last: undefined, isAfterClose: false, lastMs: 0, cutBytes: 0, unsigned };
  }
  const tree = treeBefore(segment, segments.at(-2), chain, places);
  let closedAt = -1;
  const leaves: Hash[] = [];
  const unsigned = createUnsigned();
  let [lastStart, nextStart] = [0, 0];
  const checked = checkSegment(segment, tree, {
    chain,
    end: undefined,
    deletedBefore: 0,
    isMending: true,
    copies: [...headsOfKeys(chain), ...(kept === undefined ? [] : [kept])],
    sawUnsigned: unsigned.saw,
    sawOwn: ({ event }, sequence) => (closedAt = event === 'close' ? sequence : closedAt),
    sawRecord(leaf, bytes) {
      leaves.push(leaf);
      [lastStart, nextStart] = [nextStart, nextStart + bytes + 1];
    },
  });
  checkLength(places, [kept?.size, sizeAtLastKey(chain)], tree.size);
  const lastMs = timeOf(bytesAt(segment.records, lastStart, nextStart - 1)) ?? 0;
  return {
    tree,
    last: { ...mended(segment, checked.tornBytes, leaves.join(''), chain.origin), signed: checked.covered },
    isAfterClose: closedAt === tree.size - 1,
    lastMs,
    cutBytes: checked.tornBytes,
    unsigned: unsigned.told(),
  };
}

/** The log is no shorter than when something was signed about it: else somebody has set it back. */
function checkLength({ folder }: AuditLogPlaces, signed: readonly (number | undefined)[], size: number): void {
  const ahead = signed.find((one) => one !== undefined && one > size);
  if (ahead !== undefined) throw new AuditLogDamaged(`${ahead} records were signed, and it has ${size}`, folder);
}

/** Without a last segment that was made, and into which nothing came any more. */
function withoutEmpty(segments: readonly Segment[]): readonly Segment[] {
  const last = segments.at(-1);
  if (last === undefined || hasLine(last) || (sizeIfThere(last.checkpoints) ?? 0) > 0) return segments;
  for (const file of [last.records, last.hashes, last.checkpoints]) rmSync(file, { force: true });
  return segments.slice(0, -1);
}

function hasLine({ records }: Segment): boolean {
  let isThere = false;
  if (sizeIfThere(records) !== undefined) readLines(records, () => !(isThere = true));
  return isThere;
}

/** The tree before a segment, as its first record tells it, if the checkpoint at the end of the one before says the same. */
function treeBefore(segment: Segment, before: Segment | undefined, chain: KeyChain, places: AuditLogPlaces): Tree {
  if (segment.first === 0) return createTree();
  const signed = before === undefined ? undefined : lastCheckpointOf(before, chain);
  const open = firstRecord(segment);
  const fail = (why: string) => new AuditLogDamaged(why, places.folder);
  if (open?.event !== 'open') throw fail(`${segment.records} does not begin as a segment does`);
  if (open.log !== chain.origin) throw fail(`${segment.records} is of the log ${open.log}`);
  const tree = treeFrom(segment.first, open.frontier);
  if (tree === undefined || signed?.size !== segment.first || signed.root !== tree.root()) {
    throw fail(`the checkpoint before record ${segment.first} does not fit it`);
  }
  return tree;
}

function treeFrom(size: number, frontier: Parameters<typeof createTree>[1]): Tree | undefined {
  try {
    return createTree(size, frontier);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function firstRecord({ records }: Segment): OwnRecord | undefined {
  let found: OwnRecord | undefined;
  readLines(records, (bytes, start, end) => {
    found = readOwn(bytes.subarray(start, end));
    return false;
  });
  return found;
}

function lastCheckpointOf({ checkpoints, first }: Segment, chain: KeyChain): Checkpoint | undefined {
  const text = bytesIfThere(checkpoints, MAX_CHECKPOINT_FILE_BYTES)?.toString() ?? '';
  const last = parseCheckpoints(text, chain.origin, first).checkpoints.at(-1);
  const key = last === undefined ? undefined : keyAt(chain, last.size);
  // Else whoever writes here after a crash could have the next checkpoint vouch for another past.
  return last !== undefined && key !== undefined && isSignedBy(last.note, key) ? last : undefined;
}

/** The last checkpoint as it is kept beside the folder, if it is of this log. A false one stops the start, no more. */
function keptCheckpoint({ lastCheckpoint }: AuditLogPlaces, origin: string): Checkpoint | undefined {
  const text = bytesIfThere(lastCheckpoint, MAX_STATEMENT_BYTES)?.toString();
  const kept = text === undefined ? undefined : parseCheckpoint(text);
  return kept?.origin === origin ? kept : undefined;
}

function bytesAt(file: string, start: number, end: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, end - start));
  const fd = openSync(file, 'r');
  try {
    readSync(fd, bytes, 0, bytes.length, start);
  } finally {
    closeSync(fd);
  }
  return bytes;
}

/** Cuts off what is torn, and makes the hashes anew where some are missing. */
function mended(segment: Segment, tornBytes: number, leaves: string, origin: string): Omit<RecoveredSegment, 'signed'> {
  const recordBytes = (sizeIfThere(segment.records) ?? 0) - tornBytes;
  if (tornBytes > 0) truncateSync(segment.records, recordBytes);
  if (sizeIfThere(segment.hashes) !== leaves.length)
    writeAtomically(segment.hashes, Buffer.from(leaves, 'latin1'), 0o600);
  const text = bytesIfThere(segment.checkpoints, MAX_CHECKPOINT_FILE_BYTES)?.toString() ?? '';
  const { readChars } = parseCheckpoints(text, origin, segment.first);
  const checkpointBytes = Buffer.byteLength(text.slice(0, readChars));
  return { segment, recordBytes, hashBytes: leaves.length, checkpointBytes };
}
