import { isJsonObject } from '../../kernel/json.ts';
import type { JsonValue } from '../../kernel/json.ts';

/** Tells whether two JSON values are the same; members in any order. Bounded by the size of `b`. */
export function sameJson(a: JsonValue, b: JsonValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && b.every((element, i) => sameJson(a[i] ?? null, element));
  }
  if (isJsonObject(a) && isJsonObject(b)) {
    const names = Object.keys(b);
    if (Object.keys(a).length !== names.length) return false;
    return names.every((name) => Object.hasOwn(a, name) && sameJson(a[name] ?? null, b[name] ?? null));
  }
  return a === b;
}
