import { Refusal, invalid, outOfRange } from '../fields/refusal.ts';
import { ANYTHING, DIGITS, LETTERS, NOTHING, SPACES, WORD, complement, rangeSet, setOf, union } from './char-set.ts';
import type { CharSet } from './char-set.ts';

/** A regular expression, taken apart. What matches no character (anchors) is a sequence of nothing. */
export type PatternNode =
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'sequence'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly branches: readonly PatternNode[] }
  | RepeatNode;

/** An item that is repeated; `max` is infinite for `*`, `+` and `{n,}`, and 0 for what an assertion looks at. */
export interface RepeatNode {
  readonly kind: 'repeat';
  readonly body: PatternNode;
  readonly min: number;
  readonly max: number;
}

/** Which expressions are read. */
export interface PatternLimits {
  /** UTF-16 units. */
  readonly patternLength: number;
  /** Most that one counted repeat may say. */
  readonly patternRepeat: number;
  /**
   * Look-around, word boundaries, Unicode properties and `[\w-.]` are refused, for no compiler of grammars takes them. A pattern that
   * the model only reads may have them: zod writes look-around for durations, host names and IBANs.
   */
  readonly isCompiled: boolean;
}

/** Groups inside each other. The parser recurses by groups only, so this bounds its stack, too. */
const MAX_GROUP_DEPTH = 16;

/** `.`; the one character without which `(.|\n)*` would match a text in several ways. */
const NOT_NEWLINE = complement(setOf('\n'));
const EMPTY: PatternNode = { kind: 'sequence', items: [] };
const SYNTAX = 'Give a regular expression that ECMAScript, Python and Rust read alike';

/** Escapes of one letter that stand for a set, and those that stand for one character. */
const SETS: ReadonlyMap<string, CharSet> = new Map([
  ['d', DIGITS],
  ['D', complement(DIGITS)],
  ['s', SPACES],
  ['S', complement(SPACES)],
  ['w', WORD],
  ['W', complement(WORD)],
]);
const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['t', 0x09],
  ['n', 0x0a],
  ['v', 0x0b],
  ['f', 0x0c],
  ['r', 0x0d],
  ['0', 0x00],
]);

const COUNT = /\{(?<min>\d{1,9})(?<comma>,(?<max>\d{0,9}))?\}/y;
const HEX = /x(?<x>[0-9A-Fa-f]{2})|u(?<u>[0-9A-Fa-f]{4})|u\{(?<braced>[0-9A-Fa-f]{1,6})\}/y;
const PROPERTY = /[pP](?:[A-Z]|\{(?:[A-Za-z_]{1,32}=)?(?<name>[A-Za-z_]{1,32})\})/y;
const GROUP_NAME = /P?<[A-Za-z_][A-Za-z0-9_]{0,63}>/y;
const LOOK_AROUND = /<?[=!]/y;

/**
 * Takes a regular expression apart in one pass. The syntax is what ECMAScript, Python and Rust share, for which of
 * them reads it is up to vLLM: what they read differently (an open brace without count, `[` in a class, `&&`) has to
 * be escaped. Back references, inline flags, atomic groups and possessive repeats are refused.
 */
export function parsePattern(pattern: string, limits: PatternLimits): PatternNode | Refusal {
  if (pattern.length === 0 || pattern.length > limits.patternLength) {
    return outOfRange(`Give a pattern of 1 to ${limits.patternLength} characters.`);
  }
  return new PatternParser(pattern, limits).parse();
}

class PatternParser {
  readonly text: string;
  readonly limits: PatternLimits;
  at = 0;

  constructor(text: string, limits: PatternLimits) {
    this.text = text;
    this.limits = limits;
  }

  parse(): PatternNode | Refusal {
    const node = this.choice(0);
    if (node instanceof Refusal || this.at === this.text.length) return node;
    return invalid('Close no group that is not open: write \\) for the character.');
  }

  choice(depth: number): PatternNode | Refusal {
    const branches: PatternNode[] = [];
    do {
      const branch = this.sequence(depth);
      if (branch instanceof Refusal) return branch;
      branches.push(branch);
    } while (this.takes('|'));
    return branches.length === 1 ? (branches[0] ?? EMPTY) : { kind: 'choice', branches };
  }

  sequence(depth: number): PatternNode | Refusal {
    const items: PatternNode[] = [];
    while (this.at < this.text.length && !this.sees('|') && !this.sees(')')) {
      const atom = this.atom(depth);
      if (atom instanceof Refusal) return atom;
      const item = this.repeated(atom);
      if (item instanceof Refusal) return item;
      if (item !== EMPTY) items.push(item);
    }
    return { kind: 'sequence', items };
  }

  atom(depth: number): PatternNode | Refusal {
    const code = this.text.codePointAt(this.at) ?? 0;
    const char = String.fromCodePoint(code);
    this.at += char.length;
    switch (char) {
      case '(':
        return this.group(depth + 1);
      case '[':
        return this.charClass();
      case '\\':
        return this.escape();
      case '.':
        return { kind: 'set', set: NOT_NEWLINE };
      case '^':
      case '$':
        return EMPTY;
      case '*':
      case '+':
      case '?':
      case '{':
        return invalid(`${SYNTAX}: nothing is repeated there. Write \\${char} for the character.`);
      default:
        return { kind: 'set', set: rangeSet(code, code) };
    }
  }

  /** One repeat, lazy or not, behind an atom. */
  repeated(atom: PatternNode): PatternNode | Refusal {
    const count = this.count();
    if (count === undefined) return atom;
    if (count instanceof Refusal) return count;
    if (atom === EMPTY || (atom.kind === 'repeat' && atom.max === 0)) {
      return invalid(`${SYNTAX}: an anchor or assertion cannot be repeated.`);
    }
    this.takes('?');
    if ('*+?{'.includes(this.text.charAt(this.at) || ' ')) return invalid(`${SYNTAX}: give one repeat for an item.`);
    return { kind: 'repeat', body: atom, ...count };
  }

  count(): { min: number; max: number } | Refusal | undefined {
    if (this.takes('*')) return { min: 0, max: Infinity };
    if (this.takes('+')) return { min: 1, max: Infinity };
    if (this.takes('?')) return { min: 0, max: 1 };
    if (!this.sees('{')) return undefined;
    const groups = this.takesMatch(COUNT)?.groups;
    if (groups === undefined) return invalid(`${SYNTAX}: write \\{ for the character.`);
    const min = Number(groups['min']);
    const max = groups['comma'] === undefined ? min : groups['max'] === '' ? Infinity : Number(groups['max']);
    const most = this.limits.patternRepeat;
    if (min > most || (max > most && max !== Infinity)) return outOfRange(`Repeat an item at most ${most} times.`);
    return min <= max ? { min, max } : invalid('Give the lower bound of a repeat first.');
  }

  group(depth: number): PatternNode | Refusal {
    if (depth > MAX_GROUP_DEPTH) return outOfRange(`Nest at most ${MAX_GROUP_DEPTH} groups.`);
    let isAssertion = false;
    if (this.takes('?') && !this.takes(':') && this.takesMatch(GROUP_NAME) === undefined) {
      isAssertion = this.takesMatch(LOOK_AROUND) !== undefined;
      if (!isAssertion) return invalid('Use plain, named or (?: groups only.');
      if (this.limits.isCompiled) return invalid('Leave look-around out; "format" says many such forms.');
    }
    const inside = this.choice(depth);
    if (inside instanceof Refusal) return inside;
    if (!this.takes(')')) return invalid('Close every group; write \\( for the character.');
    if (!isAssertion) return inside.kind === 'sequence' && inside.items.length === 0 ? EMPTY : inside;
    // It takes no text, but what it says is tried: the judges look into it, and at what follows as if it were not there.
    return { kind: 'repeat', body: inside, min: 0, max: 0 };
  }

  escape(): PatternNode | Refusal {
    const letter = this.text.charAt(this.at);
    if (letter === 'b' || letter === 'B') {
      if (this.limits.isCompiled) return invalid('Leave word boundaries out.');
      this.at++;
      return EMPTY;
    }
    const set = this.escaped();
    return set instanceof Refusal ? set : { kind: 'set', set };
  }

  /** What stands behind a backslash, in a class and outside. */
  escaped(): CharSet | Refusal {
    const hex = this.takesMatch(HEX)?.groups;
    if (hex !== undefined) return hexSet(hex['x'] ?? hex['u'] ?? hex['braced'] ?? '');
    const property = this.takesMatch(PROPERTY);
    if (property !== undefined && this.limits.isCompiled) {
      // The check at the door takes them, the compiler throws in the engine (vLLM #43920).
      return invalid('Leave Unicode properties such as \\p{L} out: write the ranges.');
    }
    if (property !== undefined) return propertySet(property[0], property.groups?.['name']);
    const code = this.text.codePointAt(this.at);
    if (code === undefined) return invalid(`${SYNTAX}: a backslash stands at its end.`);
    const char = String.fromCodePoint(code);
    this.at += char.length;
    if (/[1-9k]/.test(char)) return invalid('Leave back references out: they cannot become a grammar.');
    if (char === '0' && /\d/.test(this.text.charAt(this.at))) return invalid(`${SYNTAX}: no octal escapes.`);
    const set = SETS.get(char);
    if (set !== undefined) return set;
    const control = CONTROLS.get(char);
    if (control !== undefined) return rangeSet(control, control);
    // A letter that no language shares may become an anchor or a class in one of them.
    if (/[A-Za-z]/.test(char)) return invalid(`${SYNTAX}: an escape is not known.`);
    return rangeSet(code, code);
  }

  charClass(): PatternNode | Refusal {
    const isNegated = this.takes('^');
    // ECMAScript reads `[]` as nothing, Python and Rust as the start of a class.
    if (this.sees(']')) return invalid(`${SYNTAX}: write \\] for the character in a class.`);
    let set = NOTHING;
    while (!this.takes(']')) {
      if (this.at >= this.text.length) return invalid('Close every class; write \\[ for the character.');
      const item = this.classItem();
      if (item instanceof Refusal) return item;
      set = union(set, item);
    }
    return { kind: 'set', set: isNegated ? complement(set) : set };
  }

  /** A character, a set or a range of a class. */
  classItem(): CharSet | Refusal {
    const from = this.classAtom();
    if (from instanceof Refusal) return from;
    if (!this.sees('-') || this.at + 1 >= this.text.length || this.text[this.at + 1] === ']') return from.set;
    if (from.code === undefined) return this.hyphenBehindSet(from.set);
    this.at++;
    const to = this.classAtom();
    if (to instanceof Refusal) return to;
    if (to.code === undefined) return this.hyphenBehindSet(union(from.set, to.set));
    if (to.code < from.code) return invalid('Give the lower end of a range in a class first.');
    return rangeSet(from.code, to.code);
  }

  /** `[\w-.]`: ECMAScript takes the hyphen for itself, Python and Rust refuse the expression. */
  hyphenBehindSet(set: CharSet): CharSet | Refusal {
    if (this.limits.isCompiled) return invalid(`${SYNTAX}: write \\- for a hyphen beside a class like \\w.`);
    this.takes('-');
    return union(set, setOf('-'));
  }

  /** One item of a class: its set, and its code point where it is a single character. */
  classAtom(): { set: CharSet; code: number | undefined } | Refusal {
    const start = this.at;
    const code = this.text.codePointAt(start) ?? 0;
    const char = String.fromCodePoint(code);
    this.at += char.length;
    // Rust and ECMAScript's v flag know classes inside classes, and three set operations.
    if (char === '[') return invalid(`${SYNTAX}: write \\[ for the character in a class.`);
    if ('&-~'.includes(char) && this.sees(char)) return invalid(`${SYNTAX}: write a character once in a class.`);
    if (char !== '\\') return { set: rangeSet(code, code), code };
    if (this.takes('b')) return { set: rangeSet(8, 8), code: 8 };
    const set = this.escaped();
    if (set instanceof Refusal) return set;
    return { set, code: singleCode(this.text.slice(start + 1, this.at)) };
  }

  sees(char: string): boolean {
    return this.text.startsWith(char, this.at);
  }

  takes(char: string): boolean {
    if (!this.sees(char)) return false;
    this.at += char.length;
    return true;
  }

  takesMatch(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.at;
    const match = sticky.exec(this.text);
    if (match === null) return undefined;
    this.at += match[0].length;
    return match;
  }
}

function hexSet(digits: string): CharSet | Refusal {
  const code = Number.parseInt(digits, 16);
  if (code > 0x10_ff_ff) return invalid('Give a code point up to 10FFFF.');
  return rangeSet(code, code);
}

/** Unicode properties: letters, digits and white space as such, of all others only that they may be anything. */
function propertySet(text: string, name = text.slice(1)): CharSet {
  if (text.startsWith('P')) return ANYTHING;
  if (/^(L[a-z]?|Letter|Alphabetic|Lowercase|Uppercase)$/.test(name)) return LETTERS;
  if (/^(Nd|Decimal_Number)$/.test(name)) return DIGITS;
  return /^(Z[a-z]?|White_Space)$/.test(name) ? SPACES : ANYTHING;
}

/** The code point of an escape without its backslash; undefined for one that stands for a set. */
function singleCode(escape: string): number | undefined {
  const hex = /^(?:x|u\{?)([0-9A-Fa-f]+)\}?$/.exec(escape)?.[1];
  if (hex !== undefined) return Number.parseInt(hex, 16);
  if (SETS.has(escape) || /^[pP]./.test(escape)) return undefined;
  return CONTROLS.get(escape) ?? escape.codePointAt(0);
}
