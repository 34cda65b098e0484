import { readFileSync, rmSync } from 'node:fs';
import { parseCheckpoints, thinned } from '../../audit-log/checkpoint.ts';
import { formatNote } from '../../audit-log/note.ts';
import { leafHashIn, type Hash } from '../../audit-log/tree.ts';
import { writeAtomically } from '../tls/private-files.ts';
import { openAppendFile, type AppendFile } from './append-file.ts';
import { bytesIfThere, MAX_CHECKPOINT_FILE_BYTES, type Segment } from './folder.ts';

/** The files of the segment that is written. */
export interface SegmentWriter {
  readonly first: number;
  /** Bytes of records. */
  readonly bytes: number;
  /** Checkpoints in it. */
  readonly checkpoints: number;
  /** Adds lines, all or none. @returns their hashes; the lines are on the disk @throws Error of the system */
  append(lines: readonly string[]): readonly Hash[];
  /** Adds a checkpoint as it is written; it is on the disk afterwards. @throws Error of the system */
  addCheckpoint(note: string): void;
  /** Nothing more comes into it: its hashes go through to the disk, and only some of its checkpoints stay. */
  seal(origin: string): void;
  close(): void;
  /** Takes the files away: nothing came into them. */
  remove(): void;
}

/** Checkpoints that a full segment keeps. */
const KEPT_CHECKPOINTS = 64;
const NEWLINE = 0x0a;

/**
 * Opens a segment's files to add to them.
 *
 * @param lengths bytes of each that count: what is behind is cut off
 */
export function openSegmentWriter(
  segment: Segment,
  lengths: { readonly records: number; readonly hashes: number; readonly checkpoints: number },
): SegmentWriter {
  const records = openAppendFile(segment.records, lengths.records, true);
  // Not through to the disk: whatever is missing after a loss of power is made from the records.
  let hashes = openAppendFile(segment.hashes, lengths.hashes, false);
  let checkpoints = openAppendFile(segment.checkpoints, lengths.checkpoints, true);
  let count = 0;
  const close = (): void => [records, hashes, checkpoints].forEach((file) => file.close());

  return {
    first: segment.first,
    get bytes() {
      return records.length;
    },
    get checkpoints() {
      return count;
    },
    append(lines) {
      const [recordsBefore, hashesBefore] = [records.length, hashes.length];
      const bytes = Buffer.from(`\n${lines.join('\n')}\n`);
      const leaves = leavesIn(bytes);
      records.append(bytes.subarray(1));
      try {
        hashes.append(Buffer.from(leaves.join(''), 'latin1'));
      } catch (error) {
        hashes.cutTo(hashesBefore);
        records.cutTo(recordsBefore);
        throw error;
      }
      return leaves;
    },
    addCheckpoint(note) {
      checkpoints.append(Buffer.from(note));
      count++;
    },
    seal(origin) {
      hashes = rewritten(hashes, segment.hashes, readFileSync(segment.hashes), false);
      const text = bytesIfThere(segment.checkpoints, MAX_CHECKPOINT_FILE_BYTES)?.toString() ?? '';
      const all = parseCheckpoints(text, origin, segment.first).checkpoints;
      const kept = thinned(all, KEPT_CHECKPOINTS);
      if (kept.length === all.length) return;
      const bytes = Buffer.from(kept.map(({ note }) => formatNote(note)).join(''));
      checkpoints = rewritten(checkpoints, segment.checkpoints, bytes, true);
    },
    close,
    remove() {
      close();
      for (const file of [segment.records, segment.hashes, segment.checkpoints]) rmSync(file, { force: true });
    },
  };
}

/** Replaces a file whole, through to the disk. Where that fails the one before goes on. */
function rewritten(before: AppendFile, path: string, bytes: Uint8Array, isDurable: boolean): AppendFile {
  writeAtomically(path, bytes, 0o600);
  const after = openAppendFile(path, bytes.length, isDurable);
  before.close();
  return after;
}

/** Hashes of the lines of a group that begins and ends with a newline. */
function leavesIn(bytes: Buffer): Hash[] {
  const leaves: Hash[] = [];
  for (let start = 1; start < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, start);
    leaves.push(leafHashIn(bytes, start, end));
    bytes[start - 1] = NEWLINE;
    start = end + 1;
  }
  return leaves;
}
