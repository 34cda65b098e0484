import { has, spells, uint16le, uint24le, uint32le } from './bytes.ts';
import type { ImageSize } from './image-size.ts';

const HEAD_BYTES = 12;
const MAX_CHUNKS = 10_000;
const IS_ANIMATED = 0x02;

/**
 * The size of a WebP (RFC 9649): lossy (`VP8 `), lossless (`VP8L`) or extended (`VP8X`), whose canvas the still image
 * inside has to fill. The frames of an animation are counted.
 */
export function webpSize(bytes: Uint8Array, maxFrames: number): ImageSize | undefined {
  // A byte of padding may or may not be counted in (RFC 9649 §2.3).
  const announced = uint32le(bytes, 4) + 8;
  if (!has(bytes, 0, HEAD_BYTES + 8) || announced > bytes.length || announced + 1 < bytes.length) return undefined;
  if (!spells(bytes, HEAD_BYTES, 'VP8X')) return chunkSize(bytes, HEAD_BYTES);
  if (uint32le(bytes, HEAD_BYTES + 4) !== 10 || !has(bytes, HEAD_BYTES, 18)) return undefined;
  const canvas = { width: uint24le(bytes, 24) + 1, height: uint24le(bytes, 27) + 1 };
  return walk(bytes, canvas, ((bytes[20] ?? 0) & IS_ANIMATED) !== 0, maxFrames);
}

function walk(
  bytes: Uint8Array,
  canvas: { readonly width: number; readonly height: number },
  isAnimated: boolean,
  maxFrames: number,
): ImageSize | undefined {
  let frames = 0;
  let at = HEAD_BYTES + 18;
  for (let chunks = 0; chunks < MAX_CHUNKS && has(bytes, at, 8); chunks++) {
    const length = uint32le(bytes, at + 4);
    if (!has(bytes, at + 8, length)) return undefined;
    if (spells(bytes, at, 'ANMF')) {
      if (!isAnimated) return undefined;
      if (++frames > maxFrames) return { ...canvas, frames };
    } else if (spells(bytes, at, 'VP8 ') || spells(bytes, at, 'VP8L')) {
      const size = chunkSize(bytes, at);
      if (isAnimated || ++frames > 1) return undefined;
      if (size?.width !== canvas.width || size.height !== canvas.height) return undefined;
    }
    at += 8 + length + (length % 2);
  }
  return frames > 0 && at >= bytes.length ? { ...canvas, frames } : undefined;
}

/** The size that a chunk of a still image says. */
function chunkSize(bytes: Uint8Array, at: number): ImageSize | undefined {
  const length = uint32le(bytes, at + 4);
  if (!has(bytes, at + 8, length)) return undefined;
  if (spells(bytes, at, 'VP8 ') && length >= 10) {
    // A key frame, then its start code (RFC 6386 §9.1); the two bits above each side are scaling.
    if (((bytes[at + 8] ?? 1) & 1) !== 0 || !spells(bytes, at + 11, '\x9d\x01\x2a')) return undefined;
    return { width: uint16le(bytes, at + 14) & 0x3f_ff, height: uint16le(bytes, at + 16) & 0x3f_ff, frames: 1 };
  }
  if (spells(bytes, at, 'VP8L') && length >= 5 && bytes[at + 8] === 0x2f) {
    const sides = uint32le(bytes, at + 9);
    return { width: (sides & 0x3f_ff) + 1, height: ((sides >>> 14) & 0x3f_ff) + 1, frames: 1 };
  }
  return undefined;
}
