import { parseCheckpoint, type Checkpoint } from './checkpoint.ts';
import { base64OfHash, parseHash, type Hash } from './tree.ts';

/** That a record is in a log, for whoever has the record and the log's key (c2sp.org/tlog-proof). */
export interface TlogProof {
  readonly index: number;
  readonly hashes: readonly Hash[];
  readonly checkpoint: Checkpoint;
}

const TITLE = 'c2sp.org/tlog-proof@v1';

/** @param checkpoint as it is written */
export function formatTlogProof(index: number, hashes: readonly Hash[], checkpoint: string): string {
  return `${TITLE}\nindex ${index}\n${hashes.map((one) => `${base64OfHash(one)}\n`).join('')}\n${checkpoint}`;
}

/** Reads a proof; undefined where it is none. Extra data, which nobody vouches for, is passed over. */
export function parseTlogProof(written: string): TlogProof | undefined {
  const end = written.indexOf('\n\n');
  if (end < 0) return undefined;
  const [title, ...lines] = written.slice(0, end).split('\n');
  if (lines[0]?.startsWith('extra ') === true) lines.shift();
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '')?.[1];
  const hashes = lines.map(parseHash);
  const checkpoint = parseCheckpoint(written.slice(end + 2));
  if (title !== TITLE || index === undefined || checkpoint === undefined) return undefined;
  return hashes.every((one) => one !== undefined) ? { index: Number(index), hashes, checkpoint } : undefined;
}
