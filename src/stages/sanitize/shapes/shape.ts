import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.ts';

/** Fields that may pass: `keep` whole, an object with a shape of its own, or a list of such objects. */
export interface Shape {
  readonly [field: string]: 'keep' | Shape | readonly [Shape];
}

/**
 * A copy of the value with the fields of the shape only, without those that are no object or list where one belongs (null
 * stands for either). Never changes the value.
 */
export function keepFields(value: JsonObject, shape: Shape): JsonObject {
  const kept: JsonObject = {};
  for (const name in value) {
    const rule = shape[name];
    if (rule === undefined) continue;
    const field = value[name];
    if (field === undefined) continue;
    const inside = rule === 'keep' ? field : keepInside(field, rule);
    if (inside !== undefined) kept[name] = inside;
  }
  return kept;
}

function keepInside(value: JsonValue, shape: Shape | readonly [Shape]): JsonValue | undefined {
  if (value === null) return null;
  if (!isList(shape)) return isJsonObject(value) ? keepFields(value, shape) : undefined;
  if (!Array.isArray(value)) return undefined;
  return value.filter((item) => isJsonObject(item)).map((item) => keepFields(item, shape[0]));
}

/** `Array.isArray` does not narrow what is read-only. */
const isList = (rule: Shape | readonly [Shape]): rule is readonly [Shape] => Array.isArray(rule);

/** A shape that keeps the named fields whole, and others as they are inside. */
export const shape = (keep: string, inside: { readonly [field: string]: Shape | readonly [Shape] } = {}): Shape =>
  // Without a prototype: a field named `constructor` must find nothing.
  Object.assign(
    Object.create(null) as Shape,
    Object.fromEntries(keep.split(' ').map((name) => [name, 'keep'])),
    inside,
  );

/** What passes of a family's answers: whole bodies, and events of streams. */
export interface AnswerShapes {
  readonly body: Shape;
  /** Tells an answer from another object that came with status 200: whether the members that make it one are there. */
  readonly isAnswer: (body: JsonObject) => boolean;
  /** Says in our own words what is left of a whole body; changes the copy that it is given. */
  readonly complete?: (kept: JsonObject) => void;
  /** What passes of events without names. */
  readonly event: Shape;
  /** In streams whose events have names: what passes of each, or that it says upstream's failure. Others are dropped. */
  readonly events?: ReadonlyMap<string, Shape | 'fault'>;
}

/** Whether a value is a list of at least one object, each of which is as it should be. */
export const isListOf = (value: JsonValue | undefined, isItem: (item: JsonObject) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((item) => isJsonObject(item) && isItem(item));

/** Whether a value is numbers of a model: a list, or base64 of them. */
export const areNumbers = (value: JsonValue | undefined): boolean => Array.isArray(value) || typeof value === 'string';
