import { basename } from 'node:path';
import { parseCheckpoint, parseCopies, type Checkpoint } from '../../audit-log/checkpoint.ts';
import type { Fault } from '../../audit-log/fault.ts';
import { isSignedBy, type Verifier } from '../../audit-log/note.ts';
import type { OwnRecord } from '../../audit-log/own-record.ts';
import type { TreeHead } from '../../audit-log/proof.ts';
import {
  hasKey,
  headsOfKeys,
  keyAt,
  parseKeyChain,
  parseRetention,
  sizeAtLastKey,
  type KeyChain,
} from '../../audit-log/statement.ts';
import { createTree } from '../../audit-log/tree.ts';
import { createUnsigned, MOST_UNSIGNED_MS, type Unsigned } from '../../audit-log/unsigned.ts';
import {
  bytesIfThere,
  MAX_COPIES_FILE_BYTES,
  MAX_STATEMENT_BYTES,
  segmentOf,
  segmentsIn,
  type Segment,
} from './folder.ts';
import { checkSegment, LogFault, type CheckedSegment } from './segment-check.ts';

/** What a log is checked with: files and a public key, nothing else. */
export interface VerifyInput {
  readonly folder: string;
  readonly keyChain: string;
  readonly retention: string;
  /** Any key that has ever signed the log. */
  readonly key: Verifier;
  /** Files of one checkpoint each that were kept elsewhere. */
  readonly copies: readonly string[];
  /** Files that checkpoints were copied to, many in each. */
  readonly copyFiles?: readonly string[];
}

/** What was compared with the log besides its own checkpoints. */
export interface Copied {
  /** Checkpoints of this log; all of them hold. */
  readonly checkpoints: number;
  /** Names of other logs that stand there, too: one of them may have been here before this one. */
  readonly otherLogs: readonly string[];
  readonly unreadableLines: number;
}

/** A log that holds. */
export interface WholeLog {
  readonly kind: 'whole';
  /** Which log it is. */
  readonly origin: string;
  /** Records that were ever written; the next one has this sequence number. */
  readonly size: number;
  /** How many of them are signed; those behind were written in the second before the end. */
  readonly signed: number;
  /** Records before this one are deleted by retention, or may be. */
  readonly deletedBefore: number;
  /** `closed`: its last record says so. `open`: it is being written, the gateway has crashed, or the end is gone. */
  readonly state: 'open' | 'closed';
  /** Bytes of a torn last line, which were acknowledged to nobody. */
  readonly tornBytes: number;
  /** How many times the gateway began anew without having closed the log. */
  readonly crashes: number;
  readonly gaps: readonly Extract<OwnRecord, { event: 'gap' }>[];
  /** How many times the clock was set back. */
  readonly clocksSetBack: number;
  /** Keys that have signed, in their order; `name+hash+base64`. */
  readonly keys: readonly string[];
  /** Bytes of records that were read. */
  readonly bytes: number;
  /** Undefined where no file of copies was given. */
  readonly copied: Copied | undefined;
}

/** A log that does not hold. */
export interface BrokenLog {
  readonly kind: 'broken';
  readonly fault: Fault;
}

/**
 * Checks a log from its first record to its last, in the memory of one segment's hashes. It may be written meanwhile.
 *
 * @throws Error where a file cannot be read
 */
export function verifyLog(input: VerifyInput): WholeLog | BrokenLog {
  try {
    return checkLog(input);
  } catch (error) {
    if (error instanceof LogFault) return { kind: 'broken', fault: error.fault };
    throw error;
  }
}

function checkLog(input: VerifyInput): WholeLog {
  // Before the segments: what they vouch for was written first.
  const chain = chainOf(input);
  const copied = input.copyFiles === undefined ? undefined : copiedIn(input.copyFiles, chain);
  const keyFile = basename(input.keyChain);
  const copies = [
    ...headsOfKeys(chain).map((head) => ({ ...head, file: keyFile })),
    ...input.copies.flatMap((file) => copyOf(file, chain)),
    ...(copied?.heads ?? []),
  ];
  const deletedBefore = deletedOf(input.retention, chain);
  const segments = segmentsIn(input.folder);
  const seen = createSeen(input.folder);
  const tree = createTree();
  let last: CheckedSegment | undefined;
  let bytes = 0;
  const unsigned = createUnsigned();
  for (const [i, segment] of segments.entries()) {
    checkPlace(segment, tree.size);
    const end = segments[i + 1]?.first;
    last = checkSegment(segment, tree, {
      chain,
      end,
      deletedBefore,
      copies,
      sawOwn: seen.own,
      sawUnsigned: unsigned.saw,
    });
    bytes += last.bytes;
  }
  const { size } = tree;
  const statements = [
    { size: sizeAtLastKey(chain), file: keyFile },
    { size: deletedBefore, file: basename(input.retention) },
  ];
  checkLength([...copies, ...statements], size, segments.at(-1));
  const covered = last?.covered ?? 0;
  checkUnsigned(unsigned.told(), covered, segments.at(-1));
  seen.checkDeleted(deletedBefore, covered, input.retention);
  const state = seen.stateAt(size, covered, last?.tornBytes ?? 0, segments.at(-1));
  return {
    kind: 'whole',
    origin: chain.origin,
    size,
    signed: covered,
    deletedBefore,
    state,
    tornBytes: last?.tornBytes ?? 0,
    ...seen.told(),
    keys: chain.links.map(({ verifier }) => verifier.text),
    bytes,
    copied: copied?.told,
  };
}

/** The keys of the log, if the given one is among them. */
function chainOf({ keyChain, key }: VerifyInput): KeyChain {
  const file = basename(keyChain);
  const text = bytesIfThere(keyChain, MAX_STATEMENT_BYTES)?.toString();
  const chain = text === undefined ? undefined : parseKeyChain(text);
  if (chain === undefined) {
    const what = text === undefined ? 'the file is gone' : 'a statement of the keys is damaged';
    throw new LogFault({ kind: 'bad-statement', sequence: 0, file, what });
  }
  if (hasKey(chain, key)) return chain;
  const isForeign = chain.origin !== key.name;
  const what = isForeign
    ? `the log is ${chain.origin}, the key is of ${key.name}`
    : 'the key has never signed this log';
  throw new LogFault({ kind: isForeign ? 'foreign' : 'bad-signature', sequence: 0, file, what });
}

type KeptHead = TreeHead & { readonly file: string };

/** A checkpoint that was kept elsewhere; nothing where there is no such file. */
function copyOf(path: string, chain: KeyChain): KeptHead[] {
  const text = bytesIfThere(path, MAX_STATEMENT_BYTES)?.toString();
  if (text === undefined) return [];
  const file = basename(path);
  const found = parseCheckpoint(text);
  const fail = (kind: Fault['kind'], what: string) => new LogFault({ kind, sequence: 0, file, what });
  if (found === undefined) throw fail('bad-checkpoint', 'the kept checkpoint is damaged');
  if (found.origin !== chain.origin) throw fail('foreign', `the kept checkpoint is of the log ${found.origin}`);
  return [headOf(found, chain, file)];
}

/** Files of many checkpoints. @throws LogFault where they hold none of this log: then it is another one */
function copiedIn(paths: readonly string[], chain: KeyChain): { heads: readonly KeptHead[]; told: Copied } {
  const heads: KeptHead[] = [];
  const otherLogs = new Set<string>();
  let unreadableLines = 0;
  for (const path of paths) {
    const file = basename(path);
    const found = parseCopies(bytesIfThere(path, MAX_COPIES_FILE_BYTES)?.toString() ?? '');
    const own = found.checkpoints.filter(({ origin }) => origin === chain.origin);
    for (const { origin } of found.checkpoints) if (origin !== chain.origin) otherLogs.add(origin);
    if (own.length === 0) {
      const what = `it has no checkpoint of the log ${chain.origin}${otherLogs.size === 0 ? '' : ', but of others'}`;
      throw new LogFault({ kind: 'foreign', sequence: 0, file, what });
    }
    for (const one of own) heads.push(headOf(one, chain, file));
    unreadableLines += found.unreadableLines;
  }
  return { heads, told: { checkpoints: heads.length, otherLogs: [...otherLogs], unreadableLines } };
}

/** @throws LogFault where no key of the log has signed it: the log was written anew with another one */
function headOf({ size, root, note }: Checkpoint, chain: KeyChain, file: string): KeptHead {
  const key = keyAt(chain, size);
  if (key !== undefined && isSignedBy(note, key)) return { size, root, file };
  const what = `no key of this log has signed the kept checkpoint over ${size} records`;
  throw new LogFault({ kind: 'bad-signature', sequence: 0, file, what });
}

function deletedOf(retention: string, chain: KeyChain): number {
  const text = bytesIfThere(retention, MAX_STATEMENT_BYTES)?.toString();
  if (text === undefined) return 0;
  const before = parseRetention(text, chain);
  if (before !== undefined) return before;
  const what = 'the statement of what is deleted is damaged';
  throw new LogFault({ kind: 'bad-statement', sequence: 0, file: basename(retention), what });
}

function checkPlace({ first, records }: Segment, size: number): void {
  if (first === size) return;
  const file = basename(records);
  if (first > size) {
    const what = `no file has the records from here to ${first - 1}`;
    throw new LogFault({ kind: 'missing', sequence: size, last: first - 1, file, what });
  }
  throw new LogFault({ kind: 'inserted', sequence: first, file, what: 'two files have this record' });
}

/** Whatever is signed about the log elsewhere was signed when it had so many records. */
function checkLength(signed: readonly { size: number; file: string }[], size: number, last: Segment | undefined): void {
  const ahead = signed.find((one) => one.size > size);
  if (ahead === undefined) return;
  const what = `the log ends here, and ${ahead.file} is over ${ahead.size} records`;
  throw new LogFault({
    kind: 'truncated',
    sequence: size,
    file: last === undefined ? '' : basename(last.records),
    what,
  });
}

/** @throws LogFault where checkpoints that were made once are not there */
function checkUnsigned({ records, spanMs }: Unsigned, covered: number, last: Segment | undefined): void {
  if (spanMs <= MOST_UNSIGNED_MS || last === undefined) return;
  const what = `no checkpoint is over the last ${records} records, which span ${Math.round(spanMs / 1000)} s; one is made each second`;
  const file = basename(last.checkpoints);
  throw new LogFault({ kind: 'bad-checkpoint', sequence: covered, last: covered + records - 1, file, what });
}

/**
 * A start signs what it finds. Whoever has written behind the last checkpoint while no gateway ran has had that vouched for.
 *
 * @throws LogFault where that was more than a crash leaves
 */
function checkFound(
  { foundUnsigned, unsignedMs }: Extract<OwnRecord, { event: 'open' }>,
  sequence: number,
  folder: string,
): void {
  if (unsignedMs <= MOST_UNSIGNED_MS) return;
  const first = Math.max(0, sequence - foundUnsigned);
  const what = `a start of the gateway found no checkpoint over these ${foundUnsigned} records, which span ${Math.round(unsignedMs / 1000)} s, and has signed them as they were`;
  const file = basename(segmentOf(folder, sequence).records);
  throw new LogFault({ kind: 'bad-checkpoint', sequence: first, last: sequence - 1, file, what });
}

/** What the log says of itself, while it is read. */
function createSeen(folder: string) {
  const gaps: Extract<OwnRecord, { event: 'gap' }>[] = [];
  let [crashes, clocksSetBack, closedAt] = [0, 0, -1];
  const retained: { readonly deletedBefore: number; readonly sequence: number }[] = [];
  return {
    own: (record: OwnRecord, sequence: number): void => {
      if (record.event === 'gap') gaps.push(record);
      if (record.event === 'clock') clocksSetBack++;
      if (record.event === 'close') closedAt = sequence;
      if (record.event === 'retain') retained.push({ deletedBefore: record.deletedBefore, sequence });
      if (record.event !== 'open') return;
      if (record.why === 'start' && !record.isAfterClose) crashes++;
      checkFound(record, sequence, folder);
    },
    told: () => ({ gaps, crashes, clocksSetBack }),
    /**
     * The log says what is deleted before that is said beside it, in a record that is signed. Else a key that was stolen, and is
     * not in use any more, could have everything deleted that came after it.
     *
     * @throws LogFault
     */
    checkDeleted(before: number, covered: number, statement: string): void {
      const told = retained.filter(({ sequence }) => sequence < covered).map(({ deletedBefore }) => deletedBefore);
      if (before <= Math.max(0, ...told)) return;
      const what = `no record of the log says that those before ${before} are deleted`;
      throw new LogFault({ kind: 'bad-statement', sequence: 0, file: basename(statement), what });
    },
    /** @throws LogFault where something stands behind the end, or the end is not signed */
    stateAt(size: number, covered: number, tornBytes: number, last: Segment | undefined): 'open' | 'closed' {
      const file = last === undefined ? '' : basename(last.records);
      const isLastSegment = closedAt >= (last?.first ?? 0);
      if (!isLastSegment || closedAt < 0) return 'open';
      if (closedAt >= covered) {
        const what =
          'the log was closed, and the checkpoint over its end is gone (a start of the gateway signs it anew)';
        throw new LogFault({ kind: 'bad-checkpoint', sequence: covered, last: closedAt, file, what });
      }
      if (size === closedAt + 1 && tornBytes === 0) return 'closed';
      throw new LogFault({ kind: 'inserted', sequence: closedAt + 1, file, what: 'the log was closed before it' });
    },
  };
}
