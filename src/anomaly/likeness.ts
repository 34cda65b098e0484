import { createHmac } from 'node:crypto';

/**
 * How alike prompts are, by SimHash (Charikar 2002) of their words: 64 bits in which texts that share most words differ in
 * few places. Nothing of the text is kept, and the way back is closed to who has no key: the words are hashed with one
 * that lives as long as the process and is another for each tenant. What it still tells whoever reads the records: which
 * prompts of one tenant are alike, and, to somebody of that tenant who can send prompts, whether a guess is. The mixing is
 * quick and no cipher: it hides texts from readers of records, not from who could watch many chosen ones.
 */
export type Likeness = (tenant: string, text: string) => string | undefined;

/** Of each end of a text so many characters are looked at: enough to compare, and a bound on what a prompt may cost. */
const END_CHARACTERS = 96;
/** So many bytes they may be. */
const END_BYTES = 3 * END_CHARACTERS;
/** Fewer words are not compared: a greeting is like every other one. */
const LEAST_WORDS = 4;
/** Words of each end; two ends have to be below 64, for six planes count no further. */
const END_WORDS = 31;
/** Tenants whose keys are remembered; issuers may name any number. */
const MAX_TENANTS = 4_096;

interface TenantKey {
  readonly high: number;
  readonly low: number;
}

/** @param secret of this process, at least 16 random bytes; never written anywhere */
export function createLikeness(secret: Uint8Array): Likeness {
  const keys = new Map<string, TenantKey>();
  const words = new Int32Array(2 * END_WORDS);

  function keyOf(tenant: string): TenantKey {
    const known = keys.get(tenant);
    if (known !== undefined) return known;
    if (keys.size >= MAX_TENANTS) keys.clear();
    const digest = createHmac('sha256', secret).update(`likeness ${tenant}`).digest();
    const key = { high: digest.readInt32LE(0), low: digest.readInt32LE(4) };
    keys.set(tenant, key);
    return key;
  }

  return (tenant, text) => {
    const { high, low } = keyOf(tenant);
    let count = 0;
    if (text.length <= 2 * END_CHARACTERS) count = readWords(text, words, 0, 2 * END_WORDS);
    else {
      count = readWords(text.slice(0, END_CHARACTERS), words, 0, END_WORDS);
      count = readWords(text.slice(-END_CHARACTERS), words, count, END_WORDS);
    }
    if (count < LEAST_WORDS) return undefined;
    return hex(majority(words, count, high, 0x01000193)) + hex(majority(words, count, low, 0x9e3779b1));
  };
}

const encoder = new TextEncoder();
/** Holds the last text until the next one comes, as the bodies that wait do. */
const bytes = new Uint8Array(2 * END_BYTES);

/** Hashes the next words of a text. @returns how many words there are now */
function readWords(text: string, words: Int32Array, from: number, most: number): number {
  // Characters of a string cost more to read one by one than to copy all at once.
  const { written } = encoder.encodeInto(text, bytes);
  let count = from;
  let hash = 0;
  for (let i = 0; i < written && count < from + most; i++) {
    const byte = bytes[i] ?? 0;
    if (isOfWord(byte)) hash = Math.imul((hash ^ (byte | CASE_BIT)) + 1, 0x01000193);
    else if (hash !== 0) {
      words[count++] = hash;
      hash = 0;
    }
  }
  if (hash !== 0 && count < from + most) words[count++] = hash;
  return count;
}

/** Upper case counts as lower case. */
const CASE_BIT = 0x20;

/** Letters and digits of ASCII, and all that is not ASCII. */
function isOfWord(byte: number): boolean {
  const lower = byte | CASE_BIT;
  return (lower >= 0x61 && lower <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte >= 0x80;
}

/**
 * The bits that more than half of the keyed hashes have. The 32 counts are kept side by side, one bit of each in a plane,
 * and added to all at once.
 */
function majority(words: Int32Array, count: number, key: number, factor: number): number {
  let p0 = 0;
  let p1 = 0;
  let p2 = 0;
  let p3 = 0;
  let p4 = 0;
  let p5 = 0;
  for (let i = 0; i < count; i++) {
    let carry = mix(Math.imul(words[i] ?? 0, factor) ^ key);
    let sum = p0;
    p0 ^= carry;
    carry &= sum;
    sum = p1;
    p1 ^= carry;
    carry &= sum;
    sum = p2;
    p2 ^= carry;
    carry &= sum;
    sum = p3;
    p3 ^= carry;
    carry &= sum;
    sum = p4;
    p4 ^= carry;
    carry &= sum;
    p5 ^= carry;
  }
  return above([p0, p1, p2, p3, p4, p5], count >> 1);
}

/** Which of the counts lie above a number. */
function above(planes: readonly number[], half: number): number {
  let isAbove = 0;
  let isEqual = -1;
  for (let i = planes.length - 1; i >= 0; i--) {
    const plane = planes[i] ?? 0;
    if ((half >> i) & 1) isEqual &= plane;
    else {
      isAbove |= isEqual & plane;
      isEqual &= ~plane;
    }
  }
  return isAbove;
}

/** The finalizer of MurmurHash3: every bit of the input moves about half of those of the result. */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const hex = (word: number): string =>
  `${HEX[(word >>> 24) & 255]}${HEX[(word >>> 16) & 255]}${HEX[(word >>> 8) & 255]}${HEX[word & 255]}`;
