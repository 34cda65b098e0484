import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { indexPath, memberPath } from '../../wire/json-path.ts';
import { placeOf } from '../fields/kept-places.ts';
import type { Step } from './path.ts';
import type { ValueTest } from './value-tests.ts';

/** A value in a body, and the way to it: paths are written only for what was found. */
export class Place {
  readonly up: Place | undefined;
  readonly name: string | number;
  readonly value: JsonValue;

  constructor(up: Place | undefined, name: string | number, value: JsonValue) {
    this.up = up;
    this.name = name;
    this.value = value;
  }

  /** The JSON path from the body: `messages[2].content[0].image_url.url`. */
  path(): string {
    if (this.up === undefined) return '';
    const parent = this.up.path();
    if (typeof this.name === 'string') return memberPath(parent, this.name);
    const { value: list } = this.up;
    return indexPath(parent, Array.isArray(list) ? placeOf(list, this.name) : this.name);
  }
}

/** Finds values in one body. */
export interface Search {
  /** The body itself. */
  readonly root: Place;
  /** The first value at a path that passes the test. */
  first(steps: readonly Step[], test: ValueTest): Place | undefined;
  /** The place of what is not there, for its path; the root for no steps. */
  missing(steps: readonly Step[]): Place;
}

/**
 * Makes the search of a body. However many paths ask for names at any depth, the body is walked through for them
 * once, and only when the first one asks.
 *
 * @param names which names paths that begin with any depth ask for
 */
export function createSearch(body: JsonObject, names: ReadonlySet<string>): Search {
  const root = new Place(undefined, '', body);
  let index: ReadonlyMap<string, readonly Place[]> | undefined;

  return {
    root,
    first(steps, test) {
      const [step] = steps;
      if (step?.kind !== 'deep') return follow(root, steps, 0, test);
      index ??= collect(root, names);
      for (const start of index.get(step.name) ?? []) {
        const found = follow(start, steps, 1, test);
        if (found !== undefined) return found;
      }
      return undefined;
    },
    missing: (steps) => steps.reduce((place, step) => new Place(place, nameOf(step), null), root),
  };
}

/** A body is refused before where it is deeper; what stands deeper is not looked at. */
const MAX_DEPTH = 64;

function follow(place: Place, steps: readonly Step[], at: number, test: ValueTest): Place | undefined {
  const step = steps[at];
  if (step === undefined) {
    return place.value !== null && test(place.value, place.name) ? place : undefined;
  }
  if (step.kind === 'deep') {
    for (const below of collect(place, new Set([step.name])).get(step.name) ?? []) {
      const found = follow(below, steps, at + 1, test);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const { value } = place;
  switch (step.kind) {
    case 'member':
      if (!isJsonObject(value) || !Object.hasOwn(value, step.name)) return undefined;
      return follow(new Place(place, step.name, value[step.name] ?? null), steps, at + 1, test);
    case 'element':
      if (!Array.isArray(value) || step.index >= value.length) return undefined;
      return follow(new Place(place, step.index, value[step.index] ?? null), steps, at + 1, test);
    default: {
      const isWanted = step.kind === 'every-element' ? Array.isArray(value) : isJsonObject(value);
      return isWanted ? followEach(place, steps, at + 1, test) : undefined;
    }
  }
}

function followEach(place: Place, steps: readonly Step[], at: number, test: ValueTest): Place | undefined {
  const { value } = place;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      const found = follow(new Place(place, i, value[i] ?? null), steps, at, test);
      if (found !== undefined) return found;
    }
  } else if (isJsonObject(value)) {
    for (const name of Object.keys(value)) {
      const found = follow(new Place(place, name, value[name] ?? null), steps, at, test);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Every member below a place that has one of the names, in the order of the text. */
function collect(from: Place, names: ReadonlySet<string>): ReadonlyMap<string, readonly Place[]> {
  const found = new Map<string, Place[]>();
  const walk = (place: Place, depth: number): void => {
    const { value } = place;
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return;
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i += 1) {
        const element = value[i] ?? null;
        if (typeof element === 'object') walk(new Place(place, i, element), depth + 1);
      }
      return;
    }
    for (const name of Object.keys(value)) {
      const member = value[name] ?? null;
      const isNamed = names.has(name);
      if (!isNamed && typeof member !== 'object') continue;
      const below = new Place(place, name, member);
      if (isNamed) add(found, name, below);
      walk(below, depth + 1);
    }
  };
  walk(from, 0);
  return found;
}

function add(found: Map<string, Place[]>, name: string, place: Place): void {
  const places = found.get(name);
  if (places === undefined) found.set(name, [place]);
  else places.push(place);
}

/** The name of a step that leads to one value at most. */
function nameOf(step: Step): string | number {
  if (step.kind === 'element') return step.index;
  return 'name' in step ? step.name : '';
}
