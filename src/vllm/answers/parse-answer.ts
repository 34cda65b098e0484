import type { JsonValue } from '../../kernel/json.ts';

/** More than any answer of vLLM: the deepest echo a request, whose depth is bounded by far less. */
const MAX_DEPTH = 256;

/**
 * Reads the JSON of an answer or event of upstream. Undefined for what is no JSON, and for what is nested deeper than any
 * answer: whoever walks it or writes it anew would run out of stack.
 */
export function parseAnswer(text: string): JsonValue | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    // Each level takes two characters, so short events need no look.
    return text.length > 2 * MAX_DEPTH && isDeeper(value, MAX_DEPTH) ? undefined : value;
  } catch {
    return undefined;
  }
}

function isDeeper(value: JsonValue, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeper(item, depth - 1)) return true;
    return false;
  }
  for (const name in value) if (isDeeper(value[name] ?? null, depth - 1)) return true;
  return false;
}
