import type { Fault, FaultKind } from '../../audit-log/fault.ts';
import { sequenceIn } from '../../audit-log/line.ts';
import { readOwn } from '../../audit-log/own-record.ts';
import type { TreeHead } from '../../audit-log/proof.ts';
import { createTree, HASH_BYTES, leafHashIn, type Hash } from '../../audit-log/tree.ts';
import { basename } from 'node:path';
import type { Segment } from './folder.ts';
import { readLines } from './line-reader.ts';

/** A segment that does not fit, with what is known of it. */
export interface BadSegment {
  readonly segment: Segment;
  readonly origin: string;
  /** Frontier of the tree before its first record. */
  readonly frontier: readonly Hash[];
  /** Its signed checkpoints, in order; the signatures count. */
  readonly heads: readonly TreeHead[];
  /** First record of the next segment; undefined for the last one. */
  readonly end: number | undefined;
  /** The file of hashes. */
  readonly stored: Buffer;
}

/**
 * Finds the first bad record of a segment, and what is wrong with it. The file of hashes says what each record was, if it
 * fits the checkpoints; so only who changes both of them, alike, leaves more than one record in doubt.
 *
 * @returns undefined where the segment fits its checkpoints
 */
export function diagnose(bad: BadSegment): Fault | undefined {
  const { segment, heads, frontier } = bad;
  const stored = leavesIn(bad.stored);
  const { leaves: actual, torn } = leavesOf(segment, bad.end);
  const covered = heads.at(-1)?.size ?? segment.first;
  const goodStored = goodSize(stored, segment.first, frontier, heads);
  const goodActual = goodSize(actual, segment.first, frontier, heads);
  if (goodStored === covered) return recordFault(bad, stored, actual, torn);
  if (goodActual === covered) return hashFault(bad, stored, actual);
  return bothFault(bad, Math.max(goodStored, goodActual), actual.length);
}

const leavesIn = (stored: Buffer): Hash[] =>
  Array.from({ length: Math.floor(stored.length / HASH_BYTES) }, (_, i) =>
    stored.toString('latin1', i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );

/** Hashes of the records as they are; no more of them than it takes to see that there are too many. */
function leavesOf(segment: Segment, end: number | undefined): { leaves: Hash[]; torn: number } {
  const leaves: Hash[] = [];
  const most = end === undefined ? Infinity : end - segment.first + 1;
  const see = (bytes: Buffer, start: number, stop: number): boolean => {
    leaves.push(leafHashIn(bytes, start, stop));
    return leaves.length < most;
  };
  try {
    return { leaves, torn: readLines(segment.records, see) };
  } catch (error) {
    if (error instanceof RangeError) return { leaves, torn: 1 };
    throw error;
  }
}

/** Size of the largest signed tree that these leaves make. */
function goodSize(
  leaves: readonly Hash[],
  first: number,
  frontier: readonly Hash[],
  heads: readonly TreeHead[],
): number {
  const tree = createTree(first, frontier);
  let good = first;
  for (const { size, root } of heads) {
    if (size > first + leaves.length) break;
    while (tree.size < size) tree.push(leaves[tree.size - first] ?? '');
    if (tree.root() === root) good = size;
  }
  return good;
}

/** The hashes say what each record was. */
function recordFault(
  bad: BadSegment,
  stored: readonly Hash[],
  actual: readonly Hash[],
  torn: number,
): Fault | undefined {
  const { segment, end } = bad;
  const known = end === undefined ? stored.length : end - segment.first;
  const at = firstDifference(stored.slice(0, known), actual);
  if (at === undefined) {
    if (end === undefined) return undefined;
    if (actual.length > known) return fault(bad, 'inserted', end, 'there are more records than were written');
    return torn > 0 ? fault(bad, 'inserted', end, 'there is more than the records that were written') : undefined;
  }
  const sequence = segment.first + at;
  if (at >= actual.length) {
    return torn > 0
      ? fault(bad, 'changed', sequence, 'the record has no end')
      : fault(bad, 'truncated', sequence, 'the file ends before this record');
  }
  const places = new Map(stored.map((leaf, i) => [leaf, i]));
  const [kind, what] = kindAt(bad, at, stored, actual, places);
  return fault(bad, kind, sequence, what);
}

function kindAt(
  bad: BadSegment,
  at: number,
  stored: readonly Hash[],
  actual: readonly Hash[],
  places: ReadonlyMap<Hash, number>,
): [FaultKind, string] {
  const place = places.get(actual[at] ?? '');
  const wanted = stored[at] ?? '';
  if (place !== undefined && place < at) return ['inserted', 'an earlier record stands here once more'];
  if (place !== undefined) {
    return actual.includes(wanted)
      ? ['out-of-order', `record ${bad.segment.first + place} stands in its place`]
      : ['missing', `record ${bad.segment.first + place} follows`];
  }
  if (actual[at + 1] === wanted) return ['inserted', 'a record that was not written stands before this one'];
  return strangerAt(bad, at);
}

/** A line that is none of the segment's. */
function strangerAt({ segment, origin, end }: BadSegment, at: number): [FaultKind, string] {
  let kind: [FaultKind, string] = ['changed', 'the record is not what was written'];
  let index = 0;
  readLines(segment.records, (bytes, start, stop) => {
    if (index++ < at) return true;
    const line = bytes.subarray(start, stop);
    const own = readOwn(line);
    const sequence = sequenceIn(line);
    const isElsewhere = sequence !== undefined && (sequence < segment.first || sequence >= (end ?? Infinity));
    if (own?.event === 'open' && own.log !== origin) kind = ['foreign', 'the file belongs to another log'];
    else if (isElsewhere) kind = ['out-of-order', `a record with the number ${sequence} stands in its place`];
    return false;
  });
  return kind;
}

/** The records are whole: the checkpoints say so. */
function hashFault(bad: BadSegment, stored: readonly Hash[], actual: readonly Hash[]): Fault | undefined {
  const at = firstDifference(actual, stored) ?? actual.length;
  const isShort = at >= stored.length;
  const what = isShort
    ? 'the file of hashes ends before this record; the records are whole'
    : 'the hash of this record is damaged; the record is whole';
  return { ...fault(bad, 'bad-hashes', bad.segment.first + at, what), file: basename(bad.segment.hashes) };
}

/** Records and hashes both do not fit the checkpoint: all that it covers beyond the last good one are in doubt. */
function bothFault(bad: BadSegment, good: number, count: number): Fault {
  const next = bad.heads.find(({ size }) => size > good)?.size ?? good + 1;
  const records = bad.segment.first + count;
  if (records < next) return fault(bad, 'truncated', records, `the file ends before it; ${next} records were signed`);
  const what = 'the records and their hashes were changed since they were signed';
  return { ...fault(bad, 'changed', good, what), last: next - 1 };
}

function firstDifference(wanted: readonly Hash[], found: readonly Hash[]): number | undefined {
  const at = wanted.findIndex((leaf, i) => found[i] !== leaf);
  return at < 0 ? undefined : at;
}

const fault = ({ segment }: BadSegment, kind: FaultKind, sequence: number, what: string): Fault => ({
  kind,
  sequence,
  file: basename(segment.records),
  what,
});
