import { closeSync, constants, openSync, writeSync } from 'node:fs';

/**
 * Adds a checkpoint at the end of a file, through to its disk. Never truncates: the file may be one that the system lets
 * only grow.
 *
 * @param isEndKnown false where a crash or a full disk may have left half a checkpoint at the end: a line that begins with #
 *   ends that, so that it can be taken for no signature
 */
export function addCheckpoint(file: string, text: string, isEndKnown: boolean): void {
  const { O_WRONLY, O_CREAT, O_APPEND, O_DSYNC, O_NOFOLLOW } = constants;
  // O_NOFOLLOW: never through a link that someone has laid there.
  const fd = openSync(file, O_WRONLY | O_CREAT | O_APPEND | O_DSYNC | O_NOFOLLOW, 0o644);
  try {
    const bytes = Buffer.from(isEndKnown ? text : `#\n${text}`);
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
  } finally {
    closeSync(fd);
  }
}
