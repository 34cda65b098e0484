import { COMPILED_PATTERN } from './pattern.ts';
import type { PatternLimits } from './pattern-tree.ts';

/** How large a schema may be; `validation.caps`. */
export interface SchemaCaps {
  /** Bytes as JSON. */
  readonly schemaBytes: number;
  /** Schemas in it, itself counted. */
  readonly schemaNodes: number;
  /** Schemas inside each other, itself counted. */
  readonly schemaDepth: number;
}

/** The contract's caps. */
export const DEFAULT_SCHEMA_CAPS: SchemaCaps = { schemaBytes: 64 * 1024, schemaNodes: 512, schemaDepth: 16 };

/** What a schema may ask of whoever reads it. */
export interface SchemaLimits extends PatternLimits {
  /** Most that a length or a count may say, `minLength` and `maxItems` alike. */
  readonly repeat: number;
  /** What schemas, characters, values, formats and counted members weigh once repeats are written out and references
   * followed. */
  readonly written: number;
  /** Different lengths of texts (`minLength` with `maxLength`) in a schema. */
  readonly lengths: number;
  /** Values of all `enum` and `const` together, and their bytes as JSON. */
  readonly enumValues: number;
  readonly enumBytes: number;
}

/**
 * For a schema that becomes a grammar: `response_format`, `structured_outputs`, tools whose calls are enforced.
 *
 * A real vLLM took 660 MB for one `minLength` of 10⁸ and 9 s for an enum of 190 kB. An upper bound costs a compiler
 * what a lower one does, a state for each step, so both have the same limit; who needs longer texts leaves
 * `maxLength` out, which costs nothing. What repeats make of each other is bounded by `written`.
 *
 * Lengths that differ cost most, for a compiler looks through the whole vocabulary at each place of each of them, and at
 * equal ones once: with 588 tokens xgrammar took 0.04 s for any number of texts of 1000, and of different lengths 0.9 s
 * for 12, 3.9 s for 30 of about 200 and 8 s for 49 of about 1000. So `lengths` bounds how many there are.
 */
export const COMPILED_SCHEMA: SchemaLimits = {
  ...COMPILED_PATTERN,
  repeat: 1000,
  written: 50_000,
  lengths: 12,
  enumValues: 1000,
  enumBytes: 16 * 1024,
};

/**
 * For a schema that only the model reads: tools under `tool_choice: auto`. It must be well formed, for old workers
 * crash on one that is not (CVE-2025-48944), and it is as large as the caps say; but its numbers are mere text.
 */
export const READ_SCHEMA: SchemaLimits = {
  patternLength: 1024,
  patternRepeat: 10_000,
  isCompiled: false,
  repeat: Number.MAX_SAFE_INTEGER,
  written: Infinity,
  lengths: Infinity,
  enumValues: 10_000,
  enumBytes: Infinity,
};
