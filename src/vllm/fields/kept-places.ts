import type { JsonArray, JsonObject } from '../../kernel/json.ts';

/** The mark of a list of which items were left out: not a member, so that nothing writes or compares it. */
const PLACES = Symbol('places of kept items');
interface Marked {
  [PLACES]?: readonly number[];
}

/** Notes in a list which places its items had in the caller's, from which others were left out; gives the list. */
export function notePlaces(kept: JsonArray, places: readonly number[]): JsonArray {
  return Object.defineProperty(kept, PLACES, { value: places });
}

/** The place that an item of a list had where the caller wrote it: what is wrong with it is told there. */
export function placeOf(list: JsonArray, index: number): number {
  return (list as Marked)[PLACES]?.[index] ?? index;
}

/** Tells of a list made item by item from another one what was noted in that. */
export function keepPlaces(list: JsonArray, from: JsonArray): JsonArray {
  const places = (from as Marked)[PLACES];
  return places === undefined ? list : notePlaces(list, places);
}

/** The mark of a member that the caller wrote under another name. */
const NAMES = Symbol('names as written');
interface Renamed {
  [NAMES]?: Readonly<Record<string, string>>;
}

/** Notes in an object under which name the caller wrote a member of it; gives the object. */
export function noteName(kept: JsonObject, member: string, written: string): JsonObject {
  return Object.defineProperty(kept, NAMES, { value: { [member]: written } });
}

/** The name that a member had where the caller wrote it: what is wrong with it is told there. */
export function nameOf(object: JsonObject, member: string): string {
  const names = (object as Renamed)[NAMES];
  return names !== undefined && Object.hasOwn(names, member) ? (names[member] ?? member) : member;
}
