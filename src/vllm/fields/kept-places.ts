import type { JsonArray } from '../../kernel/json.ts';

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
