import { isAscii, isUtf8 } from 'node:buffer';
import { isJsonObject } from '../kernel/json.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import { findDuplicateKey, findPathAt } from './json-fault.ts';
import { keepsInteger } from './json-number.ts';
import { QUOTE, endOfString, isEscaped } from './json-text.ts';

/** How large a JSON text may be inside; its bytes are limited while it is read. */
export interface JsonLimits {
  /** Objects and arrays inside each other, the outermost counted. Integer >= 1. */
  readonly maxDepth: number;
  /** Values in all, members and elements alike; an empty object or array counts twice. Integer >= 1. */
  readonly maxValues: number;
  /** Names of members in all. Integer >= 1. They cost far more than values: each is looked up when it is stored. */
  readonly maxNames: number;
}

/** The limits of the contract: depth 64; and values enough for any prompt, few enough to be walked in milliseconds. */
export const DEFAULT_JSON_LIMITS: JsonLimits = { maxDepth: 64, maxValues: 500_000, maxNames: 50_000 };

/** Why a JSON text is refused. */
export type JsonFaultCode = 'invalid_json' | 'duplicate_key' | 'invalid_encoding' | 'value_out_of_range';

/** A parsed body, or why there is none. */
export type StrictJson =
  | { readonly ok: true; readonly value: JsonObject }
  | {
      readonly ok: false;
      readonly code: JsonFaultCode;
      /** JSON path of what is wrong; null where the whole text is. */
      readonly param: string | null;
      readonly message: string;
    };

/**
 * Parses bytes that must be one JSON object (RFC 8259) in UTF-8, and refuses whatever another parser could
 * read otherwise: byte order marks, other encodings, lone surrogates and U+0000 (also escaped), a name
 * twice in one object at any depth, integers that would leave as others than they came, numbers that
 * overflow. Pure; the error's message never holds text of the body.
 *
 * Grammar and values are the engine's own `JSON.parse`; one scan over the text finds what it lets pass.
 * The scan trusts the grammar: what it concludes counts only once `JSON.parse` has accepted the text.
 * Objects have the usual prototype, and `__proto__` is an own member like any other: enumerate members,
 * never read one by a name that the caller chose.
 */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits = DEFAULT_JSON_LIMITS): StrictJson {
  const text = decodeUtf8(bytes);
  if (text === undefined) return refuse('invalid_encoding', 'The body is not valid UTF-8.');
  const scan = new Scan(text);
  // Before the engine builds anything: nesting and counts bound its work, and that of every walk after it.
  const broken = scan.run(limits);
  if (broken !== undefined) return broken;
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue; // what JSON.parse returns without a reviver is a JsonValue
  } catch {
    return refuseMalformed(text);
  }
  if (!isJsonObject(value)) return refuse('invalid_json', 'The body must be one JSON object.');
  if (scan.badEscapeAt >= 0) {
    return refuse(
      'invalid_encoding',
      'A text holds an escaped lone surrogate or U+0000; neither has a place in UTF-8 text.',
      findPathAt(text, scan.badEscapeAt),
    );
  }
  // JSON.parse keeps the last of several equal names: then fewer members came out than colons went in.
  if (scan.names !== countNames(value)) {
    return refuse('duplicate_key', 'An object names a key twice. Send each key once.', findDuplicateKey(text));
  }
  if (scan.overflowAt >= 0) {
    return refuse('invalid_json', 'A number is too large to be finite.', findPathAt(text, scan.overflowAt));
  }
  if (scan.changedAt >= 0) {
    return refuse(
      'value_out_of_range',
      'An integer beyond 2^53 cannot be kept exactly. Send a smaller one.',
      findPathAt(text, scan.changedAt),
    );
  }
  return { ok: true, value };
}

const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const LOWER_E = 0x65;
const UPPER_E = 0x45;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Every number of at most so many characters without exponent stays what it is: 15 digits are below 2^53. */
const EXACT_NUMBER_CHARS = 15;

/** One pass over the tokens of a text. */
const tooMany = (limit: number, what: string): StrictJson =>
  refuse('invalid_json', `The body holds more than ${limit} ${what}.`);

class Scan {
  readonly text: string;
  /** Names of members: the colons outside strings. */
  names = 0;
  /** Positions of the first offender of each kind; -1 where there is none. */
  badEscapeAt = -1;
  overflowAt = -1;
  changedAt = -1;

  constructor(text: string) {
    this.text = text;
  }

  run(limits: JsonLimits): StrictJson | undefined {
    const text = this.text;
    const end = text.length;
    let depth = 0;
    let values = 1;
    let names = 0;
    let at = 0;
    while (at < end) {
      switch (text.charCodeAt(at)) {
        case QUOTE:
          at = endOfString(text, at);
          if (at === 0) return refuseMalformed(text);
          break;
        case COLON:
          if (++names > limits.maxNames) return tooMany(limits.maxNames, 'names');
          at++;
          break;
        case COMMA:
          if (++values > limits.maxValues) return tooMany(limits.maxValues, 'values');
          at++;
          break;
        case OPEN_OBJECT:
        case OPEN_ARRAY:
          if (++depth > limits.maxDepth) {
            return refuse('invalid_json', `The body is nested more than ${limits.maxDepth} deep.`);
          }
          values++;
          at++;
          break;
        case CLOSE_OBJECT:
        case CLOSE_ARRAY:
          depth--;
          at++;
          break;
        case MINUS:
        case 0x30:
        case 0x31:
        case 0x32:
        case 0x33:
        case 0x34:
        case 0x35:
        case 0x36:
        case 0x37:
        case 0x38:
        case NINE:
          at = this.number(at);
          break;
        default:
          at++;
      }
    }
    if (values > limits.maxValues) return tooMany(limits.maxValues, 'values');
    this.names = names;
    // Escapes only stand inside strings, so one search over the whole text finds them all.
    this.escapes();
    return undefined;
  }

  /** Judges the number that begins at a position; gives the position behind it. */
  number(start: number): number {
    const text = this.text;
    let at = start + 1;
    let hasExponent = false;
    for (;;) {
      const unit = text.charCodeAt(at);
      if ((unit >= ZERO && unit <= NINE) || unit === DOT || unit === PLUS || unit === MINUS) at++;
      else if (unit === LOWER_E || unit === UPPER_E) {
        hasExponent = true;
        at++;
      } else break;
    }
    if (hasExponent || at - start > EXACT_NUMBER_CHARS) {
      const digits = text.slice(start, at);
      const value = Number(digits);
      if (!Number.isFinite(value)) this.overflowAt = this.overflowAt < 0 ? start : this.overflowAt;
      else if (!keepsInteger(digits, value)) this.changedAt = this.changedAt < 0 ? start : this.changedAt;
    }
    return at;
  }

  /** Looks for escaped U+0000 and lone surrogates. */
  escapes(): void {
    const text = this.text;
    for (let at = text.indexOf('\\u'); at >= 0; at = text.indexOf('\\u', at)) {
      const start = at;
      at += 2;
      if (isEscaped(text, start)) continue; // an escaped backslash, then a plain u
      const unit = hexAt(text, start + 2);
      if (unit >= 0xd800 && unit <= 0xdbff && text.startsWith('\\u', start + 6)) {
        const low = hexAt(text, start + 8);
        if (low >= 0xdc00 && low <= 0xdfff) {
          at = start + 12;
          continue;
        }
      }
      if (unit === 0 || (unit >= 0xd800 && unit <= 0xdfff)) {
        this.badEscapeAt = start;
        return;
      }
    }
  }
}

/** Decodes UTF-8 without replacing anything; undefined where the bytes are not valid UTF-8. */
function decodeUtf8(bytes: Uint8Array): string | undefined {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isAscii(buffer)) return buffer.toString('latin1'); // half the memory and a faster search
  return isUtf8(buffer) ? buffer.toString('utf8') : undefined;
}

function hexAt(text: string, at: number): number {
  return Number.parseInt(text.slice(at, at + 4), 16);
}

/** Members of all objects in a value. The scan has bounded the depth, so recursion is safe. */
function countNames(value: JsonObject | JsonValue[]): number {
  let names = 0;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const element = value[i];
      if (typeof element === 'object' && element !== null) names += countNames(element);
    }
    return names;
  }
  for (const name in value) {
    names++;
    const member = value[name];
    if (typeof member === 'object' && member !== null) names += countNames(member);
  }
  return names;
}

/** Says what is wrong with a text that is not JSON: an encoding that does not belong here, or the grammar. */
function refuseMalformed(text: string): StrictJson {
  if (text.startsWith('\ufeff')) return refuse('invalid_encoding', 'The body begins with a byte order mark.');
  if (text.includes('\0')) return refuse('invalid_encoding', 'The body holds U+0000, or is UTF-16 or UTF-32.');
  return refuse('invalid_json', 'The body is not valid JSON (RFC 8259).');
}

function refuse(code: JsonFaultCode, message: string, param: string | null = null): StrictJson {
  return { ok: false, code, param, message };
}
