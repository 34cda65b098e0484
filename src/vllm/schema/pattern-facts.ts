import { ANYTHING, NOTHING, overlaps, sizeOf, union, weightOf } from './char-set.ts';
import type { CharSet } from './char-set.ts';
import type { PatternNode, RepeatNode } from './pattern-tree.ts';

/** How many characters at the start of an expression are told apart one by one. */
const HEAD = 4;

/** What is known of the texts that an expression matches; each set is at least as large as the real one. */
export interface PatternFacts {
  readonly minLength: number;
  readonly maxLength: number;
  /** Characters that a match may have at its first positions, as far as every match is long. */
  readonly head: readonly CharSet[];
  /** Characters that a match may begin with. */
  readonly first: CharSet;
  /** Characters by which a whole match may become a longer one, or the start of one. */
  readonly more: CharSet;
  /** Characters that occur in a match. */
  readonly alphabet: CharSet;
  /** A set of which every match has a character: the smallest one that is known. */
  readonly needs: CharSet | undefined;
  /** One text may match in several ways. Each repeat multiplies them. */
  readonly isAmbiguous: boolean;
  /** Characters or sets that the expression has when its repeats are written out. */
  readonly written: number;
  /** The same, each set with what it costs a compiler. */
  readonly weight: number;
}

/** What is known of an expression that matches no character. */
export const NO_TEXT: PatternFacts = {
  minLength: 0,
  maxLength: 0,
  head: [],
  first: NOTHING,
  more: NOTHING,
  alphabet: NOTHING,
  needs: undefined,
  isAmbiguous: false,
  written: 0,
  weight: 0,
};

/** What is known of a single character of a set. */
export function factsOfSet(set: CharSet): PatternFacts {
  const one = { head: [set], first: set, more: NOTHING, alphabet: set, needs: set };
  return { ...one, minLength: 1, maxLength: 1, isAmbiguous: false, written: 1, weight: weightOf(set) };
}

/**
 * What is known of one expression behind another. There is one way to part a text between them when no character
 * that could make the first match longer may begin the second, or when one of them always has the same length.
 */
export function factsOfBoth(a: PatternFacts, b: PatternFacts): PatternFacts {
  if (a.maxLength === 0) return b;
  if (b.maxLength === 0) return a;
  const collides = overlaps(a.more, b.first);
  const alphabet = union(a.alphabet, b.alphabet);
  const behind = b.minLength === 0 ? union(b.more, union(a.more, b.first)) : b.more;
  return {
    minLength: a.minLength + b.minLength,
    maxLength: a.maxLength + b.maxLength,
    head: isFixed(a) ? [...a.head, ...b.head].slice(0, HEAD) : a.head,
    first: a.minLength === 0 ? union(a.first, b.first) : a.first,
    more: collides ? alphabet : behind,
    alphabet,
    needs: smaller(a.needs, b.needs),
    isAmbiguous: a.isAmbiguous || b.isAmbiguous || (collides && !isFixed(a) && !isFixed(b)),
    written: a.written + b.written,
    weight: a.weight + b.weight,
  };
}

/** What is known of an expression or another. A text matches one of them only when something always tells them apart. */
export function factsOfEither(a: PatternFacts, b: PatternFacts): PatternFacts {
  const alphabet = union(a.alphabet, b.alphabet);
  const first = union(a.first, b.first);
  const startsApart = !overlaps(a.first, b.first);
  const isNullable = a.minLength === 0 || b.minLength === 0;
  const more = startsApart ? union(a.more, b.more) : alphabet;
  return {
    minLength: Math.min(a.minLength, b.minLength),
    maxLength: Math.max(a.maxLength, b.maxLength),
    head: bothHeads(a.head, b.head),
    first,
    more: isNullable ? union(more, first) : more,
    alphabet,
    needs: a.needs === undefined || b.needs === undefined ? undefined : union(a.needs, b.needs),
    isAmbiguous: a.isAmbiguous || b.isAmbiguous || !isToldApart(a, b),
    written: a.written + b.written,
    weight: a.weight + b.weight,
  };
}

/** What is known of a repeated expression. */
export function factsOfRepeat(body: PatternFacts, min: number, max: number): PatternFacts {
  if (max === 0 || body.maxLength === 0) return NO_TEXT;
  const isNullable = min === 0 || body.minLength === 0;
  const isDoubtful = max > 1 && doubtsItsEnd(body);
  const times = Math.max(1, min, Number.isFinite(max) ? max : 0);
  const goesOn = min === max && !isNullable ? body.more : union(body.more, body.first);
  return {
    minLength: min * body.minLength,
    maxLength: max * body.maxLength,
    head: min === 0 ? [] : body.head,
    first: body.first,
    more: isDoubtful ? body.alphabet : goesOn,
    alphabet: body.alphabet,
    needs: min === 0 ? undefined : body.needs,
    isAmbiguous: body.isAmbiguous || isDoubtful,
    written: body.written * times,
    weight: body.weight * times,
  };
}

/** Tells whether two matches in a row can be parted in several places. */
export function doubtsItsEnd(body: PatternFacts): boolean {
  return (body.minLength === 0 || overlaps(body.more, body.first)) && !(isFixed(body) && body.minLength > 0);
}

/** What is known of an expression; `visit` sees every repeat with what is known of its body. */
export function factsOf(node: PatternNode, visit: (repeat: RepeatNode, body: PatternFacts) => void): PatternFacts {
  switch (node.kind) {
    case 'set':
      return factsOfSet(node.set);
    case 'sequence':
      return node.items.reduce((facts, item) => factsOfBoth(facts, factsOf(item, visit)), NO_TEXT);
    case 'choice':
      return node.branches.map((branch) => factsOf(branch, visit)).reduce(factsOfEither);
    case 'repeat': {
      const body = factsOf(node.body, visit);
      visit(node, body);
      return factsOfRepeat(body, node.min, node.max);
    }
  }
}

function isFixed({ minLength, maxLength }: PatternFacts): boolean {
  return minLength === maxLength;
}

/** Tells whether no text can match both: by a position, by the length, or by a character that only one of them has. */
function isToldApart(a: PatternFacts, b: PatternFacts): boolean {
  if (a.maxLength < b.minLength || b.maxLength < a.minLength) return true;
  if (a.minLength === 0 && b.minLength === 0) return false;
  if (!overlaps(a.first, b.first)) return true;
  if (a.needs !== undefined && !overlaps(a.needs, b.alphabet)) return true;
  if (b.needs !== undefined && !overlaps(b.needs, a.alphabet)) return true;
  return a.head.some((set, i) => !overlaps(set, b.head[i] ?? ANYTHING));
}

function bothHeads(a: readonly CharSet[], b: readonly CharSet[]): readonly CharSet[] {
  return a.slice(0, Math.min(a.length, b.length)).map((set, i) => union(set, b[i] ?? ANYTHING));
}

function smaller(a: CharSet | undefined, b: CharSet | undefined): CharSet | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return sizeOf(b) < sizeOf(a) ? b : a;
}
