import type { LaxValue } from './lax-json.ts';

/**
 * The prompts of a `prompt` or `input` field: a text, token ids, or a list of either. Token ids are written as
 * words, so that each counts as one. Undefined for anything else, and for an empty list.
 */
export function parsePrompts(value: LaxValue | undefined): string[] | undefined {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value) || value.length === 0) return undefined;
  if (value.every((item) => typeof item === 'number')) return [value.join(' ')];
  const prompts = value.map((item) => (Array.isArray(item) || typeof item === 'string' ? textOf(item) : undefined));
  return prompts.every((prompt) => prompt !== undefined) ? prompts : undefined;
}

function textOf(item: string | LaxValue[]): string | undefined {
  if (typeof item === 'string') return item;
  return item.every((id) => typeof id === 'number') ? item.join(' ') : undefined;
}
