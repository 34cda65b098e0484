import { has, uint16 } from './bytes.ts';
import type { ImageSize } from './image-size.ts';

/** EXIF, colour profiles and previews are some hundred at most. */
const MAX_SEGMENTS = 1000;
/** Progressive files have about ten. A decoder goes over all pixels for each, so thousands of empty ones take hours. */
const MAX_SCANS = 64;

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const RST_0 = 0xd0;
/** Gives the height after the first scan: whoever reads it sees another image. */
const DNL = 0xdc;
/** Baseline, extended and progressive (T.81 table B.1): what browsers and cameras write. */
const OPEN_FRAMES: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2]);
/** All others of C0 to CF are frames, too, but these. */
const NO_FRAMES: ReadonlySet<number> = new Set([0xc4, 0xc8, 0xcc]);

/**
 * The size of a JPEG (ITU-T T.81): of its one frame header, eight bits a sample, before the first scan. Lossless,
 * hierarchical and arithmetic-coded files are not read, nor those whose height follows later.
 */
export function jpegSize(bytes: Uint8Array): ImageSize | undefined {
  let size: ImageSize | undefined;
  let scans = 0;
  let at = 2;
  for (let segments = 0; segments < MAX_SEGMENTS; segments++) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++; // fill bytes (§B.1.1.2)
    if (!has(bytes, at, 4) || bytes[at] !== 0xff) return scans > 0 && isEnd(bytes, at) ? size : undefined;
    const marker = bytes[at + 1] ?? 0;
    if (marker === EOI) return scans > 0 ? size : undefined;
    // Without length are only SOI, RSTn and TEM, and none of them has a place here.
    if (marker <= 1 || marker === DNL || (marker >= RST_0 && marker <= SOI)) return undefined;
    const length = uint16(bytes, at + 2);
    if (length < 2 || !has(bytes, at + 2, length)) return undefined;
    if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.has(marker)) {
      if (size !== undefined || !OPEN_FRAMES.has(marker)) return undefined;
      size = frameSize(bytes, at + 4, length - 2);
      if (size === undefined) return undefined;
    }
    at += 2 + length;
    if (marker === SOS) {
      if (size === undefined || ++scans > MAX_SCANS) return undefined;
      at = endOfScan(bytes, at);
    }
  }
  return undefined;
}

function frameSize(bytes: Uint8Array, at: number, length: number): ImageSize | undefined {
  const components = bytes[at + 5] ?? 0;
  if (length !== 6 + 3 * components || bytes[at] !== 8 || ![1, 3, 4].includes(components)) return undefined;
  return { height: uint16(bytes, at + 1), width: uint16(bytes, at + 3), frames: 1 };
}

/** The place of the next marker that is neither a stuffed FF nor a restart; the end of the bytes where there is none. */
function endOfScan(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(0xff, start); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && (next < RST_0 || next >= SOI)) return at;
  }
  return bytes.length;
}

/** The marker of the end has no length and may be the last thing. */
function isEnd(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xff && bytes[at + 1] === EOI;
}
