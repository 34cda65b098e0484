import { parseCheckpoints, type Checkpoint } from '../../audit-log/checkpoint.ts';
import { formatNote } from '../../audit-log/note.ts';
import { consistencyProof, inclusionProof, provesConsistency, provesInclusion } from '../../audit-log/proof.ts';
import { parseKeyChain } from '../../audit-log/statement.ts';
import { createTree, HASH_BYTES, leafHash, type Hash } from '../../audit-log/tree.ts';
import { bytesIfThere, MAX_CHECKPOINT_FILE_BYTES, MAX_HASH_FILE_BYTES, segmentsIn, sizeIfThere } from './folder.ts';
import type { AuditLogPlaces, Segment } from './folder.ts';
import { readLines } from './line-reader.ts';

/** There is no such proof; `message` says why. */
export class NoProof extends Error {
  readonly code = 'no_proof';
}

/** That a record is in the log, as of its last checkpoint. */
export interface RecordProof {
  readonly sequence: number;
  /** The line, without its newline; undefined where retention has deleted it. */
  readonly record: Buffer | undefined;
  readonly leaf: Hash;
  readonly hashes: readonly Hash[];
  readonly checkpoint: Checkpoint;
  /** The checkpoint as it is written. */
  readonly checkpointText: string;
}

/** That the log is the same as when an earlier checkpoint was signed, and longer. */
export interface GrowthProof {
  readonly oldSize: number;
  readonly hashes: readonly Hash[];
  readonly checkpointText: string;
}

type Places = Pick<AuditLogPlaces, 'folder' | 'keyChain'>;

/** Proves that a record is in the log. Reads the hashes of all records. @throws NoProof */
export function proveRecord(places: Places, sequence: number): RecordProof {
  const segments = segmentsIn(places.folder);
  const checkpoint = lastCheckpoint(places, segments);
  const { size, root } = checkpoint;
  if (sequence >= size) throw new NoProof(`record ${sequence} is not signed: ${size} records are`);
  const hashes = inclusionProof((from, to) => rootOf(segments, from, to), sequence, size);
  const record = recordAt(segments, sequence);
  const leaf = record === undefined ? rootOf(segments, sequence, sequence + 1) : leafHash(record);
  if (!provesInclusion(leaf, sequence, size, hashes, root)) throw broken();
  return { sequence, record, leaf, hashes, checkpoint, checkpointText: formatNote(checkpoint.note) };
}

/** Proves that the log goes on from an earlier checkpoint of it. @throws NoProof */
export function proveGrowth(places: Places, old: Checkpoint): GrowthProof {
  const segments = segmentsIn(places.folder);
  const now = lastCheckpoint(places, segments);
  if (old.origin !== now.origin) throw new NoProof(`the checkpoint is of the log ${old.origin}, this is ${now.origin}`);
  if (old.size > now.size) throw new NoProof(`the checkpoint is over ${old.size} records, the log has ${now.size}`);
  const hashes = consistencyProof((from, to) => rootOf(segments, from, to), old.size, now.size);
  if (!provesConsistency(old, now, hashes)) throw broken();
  return { oldSize: old.size, hashes, checkpointText: formatNote(now.note) };
}

const broken = (): NoProof => new NoProof('the log does not hold: run "sallyport audit-log verify"');

function lastCheckpoint({ keyChain }: Places, segments: readonly Segment[]): Checkpoint {
  const chain = parseKeyChain(bytesIfThere(keyChain, MAX_CHECKPOINT_FILE_BYTES)?.toString() ?? '');
  // The last segment may be younger than its first checkpoint.
  for (const { checkpoints, first } of segments.slice(-2).toReversed()) {
    const text = bytesIfThere(checkpoints, MAX_CHECKPOINT_FILE_BYTES)?.toString() ?? '';
    const last = chain === undefined ? undefined : parseCheckpoints(text, chain.origin, first).checkpoints.at(-1);
    if (last !== undefined) return last;
  }
  throw new NoProof('there is no checkpoint of the log');
}

/** Root over some records, from the files of hashes. */
function rootOf(segments: readonly Segment[], from: number, to: number): Hash {
  const tree = createTree();
  for (const [i, { first, hashes }] of segments.entries()) {
    const end = segments[i + 1]?.first ?? Infinity;
    if (end <= from || first >= to) continue;
    const stored = bytesIfThere(hashes, MAX_HASH_FILE_BYTES) ?? Buffer.alloc(0);
    for (let at = Math.max(from, first); at < Math.min(to, end); at++) {
      const offset = (at - first) * HASH_BYTES;
      if (offset + HASH_BYTES > stored.length) throw broken();
      tree.push(stored.toString('latin1', offset, offset + HASH_BYTES));
    }
  }
  if (tree.size !== to - from) throw broken();
  return tree.root();
}

function recordAt(segments: readonly Segment[], sequence: number): Buffer | undefined {
  const segment = segments.findLast(({ first }) => first <= sequence);
  if (segment === undefined || sizeIfThere(segment.records) === undefined) return undefined;
  let at = segment.first;
  let found: Buffer | undefined;
  readLines(segment.records, (bytes, start, end) => {
    if (at++ < sequence) return true;
    found = Buffer.from(bytes.subarray(start, end));
    return false;
  });
  return found;
}
