import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs';

/** A file that only grows. */
export interface AppendFile {
  /** Bytes that are in it for good. */
  readonly length: number;
  /** Adds bytes, all or none. @throws Error of the system, such as ENOSPC; the file is then as it was */
  append(bytes: Uint8Array): void;
  /** Takes back everything behind that length. */
  cutTo(length: number): void;
  close(): void;
}

/**
 * Opens a file to add to it.
 *
 * @param length bytes of it that count; what is behind them is cut off
 * @param isDurable whether what was added is on the disk when `append` returns. (The permission model that the product runs
 *   under has no fdatasync; opened with O_DSYNC each write is one.)
 */
export function openAppendFile(path: string, length: number, isDurable: boolean): AppendFile {
  const { O_WRONLY, O_CREAT, O_APPEND, O_DSYNC, O_NOFOLLOW } = constants;
  // O_NOFOLLOW: never through a link that someone has laid there.
  const fd = openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | (isDurable ? O_DSYNC : 0), 0o600);
  let committed = length;
  let isClean = false;
  const clean = (): void => {
    if (!isClean) ftruncateSync(fd, committed);
    isClean = true;
  };
  try {
    clean();
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    get length() {
      return committed;
    },
    append(bytes) {
      clean(); // of a failure before, whose remains could not be taken back then
      isClean = false;
      try {
        for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
        committed += bytes.length;
        isClean = true;
      } catch (error) {
        cleanIfPossible(clean);
        throw error;
      }
    },
    cutTo(to) {
      committed = to;
      isClean = false;
      cleanIfPossible(clean);
    },
    close: () => closeSync(fd),
  };
}

function cleanIfPossible(clean: () => void): void {
  try {
    clean();
  } catch {
    // Nothing is added before it succeeds: `append` begins with it.
  }
}
