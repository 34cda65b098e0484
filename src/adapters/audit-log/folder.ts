import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where a log lies. */
export interface AuditLogPlaces {
  /** The folder of segments, checkpoints and statements. */
  readonly folder: string;
  /** Statements of the keys that sign. */
  readonly keyChain: string;
  /** The statement of what is deleted. */
  readonly retention: string;
  /** The key to check with. Beside the folder, so that who replaces the one does not have the other. */
  readonly publicKey: string;
  /** A copy of the last checkpoint, beside the folder: it tells when all of the folder is set back. */
  readonly lastCheckpoint: string;
  /** The private key, and one that is to take its place. */
  readonly key: string;
  readonly nextKey: string;
}

/** Places in a state directory. */
export function auditLogPlaces(stateDir: string): AuditLogPlaces {
  return {
    ...placesOfFolder(join(stateDir, 'audit-log')),
    key: join(stateDir, 'keys', 'audit-log.key'),
    nextKey: join(stateDir, 'keys', 'audit-log.key.next'),
  };
}

/** Places of a folder that was copied somewhere: without private keys. */
export function placesOfFolder(folder: string): Omit<AuditLogPlaces, 'key' | 'nextKey'> {
  return {
    folder,
    keyChain: join(folder, 'keys'),
    retention: join(folder, 'retention'),
    publicKey: join(dirname(folder), 'audit-log.pub'),
    lastCheckpoint: join(dirname(folder), 'audit-log.checkpoint'),
  };
}

/** One segment: so many records one after another, in files that are named for the first. */
export interface Segment {
  /** Sequence number of its first record. */
  readonly first: number;
  readonly records: string;
  readonly hashes: string;
  readonly checkpoints: string;
}

/** Larger files are not written here: whoever reads one would be led to fill the memory. */
export const MAX_HASH_FILE_BYTES = 512 * 1024 * 1024;
/** The same for checkpoints, and for statements. */
export const MAX_CHECKPOINT_FILE_BYTES = 16 * 1024 * 1024;
/** Most bytes of a file that checkpoints were copied to: one each minute of ten years. */
export const MAX_COPIES_FILE_BYTES = 1024 * 1024 * 1024;
/** Most bytes of a file of statements, or of one checkpoint. */
export const MAX_STATEMENT_BYTES = 1024 * 1024;

const DIGITS = 16;
const NAME = /^(\d{16})\.(?:jsonl|hashes|checkpoints)$/;

/** Paths of the segment that begins with a record. */
export function segmentOf(folder: string, first: number): Segment {
  const stem = join(folder, String(first).padStart(DIGITS, '0'));
  return { first, records: `${stem}.jsonl`, hashes: `${stem}.hashes`, checkpoints: `${stem}.checkpoints` };
}

/** Segments of which any file is there, in their order. Nothing where there is no folder. */
export function segmentsIn(folder: string): readonly Segment[] {
  const firsts = new Set(namesIn(folder).flatMap((name) => NAME.exec(name)?.[1] ?? []));
  return [...firsts].sort().map((first) => segmentOf(folder, Number(first)));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

/** The bytes of a file; undefined where there is none. @throws Error where it cannot be read, or is larger than `atMost` */
export function bytesIfThere(file: string, atMost: number): Buffer | undefined {
  try {
    const found = statSync(file);
    const { size } = found;
    if (!found.isFile()) throw new RangeError(`${file} is no regular file`);
    if (size > atMost) throw new RangeError(`${file} is larger than ${atMost} bytes: no such file is written here`);
    return readFileSync(file);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/**
 * Opens a file for reading. Opening a pipe would wait for somebody who writes into it.
 *
 * @throws Error for what is no regular file
 */
export function openRegular(file: string): number {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new Error(`${file} is no regular file`);
}

/** Bytes of a file; undefined where there is none. */
export const sizeIfThere = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.size;

const isAbsence = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
