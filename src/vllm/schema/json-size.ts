import { Buffer } from 'node:buffer';
import type { JsonValue } from '../../kernel/json.ts';

/**
 * Bytes that `JSON.stringify` makes of a value (RFC 8259, UTF-8), counted until they exceed a limit; then any number
 * above it. Neither recurses nor builds the whole text.
 */
export function jsonBytes(value: JsonValue, limit: number): number {
  let bytes = 0;
  const rest: JsonValue[] = [value];
  for (let next = rest.pop(); next !== undefined && bytes <= limit; next = rest.pop()) {
    if (typeof next !== 'object' || next === null) {
      bytes += scalarBytes(next, limit);
    } else if (Array.isArray(next)) {
      bytes += 2 + Math.max(0, next.length - 1);
      // A longer one is over the limit by its commas alone.
      if (bytes <= limit) for (const item of next) rest.push(item);
    } else {
      let members = 0;
      for (const name in next) {
        // The name with its colon, and a comma behind every member but the last.
        bytes += scalarBytes(name, limit) + (members++ === 0 ? 1 : 2);
        rest.push(next[name] ?? null);
        if (bytes > limit) break;
      }
      bytes += 2;
    }
  }
  return bytes;
}

function scalarBytes(value: string | number | boolean | null, limit: number): number {
  if (typeof value !== 'string') return String(value).length;
  return value.length > limit ? value.length : Buffer.byteLength(JSON.stringify(value));
}
