import { Buffer } from 'node:buffer';
import type { JsonValue } from '../../kernel/json.ts';

/** Bytes of UTF-8 that all texts in a checked value have together, without the names of members. */
export function textBytesOf(value: JsonValue): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 0;
  let bytes = 0;
  for (const member of Array.isArray(value) ? value : Object.values(value)) bytes += textBytesOf(member);
  return bytes;
}
