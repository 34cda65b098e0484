import { basename } from 'node:path';
import type { Checkpoint } from '../../audit-log/checkpoint.ts';
import { CHECKPOINT_LINES, parseCheckpoints } from '../../audit-log/checkpoint.ts';
import type { Fault, FaultKind } from '../../audit-log/fault.ts';
import { isOwn, sequenceIn } from '../../audit-log/line.ts';
import { isSignedBy } from '../../audit-log/note.ts';
import { readOwn, timeOf, type OwnRecord } from '../../audit-log/own-record.ts';
import type { TreeHead } from '../../audit-log/proof.ts';
import { keyAt, type KeyChain } from '../../audit-log/statement.ts';
import { HASH_BYTES, leafHashIn, type Hash, type Tree } from '../../audit-log/tree.ts';
import { diagnose } from './diagnose.ts';
import { bytesIfThere, MAX_CHECKPOINT_FILE_BYTES, MAX_HASH_FILE_BYTES, sizeIfThere, type Segment } from './folder.ts';
import { readLines } from './line-reader.ts';

/** A log that does not hold; `fault` says where and why. */
export class LogFault extends Error {
  readonly code = 'audit_log_fault';
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(`record ${fault.sequence}: ${fault.what}`);
    this.fault = fault;
  }
}

/** What a segment is checked against. */
export interface Expected {
  readonly chain: KeyChain;
  /** First record of the next segment; undefined for the last one, whose end nothing says but checkpoints. */
  readonly end: number | undefined;
  /** Before which records may be gone. */
  readonly deletedBefore: number;
  /** Checkpoints that were kept elsewhere. */
  readonly copies: readonly TreeHead[];
  /** Whether missing hashes are made anew afterwards, also of a closed log. */
  readonly isMending?: boolean;
  /** Is shown what the log itself has recorded. */
  readonly sawOwn: (record: OwnRecord, sequence: number) => void;
  /** Is told the time of each record that no checkpoint is over; undefined where it has none. */
  readonly sawUnsigned?: (timeMs: number | undefined) => void;
  /** Is shown every record's hash, and how many bytes its line has without the newline. */
  readonly sawRecord?: (leaf: Hash, bytes: number) => void;
}

/** What was found of a segment that holds. */
export interface CheckedSegment {
  /** Size of the largest tree that is signed. */
  readonly covered: number;
  /** Bytes of a last line without its end, behind everything that is signed. */
  readonly tornBytes: number;
  readonly bytes: number;
}

/**
 * Checks one segment while it is read, and leaves the tree with its records.
 *
 * @throws LogFault at the first bad record
 */
export function checkSegment(segment: Segment, tree: Tree, expected: Expected): CheckedSegment {
  const bytes = sizeIfThere(segment.records);
  if (bytes === undefined && (expected.end === undefined || expected.end > expected.deletedBefore)) {
    const what = 'the file is gone, and no key of the log says that it may be';
    throw faultAt(segment.records, 'missing', segment.first, what);
  }
  // The order in which a running gateway writes is records, hashes, checkpoints: read the other way round, none lacks its base.
  const heads = headsOf(segment, tree.size, expected);
  const stored = bytesIfThere(segment.hashes, MAX_HASH_FILE_BYTES) ?? Buffer.alloc(0);
  const covered = heads.at(-1)?.size ?? segment.first;
  const end = endOf(segment, covered, stored, heads, expected.end);
  const pass = createPass(segment, tree, { ...expected, end }, heads, stored);
  if (bytes !== undefined) return { covered, tornBytes: pass.records(), bytes };
  pass.hashesOnly();
  return { covered, tornBytes: 0, bytes: 0 };
}

/** The checkpoints of a segment, once each is in its place and signed. */
function headsOf(segment: Segment, fromSize: number, { chain, end }: Expected): readonly Checkpoint[] {
  const bytes = bytesIfThere(segment.checkpoints, MAX_CHECKPOINT_FILE_BYTES) ?? Buffer.alloc(0);
  const text = bytes.toString();
  const { checkpoints, readChars } = parseCheckpoints(text, chain.origin, fromSize);
  let size = fromSize;
  for (const one of checkpoints) {
    const key = keyAt(chain, one.size);
    if (key === undefined || !isSignedBy(one.note, key)) {
      throw faultAt(
        segment.checkpoints,
        'bad-signature',
        size,
        `the checkpoint over ${one.size} records is not signed`,
      );
    }
    ({ size } = one);
  }
  // A torn one is what a crash leaves; after it come no more, for a start cuts it off.
  const rest = text.slice(readChars);
  const isTorn = end === undefined && rest.split('\n').length <= CHECKPOINT_LINES;
  if (rest !== '' && !isTorn) throw badCheckpoint(segment, size, rest, chain.origin);
  return checkpoints;
}

/** Where a segment ends: at its last checkpoint, which is where the next one begins. */
function endOf(
  segment: Segment,
  covered: number,
  stored: Buffer,
  heads: readonly Checkpoint[],
  next: number | undefined,
): number | undefined {
  if (next === undefined || covered === next) return next;
  // It ends in order, and the next one is not there: that is found when its place is looked at.
  if (covered < next && stored.length === (covered - segment.first) * HASH_BYTES) return covered;
  const good = heads.findLast(({ size }) => size <= next)?.size ?? segment.first;
  const what = `no checkpoint is over the ${next} records up to the next segment`;
  throw faultAt(segment.checkpoints, 'bad-checkpoint', good, what);
}

function badCheckpoint(segment: Segment, size: number, rest: string, origin: string): LogFault {
  const [found = ''] = rest.split('\n');
  const isForeign = found !== origin && /^sallyport\/[0-9a-f]{16}$/.test(found);
  return isForeign
    ? faultAt(segment.checkpoints, 'foreign', size, `a checkpoint is of the log ${found}`)
    : faultAt(
        segment.checkpoints,
        'bad-checkpoint',
        size,
        `the checkpoint behind that over ${size} records is damaged`,
      );
}

const faultAt = (file: string, kind: FaultKind, sequence: number, what: string): LogFault =>
  new LogFault({ kind, sequence, file: basename(file), what });

/** One way through a segment's records, or their hashes. */
function createPass(
  segment: Segment,
  tree: Tree,
  { chain, end, copies, isMending, sawOwn, sawUnsigned, sawRecord }: Expected,
  heads: readonly Checkpoint[],
  stored: Buffer,
): { records: () => number; hashesOnly: () => void } {
  const { first } = segment;
  const { origin } = chain;
  const frontier = tree.frontier();
  const covered = heads.at(-1)?.size ?? first;
  const awaited = [...heads, ...copies]
    .filter(({ size }) => size > first && size <= (end ?? Infinity))
    .sort((a, b) => a.size - b.size);
  let awaitedSize = awaited[0]?.size;
  let isClosed = false;

  const fail = (fallback: LogFault): never => {
    const found = sizeIfThere(segment.records) === undefined ? undefined : diagnose(bad());
    throw found === undefined ? fallback : new LogFault(found);
  };
  const bad = () => ({ segment, origin, frontier, heads, end, stored });

  /** A signed tree of the size that is reached has this root. */
  const checkHeads = (): void => {
    const root = tree.root();
    for (let next = awaited[0]; next !== undefined && next.size === tree.size; next = awaited[0]) {
      awaited.shift();
      if (next.root === root) continue;
      const what = `the log is not the one that was signed when it had ${next.size} records: it does not extend that checkpoint`;
      const { size } = heads.findLast((head) => head.size < tree.size) ?? { size: first };
      const file = copies.includes(next) ? segment.records : segment.hashes;
      fail(new LogFault({ kind: 'bad-checkpoint', sequence: size, last: next.size - 1, file: basename(file), what }));
    }
    awaitedSize = awaited[0]?.size;
  };

  const push = (leaf: Hash): void => {
    tree.push(leaf);
    if (tree.size === awaitedSize) checkHeads();
  };

  const see = (bytes: Buffer, start: number, stop: number): boolean => {
    const sequence = tree.size;
    const own = isOwn(bytes, start) ? readOwn(bytes.subarray(start, stop)) : undefined;
    if (sequence >= covered) checkUnsigned(bytes.subarray(start, stop), sequence);
    const leaf = leafHashIn(bytes, start, stop);
    const at = (sequence - first) * HASH_BYTES;
    const isKnown = at + HASH_BYTES <= stored.length; // the last one may be torn, as a crash leaves it
    if (isKnown ? stored.toString('latin1', at, at + HASH_BYTES) !== leaf : end !== undefined) {
      // Of what is not signed only the hash tells that it was changed.
      fail(faultAt(segment.records, 'changed', sequence, 'the record does not fit its hash'));
    }
    push(leaf);
    sawRecord?.(leaf, stop - start);
    if (own !== undefined) sawOwn(own, sequence);
    isClosed = own?.event === 'close';
    return true;
  };

  const checkUnsigned = (line: Uint8Array, sequence: number): void => {
    if (isClosed) throw faultAt(segment.records, 'inserted', sequence, 'the log was closed before it');
    sawUnsigned?.(timeOf(line));
    if (sequenceIn(line) === sequence) return;
    fail(faultAt(segment.records, 'inserted', sequence, 'it is no record with this number, and not yet signed'));
  };

  return {
    records() {
      const torn = linesOrFault(segment, see, fail, tree);
      const reached = tree.size;
      const known = first + Math.ceil(stored.length / HASH_BYTES);
      const wanted = end ?? Math.max(covered, known);
      if (reached < wanted) fail(faultAt(segment.records, 'truncated', reached, 'the file ends before this record'));
      // Of a segment that is written the last hashes may not be on the disk yet.
      const isDone = end !== undefined || (isClosed && !isMending);
      if (isDone && stored.length !== (reached - first) * HASH_BYTES) {
        const what = 'the file of hashes has not one for each record';
        fail(faultAt(segment.hashes, 'bad-hashes', Math.min(known, reached), what));
      }
      if (end !== undefined && torn > 0) {
        fail(faultAt(segment.records, 'inserted', end, 'there is more than the records that were written'));
      }
      return torn;
    },
    hashesOnly() {
      const count = (end ?? first) - first;
      if (stored.length !== count * HASH_BYTES) {
        throw faultAt(segment.hashes, 'bad-hashes', first, 'the file of hashes has not one for each deleted record');
      }
      for (let at = 0; at < stored.length; at += HASH_BYTES) push(stored.toString('latin1', at, at + HASH_BYTES));
    },
  };
}

function linesOrFault(
  segment: Segment,
  see: (bytes: Buffer, start: number, stop: number) => boolean,
  fail: (fallback: LogFault) => never,
  tree: Tree,
): number {
  try {
    return readLines(segment.records, see);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return fail(faultAt(segment.records, 'changed', tree.size, 'it is longer than any record'));
  }
}
