import { closeSync, fstatSync, readSync } from 'node:fs';
import { MAX_LINE_BYTES } from '../../audit-log/line.ts';
import { openRegular } from './folder.ts';

/** Where a line lies in the buffer that it was read into; the byte before it may be written over. */
export type SeeLine = (bytes: Buffer, start: number, end: number) => boolean;

const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads the lines of a file one after another, in memory for one chunk or one line, whichever is longer.
 *
 * @param see is shown each whole line without its newline, and gives false to stop
 * @param from byte at which a line begins
 * @returns bytes behind the last newline that was seen; 0 where it stopped before the end
 * @throws RangeError for a line that is longer than any that is written; Error for what is no file, such as a pipe that never ends
 */
export function readLines(file: string, see: SeeLine, from = 0): number {
  const fd = openRegular(file);
  try {
    return linesOf(fd, see, from);
  } finally {
    closeSync(fd);
  }
}

function linesOf(fd: number, see: SeeLine, begin: number): number {
  // One byte is left free before the first line; one more than the file has shows its end.
  let buffer: Buffer = Buffer.allocUnsafe(1 + Math.min(CHUNK_BYTES, fstatSync(fd).size + 1));
  let kept = 0;
  let at = begin;
  for (;;) {
    if (1 + kept === buffer.length) buffer = grown(buffer);
    const read = readSync(fd, buffer, 1 + kept, buffer.length - 1 - kept, at);
    if (read === 0) return kept;
    at += read;
    const end = 1 + kept + read;
    // What is kept has no newline: it was looked for.
    let from = 1 + kept;
    let start = 1;
    for (;;) {
      const newline = buffer.indexOf(NEWLINE, from);
      if (newline < 0 || newline >= end) break;
      if (!see(buffer, start, newline)) return 0;
      start = newline + 1;
      from = start;
    }
    buffer.copyWithin(1, start, end);
    kept = end - start;
  }
}

function grown(buffer: Buffer): Buffer {
  if (buffer.length > MAX_LINE_BYTES) throw new RangeError('a line is longer than any that is written');
  const larger = Buffer.allocUnsafe(buffer.length * 2);
  buffer.copy(larger);
  return larger;
}
