import { Buffer } from 'node:buffer';
import { Refusal, invalid, outOfRange } from '../fields/refusal.ts';
import { spells } from './bytes.ts';
import { parseDataUrl } from './data-url.ts';
import { gifSize } from './gif.ts';
import type { ReadSize } from './image-size.ts';
import { jpegSize } from './jpeg.ts';
import { pngSize } from './png.ts';
import { webpSize } from './webp.ts';

/** How large one image may be. */
export interface MediaCaps {
  /** Of the image itself, not of its base64. */
  readonly mediaBytes: number;
  /** Width times height. */
  readonly pixels: number;
  /** Least width and height; some models fail on images of a pixel or two (CVE-2026-22773). */
  readonly minSide: number;
  readonly frames: number;
}

/**
 * The caps of the contract. 40 megapixels are what cameras make, and 160 MB once decoded; a real vLLM took 950 MB for
 * 169 of them. One frame, for models see no more of an animation, while decoders may work through all.
 */
export const DEFAULT_MEDIA_CAPS: MediaCaps = {
  mediaBytes: 8 * 1024 * 1024,
  pixels: 40_000_000,
  minSide: 1,
  frames: 1,
};

/**
 * Pixels of all images of a request together: two of the largest. vLLM unpacks every image of a request before it looks
 * at any, and a few kilobytes unpack to 40 megapixels, so neither `images` nor `mediaBytes` bounds its memory.
 */
export const MAX_PIXELS_IN_ALL: number = 2 * DEFAULT_MEDIA_CAPS.pixels;

/** What a request with more pixels is told. */
export const TOO_MANY_PIXELS: Refusal = outOfRange(`Send at most ${MAX_PIXELS_IN_ALL} pixels of images in all.`);

/** What is known of an image without decoding it. */
export interface ImageFacts {
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp';
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
}

interface Format {
  readonly mediaType: ImageFacts['mediaType'];
  /** Tells by the first bytes. */
  readonly isBegunBy: (head: Uint8Array) => boolean;
  readonly size: ReadSize;
}

const PNG: Format = {
  mediaType: 'image/png',
  isBegunBy: (head) => spells(head, 0, '\x89PNG\r\n\x1a\n'),
  size: pngSize,
};
const JPEG: Format = { mediaType: 'image/jpeg', isBegunBy: (head) => spells(head, 0, '\xff\xd8\xff'), size: jpegSize };
const GIF: Format = {
  mediaType: 'image/gif',
  isBegunBy: (head) => spells(head, 0, 'GIF87a') || spells(head, 0, 'GIF89a'),
  size: gifSize,
};
const WEBP: Format = {
  mediaType: 'image/webp',
  isBegunBy: (head) => spells(head, 0, 'RIFF') && spells(head, 8, 'WEBP'),
  size: webpSize,
};

/** By the declared type. Only these: every decoder less is one that cannot be attacked (JPEG 2000: CVE-2026-22778). */
const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['image/png', PNG],
  ['image/jpeg', JPEG],
  ['image/jpg', JPEG], // no registered type, but what many callers write
  ['image/gif', GIF],
  ['image/webp', WEBP],
]);

const ONLY_FORMATS = 'Give an image of type image/png, image/jpeg, image/gif or image/webp.';

/**
 * Judges an image in a `data:` URL: size, strict base64, the declared type against the first bytes, and width,
 * height and frames as the file's own structure says them. vLLM looks at none of it before it decodes. Nothing is
 * decompressed; the work is linear in the length of the URL.
 */
export function checkImageUrl(url: string, caps: MediaCaps = DEFAULT_MEDIA_CAPS): ImageFacts | Refusal {
  // Before anything looks at every character: a base64 of so many bytes, and a head.
  if (url.length > Math.ceil(caps.mediaBytes / 3) * 4 + 100) return tooManyBytes(caps);
  const parsed = parseDataUrl(url);
  if (parsed instanceof Refusal) return parsed;
  const { data, bytes } = parsed;
  if (bytes > caps.mediaBytes) return tooManyBytes(caps);
  const format = FORMATS.get(parsed.mediaType);
  if (format === undefined) return invalid(ONLY_FORMATS);
  if (!format.isBegunBy(Buffer.from(data.slice(0, 16), 'base64'))) {
    return invalid('Give an image that is of the type which its URL declares.');
  }
  return judge(format, Buffer.from(data, 'base64'), caps);
}

/** An image as the `data:` URL by which vLLM gets it. */
export interface EncodedImage {
  readonly url: string;
  readonly facts: ImageFacts;
}

/**
 * Makes the `data:` URL of an image that comes as bytes, judged as one that comes in such a URL. Its type is the one
 * that the first bytes show: what the server has said of it decides nothing.
 */
export function encodeImage(bytes: Buffer, caps: MediaCaps = DEFAULT_MEDIA_CAPS): EncodedImage | Refusal {
  if (bytes.length > caps.mediaBytes) return tooManyBytes(caps);
  const format = [...FORMATS.values()].find(({ isBegunBy }) => isBegunBy(bytes));
  if (format === undefined) return invalid(`${ONLY_FORMATS} What was fetched is none.`);
  const facts = judge(format, bytes, caps);
  if (facts instanceof Refusal) return facts;
  return { url: `data:${format.mediaType};base64,${bytes.toString('base64')}`, facts };
}

/**
 * Pixels of the shorter side of an image, given as `data:` URL or as base64 alone, whatever type it declares. Infinity
 * for what is no whole image.
 */
export function shortestSideOf(text: string): number {
  const data = /^data:/i.test(text) ? text.slice(text.indexOf(',') + 1) : text;
  const head = Buffer.from(data.slice(0, 16), 'base64');
  const format = [...FORMATS.values()].find(({ isBegunBy }) => isBegunBy(head));
  const size = format?.size(Buffer.from(data, 'base64'), Infinity);
  return size === undefined ? Infinity : Math.min(size.width, size.height);
}

function judge(format: Format, image: Uint8Array, caps: MediaCaps): ImageFacts | Refusal {
  const bytes = image.length;
  const size = format.size(image, caps.frames);
  if (size === undefined) return invalid(`Give a whole, well-formed image of type ${format.mediaType}.`);
  const { width, height, frames } = size;
  const { pixels, minSide } = caps;
  if (frames > caps.frames) return outOfRange(`Give an image of at most ${caps.frames} frames.`);
  if (width < Math.max(1, minSide) || height < Math.max(1, minSide)) {
    return outOfRange(
      `Give an image at least ${Math.max(1, minSide)} pixels wide and high, not ${width} by ${height}.`,
    );
  }
  if (width * height > pixels)
    return outOfRange(`Give an image of at most ${pixels} pixels, not ${width} by ${height}.`);
  return { mediaType: format.mediaType, bytes, width, height, frames };
}

function tooManyBytes({ mediaBytes }: MediaCaps): Refusal {
  return outOfRange(`Give an image of at most ${mediaBytes} bytes.`);
}
