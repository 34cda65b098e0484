import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { TlsFileError } from './material.ts';

/** The text of a file; undefined where there is none. */
export function readIfThere(file: string): string | undefined {
  return readBytesIfThere(file)?.toString('utf8');
}

function readBytesIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw new TlsFileError(`${file} cannot be read: let this user read it`);
  }
}

/**
 * The text of a file that nobody else may read; undefined where there is none.
 *
 * @throws TlsFileError where others could read it, or another user owns it and could replace it
 */
export function readSecretIfThere(file: string): string | undefined {
  return readSecretBytesIfThere(file)?.toString('utf8');
}

/** The same, as bytes. */
export function readSecretBytesIfThere(file: string): Buffer | undefined {
  let facts;
  try {
    facts = statSync(file);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw new TlsFileError(`${file} cannot be read: let this user read it`);
  }
  const uid = process.getuid?.();
  if (uid !== undefined && facts.uid !== uid && facts.uid !== 0) {
    throw new TlsFileError(`${file} belongs to user ${facts.uid}: chown ${uid} ${file}`);
  }
  // One of root's that a group may read was given to this process on purpose: systemd's credentials, Kubernetes' secrets.
  const isHandedOver = facts.uid === 0 && uid !== 0;
  if ((facts.mode & (isHandedOver ? 0o037 : 0o077)) !== 0)
    throw new TlsFileError(`${file} can be read by others: chmod 600 ${file}`);
  return readBytesIfThere(file);
}

/** Makes a directory that only this user may enter; an existing one is narrowed to that. */
export function makePrivateDir(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if ((statSync(dir).mode & 0o077) !== 0) chmodSync(dir, 0o700);
}

/**
 * Replaces a file whole or not at all, whatever happens on the way: written beside it, through to the disk, renamed.
 * (The permission model that the product runs under has no fsync; opened with O_SYNC each write is one.)
 */
export function writeAtomically(file: string, text: string | Uint8Array, mode: number): void {
  const temporary = `${file}.${process.pid}.tmp`;
  rmSync(temporary, { force: true }); // of a process that was killed here
  // O_EXCL: never through a link that someone has laid there. Narrow from the first byte on.
  const { O_WRONLY, O_CREAT, O_EXCL, O_SYNC } = constants;
  const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_SYNC, 0o600);
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
  if (mode !== 0o600) chmodSync(temporary, mode); // the umask would have narrowed it further
  renameSync(temporary, file);
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
