import { CHAT, GENERATE } from './field.ts';
import type { FieldFamily } from './field.ts';

const COMPILES = 'Compiling a schema can take the server down (CVE-2025-48942, CVE-2026-105757).';
const OLD_NAME = 'An old name: newer releases drop the constraint without a word.';
const INSTEAD = 'structured_outputs';

/** Constraints on the form of the answer, and tools. */
export const structuredOutput = {
  response_format: { on: GENERATE, policy: 'deny', vllmDefault: { type: 'text' }, why: COMPILES },
  structured_outputs: { on: GENERATE, policy: 'deny', why: COMPILES },
  structural_tag: { on: CHAT, policy: 'deny', why: COMPILES, instead: INSTEAD },
  guided_json: { on: GENERATE, policy: 'deny', why: OLD_NAME, instead: INSTEAD },
  guided_regex: { on: GENERATE, policy: 'deny', why: OLD_NAME, instead: INSTEAD },
  guided_choice: { on: GENERATE, policy: 'deny', why: OLD_NAME, instead: INSTEAD },
  guided_grammar: { on: GENERATE, policy: 'deny', why: OLD_NAME, instead: INSTEAD },
  guided_decoding_backend: { on: GENERATE, policy: 'deny', why: 'Picks the weakest compiler.', instead: INSTEAD },
  guided_whitespace_pattern: { on: GENERATE, policy: 'deny', why: OLD_NAME, instead: INSTEAD },
  tools: { on: CHAT, policy: 'deny', why: 'Not in this version.' },
  parallel_tool_calls: { on: CHAT, policy: 'deny', vllmDefault: true, why: 'Belongs to tools.' },
  tool_choice: { on: CHAT, policy: 'deny', vllmDefault: 'none', why: 'Belongs to tools.' },
} as const satisfies FieldFamily;
