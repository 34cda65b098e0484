import { createHmac, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** An API key whose form and checksum are right; whether it exists is another question. */
export interface ParsedApiKey {
  /** Public id, 6 base62 characters. */
  readonly id: string;
  /** The whole text. */
  readonly text: string;
}

/** The form of an API key, as secret scanners may look for it. */
export const API_KEY_PATTERN = /^sp_[0-9A-Za-z]{6}_[0-9A-Za-z]{38}$/;

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 6;
const SECRET_LENGTH = 32;
const CHECKSUM_LENGTH = 6;

/**
 * Makes an API key: `sp_`, public id, `_`, 32 random base62 characters (190 bits), 6-character checksum.
 *
 * @param randomBytes source of that many unpredictable bytes
 */
export function createApiKey(randomBytes: (count: number) => Uint8Array): ParsedApiKey {
  const id = base62(ID_LENGTH, randomBytes);
  return apiKeyFor(id, randomBytes);
}

/** Makes a new value for the public id of an existing API key. */
export function apiKeyFor(id: string, randomBytes: (count: number) => Uint8Array): ParsedApiKey {
  const head = `sp_${id}_${base62(SECRET_LENGTH, randomBytes)}`;
  return { id, text: head + checksum(head) };
}

/** Reads an API key; undefined where its form or checksum is wrong, so that noise costs no look-up. */
export function parseApiKey(text: string): ParsedApiKey | undefined {
  if (!API_KEY_PATTERN.test(text)) return undefined;
  const headLength = text.length - CHECKSUM_LENGTH;
  if (checksum(text.slice(0, headLength)) !== text.slice(headLength)) return undefined;
  return { id: text.slice(3, 3 + ID_LENGTH), text };
}

/** HMAC-SHA-256 of a secret under the state directory's own key: the only form in which a secret is stored. */
export function digestOf(secret: string, hmacKey: Uint8Array): Buffer {
  return createHmac('sha256', hmacKey).update(secret).digest();
}

/** Compares two digests in constant time. */
export function isSameDigest(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** CRC-32 in base62, as a guard against typing and cutting, not against forging. */
function checksum(text: string): string {
  let rest = crc32(text);
  let out = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    out = (ALPHABET[rest % 62] ?? '') + out;
    rest = Math.floor(rest / 62);
  }
  return out;
}

/** Random characters of the alphabet: 5.95 bits each. */
export function base62(length: number, randomBytes: (count: number) => Uint8Array): string {
  let out = '';
  while (out.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 = 4 * 62: a byte above it would make some characters likelier than others.
      if (byte < 248 && out.length < length) out += ALPHABET[byte % 62] ?? '';
    }
  }
  return out;
}
