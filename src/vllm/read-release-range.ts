import type { JsonValue } from '../kernel/json.ts';
import { joinPath } from '../wire/json-path.ts';
import { memberOf, type ShapeReader } from './mistakes.ts';
import { parseRelease, type ReleaseRange } from './release.ts';

const BOUNDS = ['introduced', 'fixed', 'lastAffected'] as const;

/**
 * Reads a range of releases that someone wrote; bounds that are none are noted and left out.
 *
 * @param remark put behind the example of a release in the hint
 */
export function readReleaseRange(
  reader: ShapeReader,
  path: string,
  value: JsonValue,
  remark = '',
): ReleaseRange | undefined {
  const range = reader.object(path, value, BOUNDS);
  if (range === undefined) return undefined;
  const bounds: Record<string, string> = {};
  for (const name of BOUNDS) {
    const bound = memberOf(range, name);
    if (bound === undefined) continue;
    if (typeof bound === 'string' && parseRelease(bound) !== undefined) bounds[name] = bound;
    else reader.note(joinPath(path, name), `Give a release as a text, such as "0.24.0"${remark}.`);
  }
  return bounds;
}
