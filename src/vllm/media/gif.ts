import { has, spells, uint16le } from './bytes.ts';
import type { ImageSize } from './image-size.ts';

const IMAGE = 0x2c;
const EXTENSION = 0x21;
const TRAILER = 0x3b;
const HEAD_BYTES = 13;

/**
 * The size of a GIF (89a): that of its screen, or larger where a frame reaches beyond, for then decoders enlarge it.
 * Every block is walked; as soon as there are more frames than allowed the walk ends.
 */
export function gifSize(bytes: Uint8Array, maxFrames: number): ImageSize | undefined {
  if (!has(bytes, 0, HEAD_BYTES)) return undefined;
  let width = uint16le(bytes, 6);
  let height = uint16le(bytes, 8);
  let frames = 0;
  let at: number | undefined = HEAD_BYTES + tableBytes(bytes[10] ?? 0);
  while (at !== undefined && at < bytes.length) {
    switch (bytes[at]) {
      case TRAILER:
        return frames > 0 ? { width, height, frames } : undefined;
      case EXTENSION:
        if (isReadOnBehind(bytes, at + 2)) return undefined;
        at = behindBlocks(bytes, at + 2);
        break;
      case IMAGE:
        if (!has(bytes, at, 11)) return undefined;
        width = Math.max(width, uint16le(bytes, at + 1) + uint16le(bytes, at + 5));
        height = Math.max(height, uint16le(bytes, at + 3) + uint16le(bytes, at + 7));
        if (++frames > maxFrames) return { width, height, frames };
        at = behindBlocks(bytes, at + 11 + tableBytes(bytes[at + 9] ?? 0));
        break;
      default:
        return undefined;
    }
  }
  return undefined;
}

/** Bytes of the colour table that packed flags announce. */
function tableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

/**
 * Tells whether Pillow reads on behind the empty block that ends an extension. It takes the first block by itself, of
 * NETSCAPE2.0 the second, too, and only then goes on to an empty one: where one of those is empty, what follows the
 * extension here is still data of it there, and a frame of any size hides behind a small one.
 */
function isReadOnBehind(bytes: Uint8Array, start: number): boolean {
  const length = bytes[start] ?? 0;
  if (length === 0) return true;
  return length >= 11 && spells(bytes, start + 1, 'NETSCAPE2.0') && bytes[start + 1 + length] === 0;
}

/** The place behind a run of data blocks and the empty one that ends it. */
function behindBlocks(bytes: Uint8Array, start: number): number | undefined {
  let at = start;
  for (let length = bytes[at]; length !== undefined; length = bytes[at]) {
    at += 1 + length;
    if (length === 0) return at;
  }
  return undefined;
}
