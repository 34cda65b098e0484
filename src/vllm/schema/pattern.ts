import { Refusal, outOfRange } from '../fields/refusal.ts';
import { doubtsItsEnd, factsOf } from './pattern-facts.ts';
import type { PatternFacts } from './pattern-facts.ts';
import { refuseSpread } from './pattern-spread.ts';
import { parsePattern } from './pattern-tree.ts';
import type { PatternLimits, PatternNode } from './pattern-tree.ts';

/** Limits of a pattern that becomes part of a grammar. */
export const COMPILED_PATTERN: PatternLimits = { patternLength: 512, patternRepeat: 1000, isCompiled: true };

/** Characters or sets that a pattern may have when its counted repeats are written out, as compilers do. */
const MAX_WRITTEN = 10_000;
/** So few turns of something short multiply to nothing that hurts: the usual patterns of IPv4 addresses need it. */
const FEW_TURNS = 4;

/**
 * Refuses a regular expression that is malformed, uses what no grammar can say (back references, look-around), or
 * could cost more than time in proportion to a text: repeats inside repeats that can share a text in many ways,
 * unbounded repeats side by side, counted repeats that multiply. Takes time in proportion to its length.
 *
 * A pattern that is only read (`isCompiled` false) may have look-around and repeats side by side, as pydantic writes
 * them for decimals; what could take exponential time is refused there, too.
 */
export function checkPattern(pattern: string, limits: PatternLimits = COMPILED_PATTERN): Refusal | undefined {
  const size = patternSize(pattern, limits);
  return size instanceof Refusal ? size : undefined;
}

/** What a pattern costs with its counted repeats written out: 1 for each character, more for wide sets; or why `checkPattern` refuses it. */
export function patternSize(pattern: string, limits: PatternLimits): number | Refusal {
  const tree = parsePattern(pattern, limits);
  if (tree instanceof Refusal) return tree;
  const bodies = new Map<PatternNode, PatternFacts>();
  let refusal: Refusal | undefined;
  const { written, weight } = factsOf(tree, (repeat, body) => {
    bodies.set(repeat, body);
    refusal ??= refuseRepeat(body, repeat.max);
  });
  if (written > MAX_WRITTEN) return tooLarge();
  return refusal ?? (limits.isCompiled ? refuseSpread(tree, bodies) : undefined) ?? weight;
}

function refuseRepeat(body: PatternFacts, max: number): Refusal | undefined {
  if (body.written > MAX_WRITTEN) return tooLarge();
  if (max <= 1 || (max <= FEW_TURNS && Number.isFinite(body.maxLength))) return undefined;
  if (!body.isAmbiguous && !doubtsItsEnd(body)) return undefined;
  return outOfRange('Repeat only what ends in one way: (a+)+ and (a|a)* can share a text in too many ways.');
}

function tooLarge(): Refusal {
  return outOfRange(`Let counted repeats multiply to at most ${MAX_WRITTEN} characters.`);
}
