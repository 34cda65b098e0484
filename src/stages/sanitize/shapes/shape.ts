import type { JsonObject, JsonValue } from '../../../kernel/json.ts';

/** Fields that may pass: `keep` whole, or with a shape of their own. An array takes the shape for each of its items. */
export interface Shape {
  readonly [field: string]: 'keep' | Shape;
}

/** A copy of the value with the fields of the shape only. Never changes the value. */
export function keepFields(value: JsonObject, shape: Shape): JsonObject {
  const kept: JsonObject = {};
  for (const name in value) {
    const rule = shape[name];
    if (rule === undefined) continue;
    const field = value[name];
    if (field === undefined) continue;
    kept[name] = rule === 'keep' ? field : keepInside(field, rule);
  }
  return kept;
}

function keepInside(value: JsonValue, shape: Shape): JsonValue {
  if (Array.isArray(value)) return value.map((item) => keepInside(item, shape));
  if (typeof value === 'object' && value !== null) return keepFields(value, shape);
  return value;
}

/** A shape that keeps the named fields whole, and others as they are inside. */
export const shape = (keep: string, inside: { [field: string]: Shape } = {}): Shape =>
  // Without a prototype: a field named `constructor` must find nothing.
  Object.assign(
    Object.create(null) as Shape,
    Object.fromEntries(keep.split(' ').map((name) => [name, 'keep'])),
    inside,
  );

/** What passes of a family's answers: whole bodies, and events of streams. */
export interface AnswerShapes {
  readonly body: Shape;
  /** Tells an answer from another object that came with status 200. */
  readonly isAnswer?: (body: JsonObject) => boolean;
  /** Says in our own words what is left of a whole body; changes the copy that it is given. */
  readonly complete?: (kept: JsonObject) => void;
  /** What passes of events without names. */
  readonly event: Shape;
  /** In streams whose events have names: what passes of each, or that it says upstream's failure. Others are dropped. */
  readonly events?: ReadonlyMap<string, Shape | 'fault'>;
}
