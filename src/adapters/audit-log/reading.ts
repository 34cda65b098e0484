import { closeSync, readSync } from 'node:fs';
import { MAX_LINE_BYTES } from '../../audit-log/line.ts';
import { openRegular, type Segment } from './folder.ts';

const CHUNK_BYTES = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads the whole lines of a segment from a place on. A last line without its end is being written, and left out.
 *
 * @param see is shown each line with the bytes before it in the file
 * @returns bytes up to the end of the last whole line
 */
export function readLinesFrom(segment: Segment, from: number, see: (line: string, at: number) => void): number {
  const fd = openRegular(segment.records);
  try {
    let buffer: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let at = from;
    for (;;) {
      const read = readSync(fd, buffer, 0, buffer.length, at);
      const last = read === 0 ? -1 : buffer.lastIndexOf(NEWLINE, read - 1);
      if (last < 0) {
        if (read < buffer.length || buffer.length > MAX_LINE_BYTES) return at;
        buffer = Buffer.allocUnsafe(buffer.length * 2); // a line that is longer than the chunk
        continue;
      }
      for (let start = 0; start <= last;) {
        const end = buffer.indexOf(NEWLINE, start);
        see(buffer.toString('utf8', start, end), at + start);
        start = end + 1;
      }
      at += last + 1;
    }
  } finally {
    closeSync(fd);
  }
}

/** The text at a place of a segment. */
export function textAt(segment: Segment, at: number, length: number): string {
  const fd = openRegular(segment.records);
  try {
    const buffer = Buffer.alloc(Math.min(length, MAX_LINE_BYTES));
    const read = readSync(fd, buffer, 0, buffer.length, at);
    return buffer.toString('utf8', 0, read);
  } finally {
    closeSync(fd);
  }
}
