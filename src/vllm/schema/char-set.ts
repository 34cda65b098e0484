/**
 * A set of characters: one bit for each of ASCII in the first four numbers, and in the last one bit each for three
 * kinds of all other characters (letters and the rest, digits, white space). So a set beyond ASCII is only ever
 * larger than the real one, by which a doubt about two sets ends as "they overlap".
 */
export type CharSet = readonly [number, number, number, number, number];

/** Sets only grow in the last number, where the kinds are told apart. */
const OTHER = 1;
const OTHER_DIGITS = 2;
const OTHER_SPACES = 4;
const BEYOND = OTHER | OTHER_DIGITS | OTHER_SPACES;
const LAST_CODE_POINT = 0x10_ff_ff;

/** White space beyond ASCII (Unicode `White_Space`, and U+FEFF, which JavaScript counts, too). */
const SPACES_BEYOND_ASCII = [
  [0x85, 0x85],
  [0xa0, 0xa0],
  [0x16_80, 0x16_80],
  [0x20_00, 0x20_0a],
  [0x20_28, 0x20_29],
  [0x20_2f, 0x20_2f],
  [0x20_5f, 0x20_5f],
  [0x30_00, 0x30_00],
  [0xfe_ff, 0xfe_ff],
] as const;

/** No character. */
export const NOTHING: CharSet = [0, 0, 0, 0, 0];
/** Every character. */
export const ANYTHING: CharSet = [-1, -1, -1, -1, BEYOND];

/** The characters from one code point to another, both inclusive. */
export function rangeSet(from: number, to: number): CharSet {
  const ascii = [0, 0, 0, 0];
  for (let code = from; code <= Math.min(to, 0x7f); code++) ascii[code >>> 5] = (ascii[code >>> 5] ?? 0) | (1 << code);
  const [a = 0, b = 0, c = 0, d = 0] = ascii;
  return [a, b, c, d, to > 0x7f ? kindsBetween(Math.max(from, 0x80), to) : 0];
}

/** The characters of a text. */
export function setOf(text: string): CharSet {
  let set = NOTHING;
  for (const char of text) set = union(set, rangeSet(char.codePointAt(0) ?? 0, char.codePointAt(0) ?? 0));
  return set;
}

/** What is in either set. */
export function union(a: CharSet, b: CharSet): CharSet {
  return [a[0] | b[0], a[1] | b[1], a[2] | b[2], a[3] | b[3], a[4] | b[4]];
}

/** What is not in a set; of the characters beyond ASCII all, for a kind is never known to be there as a whole. */
export function complement(set: CharSet): CharSet {
  return [~set[0], ~set[1], ~set[2], ~set[3], BEYOND];
}

/** Tells whether a character may be in both sets. */
export function overlaps(a: CharSet, b: CharSet): boolean {
  return ((a[0] & b[0]) | (a[1] & b[1]) | (a[2] & b[2]) | (a[3] & b[3]) | (a[4] & b[4])) !== 0;
}

/** About how many characters a set has; a set beyond ASCII counts as large. */
export function sizeOf(set: CharSet): number {
  return bits(set[0]) + bits(set[1]) + bits(set[2]) + bits(set[3]) + 1000 * bits(set[4]);
}

/**
 * What a set costs in an automaton that reads bytes, against a single character: it grows with the ranges that the
 * set falls into, and by the ways in which UTF-8 writes what is beyond ASCII (xgrammar took nine times as long for
 * `[^"]{0,1000}` as for `[a-z]{0,1000}`).
 */
export function weightOf(set: CharSet): number {
  let ranges = 0;
  let isIn = 0;
  for (const word of set.slice(0, 4)) {
    ranges += bits(word & ~((word << 1) | isIn));
    isIn = word >>> 31;
  }
  return Math.max(1, Math.ceil(ranges / 4)) + ((set[4] & OTHER) === 0 ? 0 : 9);
}

/** `\d`, ASCII and other digits. */
export const DIGITS: CharSet = [...ascii('0', '9'), OTHER_DIGITS];
/** `\s`. */
export const SPACES: CharSet = union(setOf(' \t\n\r\f\v'), [0, 0, 0, 0, OTHER_SPACES]);
/** `\w`; Rust and Python count letters and digits beyond ASCII, too. */
export const WORD: CharSet = [
  0,
  ascii('0', '9')[1],
  ascii('A', 'Z')[2] | setOf('_')[2],
  ascii('a', 'z')[3],
  OTHER | OTHER_DIGITS,
];
/** `\p{L}` and its parts. */
export const LETTERS: CharSet = [0, 0, ascii('A', 'Z')[2], ascii('a', 'z')[3], OTHER];

function ascii(from: string, to: string): [number, number, number, number] {
  const [a, b, c, d] = rangeSet(from.charCodeAt(0), to.charCodeAt(0));
  return [a, b, c, d];
}

function kindsBetween(from: number, to: number): number {
  if (from === to) {
    if (isSpaceBetween(from, to)) return OTHER_SPACES;
    return /^\p{Nd}$/u.test(String.fromCodePoint(Math.min(from, LAST_CODE_POINT))) ? OTHER_DIGITS : OTHER;
  }
  return OTHER | OTHER_DIGITS | (isSpaceBetween(from, to) ? OTHER_SPACES : 0);
}

function isSpaceBetween(from: number, to: number): boolean {
  return SPACES_BEYOND_ASCII.some(([first, last]) => from <= last && to >= first);
}

function bits(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}
