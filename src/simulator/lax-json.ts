/** A value that Python's `json` can give: integers beyond 2^53 stay whole, numbers may be `NaN` or infinite. */
export type LaxValue = string | number | bigint | boolean | null | LaxValue[] | LaxObject;
/** An object without prototype. */
export interface LaxObject {
  [name: string]: LaxValue;
}

/** What came of reading a body: `invalid` names the character index, `unparseable` is beyond JSON altogether. */
export type LaxResult =
  | { readonly kind: 'value'; readonly value: LaxValue }
  | { readonly kind: 'invalid'; readonly at: number; readonly message: string }
  | { readonly kind: 'unparseable' };

/** Tells whether a value is an object (not null, not an array). */
export function isLaxObject(value: LaxValue | undefined): value is LaxObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads a body as vLLM does (Python's `json.loads` of bytes): the encoding is guessed from the bytes, the last of two
 * equal keys wins, `NaN` and `Infinity` are numbers. A gateway must not count on any of it being refused here.
 */
export function parseLaxJson(body: Buffer): LaxResult {
  const text = decode(body);
  if (text === undefined) return { kind: 'unparseable' };
  try {
    const reader = new Reader(text);
    const value = reader.value(0);
    reader.skipSpace();
    return reader.at === text.length ? { kind: 'value', value } : invalid(reader.at, 'Extra data');
  } catch (error) {
    if (error instanceof Invalid) return invalid(error.at, error.message);
    if (error instanceof Unparseable) return { kind: 'unparseable' };
    throw error;
  }
}

const invalid = (at: number, message: string): LaxResult => ({ kind: 'invalid', at, message });

class Invalid extends Error {
  readonly at: number;
  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}
class Unparseable extends Error {}

/** Python gives up on nesting about here, and on integers of more digits than this. */
const MAX_DEPTH = 900;
const MAX_DIGITS = 4300;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const LITERALS: readonly (readonly [string, LaxValue])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
];
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Reader {
  readonly text: string;
  at = 0;
  constructor(text: string) {
    this.text = text;
  }

  skipSpace(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? '-')) this.at++;
  }

  value(depth: number): LaxValue {
    if (depth > MAX_DEPTH) throw new Unparseable();
    this.skipSpace();
    const char = this.text[this.at];
    if (char === '{') return this.object(depth);
    if (char === '[') return this.array(depth);
    if (char === '"') return this.string();
    for (const [word, value] of LITERALS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number();
  }

  object(depth: number): LaxObject {
    const object: LaxObject = Object.create(null) as LaxObject; // no prototype: `__proto__` is a name like any other
    this.at++;
    this.skipSpace();
    if (this.text[this.at] === '}') {
      this.at++;
      return object;
    }
    for (;;) {
      this.skipSpace();
      if (this.text[this.at] !== '"') throw new Invalid(this.at, 'Expecting property name enclosed in double quotes');
      const name = this.string();
      this.skipSpace();
      if (this.text[this.at] !== ':') throw new Invalid(this.at, "Expecting ':' delimiter");
      this.at++;
      object[name] = this.value(depth + 1);
      if (this.endsOrGoesOn('}')) return object;
    }
  }

  array(depth: number): LaxValue[] {
    const array: LaxValue[] = [];
    this.at++;
    this.skipSpace();
    if (this.text[this.at] === ']') {
      this.at++;
      return array;
    }
    for (;;) {
      array.push(this.value(depth + 1));
      if (this.endsOrGoesOn(']')) return array;
    }
  }

  endsOrGoesOn(end: string): boolean {
    this.skipSpace();
    const char = this.text[this.at];
    if (char !== end && char !== ',') throw new Invalid(this.at, "Expecting ',' delimiter");
    this.at++;
    return char === end;
  }

  string(): string {
    const begin = this.at++;
    let out = '';
    for (;;) {
      const char = this.text[this.at];
      if (char === undefined) throw new Invalid(begin, 'Unterminated string starting at');
      if (char < ' ') throw new Invalid(this.at, 'Invalid control character at');
      this.at++;
      if (char === '"') return out;
      out += char === '\\' ? this.escape(begin) : char;
    }
  }

  escape(begin: number): string {
    const char = this.text[this.at];
    if (char === undefined) throw new Invalid(begin, 'Unterminated string starting at');
    const plain = ESCAPES[char];
    if (plain !== undefined) {
      this.at++;
      return plain;
    }
    const hex = this.text.slice(this.at + 1, this.at + 5);
    if (char !== 'u') throw new Invalid(this.at - 1, 'Invalid \\escape');
    if (!/^[0-9A-Fa-f]{4}$/.test(hex)) throw new Invalid(this.at, 'Invalid \\uXXXX escape');
    this.at += 5;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  number(): number | bigint {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) throw new Invalid(this.at, 'Expecting value');
    const [digits, fraction, exponent] = match;
    this.at += digits.length;
    const value = Number(digits);
    if (fraction !== undefined || exponent !== undefined || Number.isSafeInteger(value)) return value;
    if (digits.length > MAX_DIGITS) throw new Unparseable();
    return BigInt(digits);
  }
}

/** Guesses the encoding as Python's `json.detect_encoding` does; undefined for bytes that it cannot decode. */
function decode(body: Buffer): string | undefined {
  const [first, second] = [body[0], body[1]];
  const isLittle = (first === 0xff && second === 0xfe) || (second === 0 && body[3] === 0 && first !== 0);
  const isBig = (first === 0xfe && second === 0xff) || (first === 0 && body[2] === 0 && second !== 0);
  const encoding = isLittle ? 'utf-16le' : isBig ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(body);
  } catch {
    return undefined; // what cannot be decoded is one of the three results, and no fault
  }
}
