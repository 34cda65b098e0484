import { Buffer } from 'node:buffer';
import type { JsonValue } from '../../kernel/json.ts';
import type { Check } from './field.ts';
import { Refusal } from './refusal.ts';

/** Bytes of UTF-8 that all texts in a checked value have together, without the names of members. */
export function textBytesOf(value: JsonValue): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 0;
  let bytes = 0;
  for (const member of Array.isArray(value) ? value : Object.values(value)) bytes += textBytesOf(member);
  return bytes;
}

/**
 * A value whose members are the caller's to name. A template writes such a one into the prompt as JSON, so that its
 * names, numbers, booleans and signs are text as well: it is noted, and `markupBytesOf` counts them.
 */
export function freeForm(check: Check): Check {
  const noted: Check = (value, context) => {
    const checked = check(value, context);
    if (checked !== undefined && !(checked instanceof Refusal)) context.freeForms.push(checked);
    return checked;
  };
  return Object.assign(noted, check);
}

/** Most bytes of JSON, texts included, that a template writes for one of a body: of `1e20,` Python makes 23. */
export const MARKUP_GROWTH = 5;

/** Bytes that a value has as JSON, as Python spaces it, besides its texts. Recursion is as deep as the parser allows. */
export function markupBytesOf(value: JsonValue): number {
  if (typeof value === 'string') return quotesOf(value);
  if (typeof value !== 'object' || value === null) return String(value).length;
  const members = Object.entries(value);
  let bytes = 2 + 2 * Math.max(0, members.length - 1);
  for (const [name, member] of members) {
    if (!Array.isArray(value)) bytes += Buffer.byteLength(name) + quotesOf(name) + 2;
    bytes += markupBytesOf(member);
  }
  return bytes;
}

/** What JSON adds to a text: quotation marks, and escapes. */
const quotesOf = (text: string): number =>
  // oxlint-disable-next-line no-control-regex -- they are what has to be escaped
  /["\\\u0000-\u001f]/.test(text) ? Buffer.byteLength(JSON.stringify(text)) - Buffer.byteLength(text) : 2;
