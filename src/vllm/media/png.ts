import { has, spells, uint32 } from './bytes.ts';
import type { ImageSize } from './image-size.ts';

const HEAD_BYTES = 8;
/** Length, type and checksum of a chunk. */
const FRAME_BYTES = 12;
/** Encoders write chunks of 8 KiB and more; a file of nothing but empty ones would be a walk without end. */
const MAX_CHUNKS = 10_000;
/** What deflate can make of a byte at most (RFC 1951). */
const MAX_RATIO = 1032;
/** Samples of a pixel by colour type, and the bit depths that it may have (PNG §11.2.1). */
const COLOURS: ReadonlyMap<number, readonly [samples: number, depths: readonly number[]]> = new Map([
  [0, [1, [1, 2, 4, 8, 16]]],
  [2, [3, [8, 16]]],
  [3, [1, [1, 2, 4, 8]]],
  [4, [2, [8, 16]]],
  [6, [4, [8, 16]]],
]);

/**
 * The size of a PNG (third edition, with APNG): `IHDR` first, `IDAT` in one run and large enough for the pixels that
 * `IHDR` promises, `IEND` last and nothing behind it. Nothing is decompressed and no checksum is computed.
 */
export function pngSize(bytes: Uint8Array, maxFrames: number): ImageSize | undefined {
  const header = readHeader(bytes);
  if (header === undefined) return undefined;
  let frames = 1;
  let controls = 0;
  let dataBytes = 0;
  let dataEnded = false;
  let at = HEAD_BYTES + FRAME_BYTES + 13;
  for (let chunks = 0; chunks < MAX_CHUNKS && has(bytes, at, FRAME_BYTES); chunks++) {
    const length = uint32(bytes, at);
    if (!has(bytes, at, FRAME_BYTES + length)) return undefined;
    if (spells(bytes, at + 4, 'IEND')) {
      const isWhole = length === 0 && at + FRAME_BYTES === bytes.length && dataBytes * MAX_RATIO >= header.rawBytes;
      return isWhole ? { width: header.width, height: header.height, frames: Math.max(frames, controls) } : undefined;
    }
    if (spells(bytes, at + 4, 'IDAT')) {
      if (dataEnded) return undefined;
      dataBytes += length;
    } else {
      dataEnded = dataBytes > 0;
      if (spells(bytes, at + 4, 'IHDR')) return undefined;
      if (spells(bytes, at + 4, 'acTL')) frames = Math.max(frames, uint32(bytes, at + 8));
      if (spells(bytes, at + 4, 'fcTL')) controls++;
      if (Math.max(frames, controls) > maxFrames) return { ...header, frames: Math.max(frames, controls) };
    }
    at += FRAME_BYTES + length;
  }
  return undefined;
}

function readHeader(bytes: Uint8Array): { width: number; height: number; rawBytes: number } | undefined {
  if (!has(bytes, 0, HEAD_BYTES + FRAME_BYTES + 13) || !spells(bytes, HEAD_BYTES + 4, 'IHDR')) return undefined;
  if (uint32(bytes, HEAD_BYTES) !== 13) return undefined;
  const width = uint32(bytes, 16);
  const height = uint32(bytes, 20);
  const depth = bytes[24] ?? 0;
  const [samples, depths] = COLOURS.get(bytes[25] ?? 0) ?? [0, []];
  if (!depths.includes(depth) || bytes[26] !== 0 || bytes[27] !== 0 || (bytes[28] ?? 2) > 1) return undefined;
  return { width, height, rawBytes: height * Math.ceil((width * samples * depth) / 8) };
}
