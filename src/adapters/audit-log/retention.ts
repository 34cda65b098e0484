import { rmSync } from 'node:fs';
import { timeOf } from '../../audit-log/own-record.ts';
import { segmentsIn, sizeIfThere, type Segment } from './folder.ts';
import { readLines } from './line-reader.ts';

/**
 * The sequence number before which all records are older than that: where a segment begins. A segment is as old as the
 * beginning of the next one.
 *
 * @param keepFrom this record and all behind it stay
 * @returns 0 where nothing is to be deleted
 */
export function deletableBefore(folder: string, olderThanMs: number, keepFrom: number): number {
  const segments = segmentsIn(folder);
  let before = 0;
  for (const [i, segment] of segments.entries()) {
    const next = segments[i + 1];
    if (next === undefined || next.first > keepFrom) break;
    if (isThere(next) && beganAt(next) >= olderThanMs) break;
    if (isThere(segment)) before = next.first;
  }
  return before;
}

const isThere = ({ records }: Segment): boolean => sizeIfThere(records) !== undefined;

/** The time of its first record, which is made when the segment begins; of a damaged one never past. */
function beganAt({ records }: Segment): number {
  let timeMs: number | undefined;
  readLines(records, (bytes, start, end) => {
    timeMs = timeOf(bytes.subarray(start, end));
    return false;
  });
  return timeMs ?? Infinity;
}

/** Deletes the records before that number; their hashes and checkpoints stay, so that the rest can still be verified. */
export function deleteBefore(folder: string, sequence: number): void {
  const segments = segmentsIn(folder);
  for (const [i, { records }] of segments.entries()) {
    if ((segments[i + 1]?.first ?? Infinity) <= sequence) rmSync(records, { force: true });
  }
}
