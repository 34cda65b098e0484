import { formatNote, parseNote, type Note, type Signer } from './note.ts';
import type { TreeHead } from './proof.ts';
import { base64OfHash, parseHash } from './tree.ts';

/** A signed tree head (c2sp.org/tlog-checkpoint). */
export interface Checkpoint extends TreeHead {
  /** Which log it is of; also the name of its keys. */
  readonly origin: string;
  readonly note: Note;
}

/** The number in a line: decimal, in its one spelling. */
const NUMBER = /^(?:0|[1-9]\d{0,15})$/;

/** Signs the head of a tree. @returns the note as it is written */
export function signCheckpoint({ size, root }: TreeHead, signer: Signer): string {
  const text = `${signer.verifier.name}\n${size}\n${base64OfHash(root)}\n`;
  return formatNote({ text, signatures: [signer.sign(text)] });
}

/** Reads a checkpoint, of whatever log; undefined where it is none. Extension lines are allowed, as in the standard. */
export function parseCheckpoint(written: string): Checkpoint | undefined {
  const note = parseNote(written);
  const [origin = '', size = '', hash = '', ...more] = note?.text.split('\n') ?? [];
  const root = parseHash(hash);
  if (note === undefined || root === undefined || origin === '' || !NUMBER.test(size)) return undefined;
  // All lines are full; after the last newline there is nothing.
  if (more.pop() !== '' || more.includes('')) return undefined;
  return { origin, size: Number(size), root, note };
}

/** Lines of a checkpoint as this product writes it: three, an empty one, one signature. */
export const CHECKPOINT_LINES = 5;

/** The checkpoints of a file, one after another. */
export interface CheckpointFile {
  readonly checkpoints: readonly Checkpoint[];
  /** Where the last one that can be read ends; less than the text's length where one is torn or damaged. */
  readonly readChars: number;
}

/** Reads checkpoints up to the first that is none, is of another log, or does not go on from the one before. */
export function parseCheckpoints(text: string, origin: string, fromSize: number): CheckpointFile {
  const checkpoints: Checkpoint[] = [];
  let readChars = 0;
  let size = fromSize;
  for (;;) {
    const end = endOfLines(text, readChars, CHECKPOINT_LINES);
    const checkpoint = end === undefined ? undefined : parseCheckpoint(text.slice(readChars, end));
    const isNext = checkpoint !== undefined && checkpoint.size > size && checkpoint.note.signatures.length === 1;
    if (end === undefined || !isNext || checkpoint.origin !== origin) return { checkpoints, readChars };
    checkpoints.push(checkpoint);
    ({ size } = checkpoint);
    readChars = end;
  }
}

/** What stands in a file that checkpoints were copied to, one after another. */
export interface CopiedCheckpoints {
  readonly checkpoints: readonly Checkpoint[];
  /** Lines that belong to none: torn by a full disk, or changed. They vouch for nothing. */
  readonly unreadableLines: number;
}

/** Reads copies: of whatever logs and in whatever order, for a place may be that of several. */
export function parseCopies(text: string): CopiedCheckpoints {
  const checkpoints: Checkpoint[] = [];
  const seen = new Set<string>();
  let unreadableLines = 0;
  for (let at = 0; at < text.length;) {
    const end = endOfLines(text, at, CHECKPOINT_LINES);
    const block = end === undefined ? '' : text.slice(at, end);
    const checkpoint = seen.has(block) ? undefined : parseCheckpoint(block);
    if (end !== undefined && (checkpoint !== undefined || seen.has(block))) {
      if (checkpoint !== undefined) checkpoints.push(checkpoint);
      seen.add(block);
      at = end;
      continue;
    }
    const next = text.indexOf('\n', at);
    // A writer that does not know what stands at the end begins with #.
    if (text[at] !== '#') unreadableLines++;
    at = next < 0 ? text.length : next + 1;
  }
  return { checkpoints, unreadableLines };
}

/** Where so many lines from `start` on end; undefined where there are fewer. */
function endOfLines(text: string, start: number, lines: number): number | undefined {
  let end = start;
  for (let line = 0; line < lines; line++) {
    const newline = text.indexOf('\n', end);
    if (newline < 0) return undefined;
    end = newline + 1;
  }
  return end;
}

/**
 * Of many checkpoints those that are kept once their segment is full: the last, which vouches for all before it, and
 * some to tell where a fault lies. (Each costs whoever verifies a tenth of a millisecond.)
 */
export function thinned(checkpoints: readonly Checkpoint[], atMost: number): readonly Checkpoint[] {
  const { length } = checkpoints;
  if (length <= atMost) return checkpoints;
  return Array.from({ length: atMost }, (_, i) => checkpoints[Math.ceil(((i + 1) * length) / atMost) - 1]).filter(
    (one) => one !== undefined,
  );
}
