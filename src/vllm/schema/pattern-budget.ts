import { outOfRange } from '../fields/refusal.ts';
import type { Refusal } from '../fields/refusal.ts';
import { patternSize } from './pattern.ts';
import type { PatternLimits } from './pattern-tree.ts';

/** Characters of all patterns that are judged for one request. */
const MAX_CHARACTERS = 64 * 1024;

/**
 * Judges the patterns of one request, equal ones once. A judge takes up to 2 µs for a character, so a megabyte of
 * tools that were nothing but patterns, judged as text and again as grammars, kept a worker from everyone else's
 * requests for seconds, as often as one key sent it.
 */
export class PatternBudget {
  private left = MAX_CHARACTERS;
  private readonly known = new Map<PatternLimits, Map<string, number | Refusal>>();

  /** As `patternSize`; refuses, too, what comes behind too many characters of other patterns. */
  size(pattern: string, limits: PatternLimits): number | Refusal {
    const sizes = this.known.get(limits) ?? new Map<string, number | Refusal>();
    const known = sizes.get(pattern);
    if (known !== undefined) return known;
    // What is too long by itself is refused before it costs anything, and says so.
    if (pattern.length <= limits.patternLength) this.left -= pattern.length;
    if (this.left < 0) return outOfRange(`Give at most ${MAX_CHARACTERS} characters in different patterns together.`);
    const size = patternSize(pattern, limits);
    this.known.set(limits, sizes.set(pattern, size));
    return size;
  }
}
