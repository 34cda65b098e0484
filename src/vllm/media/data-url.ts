import { Buffer } from 'node:buffer';
import { invalid } from '../fields/refusal.ts';
import type { Refusal } from '../fields/refusal.ts';

/** A `data:` URL (RFC 2397), taken apart. */
export interface DataUrl {
  /** In lower case, without parameters. */
  readonly mediaType: string;
  /** Canonical base64 (RFC 4648 §4). */
  readonly data: string;
  /** Bytes that `data` stands for. */
  readonly bytes: number;
}

const HEAD = /^data:([a-z]{1,16}\/[a-z0-9.+-]{1,64});base64,/;
/** The head is short; a search through megabytes of data for a comma would be in vain. */
const MAX_HEAD_CHARS = 100;
const NOT_BASE64 = /[^A-Za-z0-9+/]/;

/**
 * Takes a `data:` URL apart. Exactly one form is accepted: a media type in lower case without parameters, base64,
 * nothing else, for that is the only one that vLLM reads, and what two readers take for the data must be the same.
 */
export function parseDataUrl(url: string): DataUrl | Refusal {
  const head = HEAD.exec(url.slice(0, MAX_HEAD_CHARS));
  const [prefix, mediaType] = head ?? [];
  if (prefix === undefined || mediaType === undefined) {
    return invalid('Give a data URL: data:<type>/<subtype>;base64,<data>, in lower case and without parameters.');
  }
  const data = url.slice(prefix.length);
  const bytes = base64Bytes(data);
  if (bytes === undefined) return invalid('Give strict base64 (RFC 4648 section 4) with its padding, without spaces.');
  return { mediaType, data, bytes };
}

/**
 * Bytes that a text stands for in canonical base64 (RFC 4648 §4): the whole alphabet is looked at, the padding is
 * there, and the bits that it leaves over are zero. Undefined where it is anything else, or empty.
 */
export function base64Bytes(text: string): number | undefined {
  if (text.length === 0 || text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  // A search for the first wrong character never goes back, unlike a match of all the right ones.
  if (NOT_BASE64.test(padding === 0 ? text : text.slice(0, -padding))) return undefined;
  const last = text.slice(-4);
  if (padding > 0 && Buffer.from(last, 'base64').toString('base64') !== last) return undefined;
  return (text.length / 4) * 3 - padding;
}
