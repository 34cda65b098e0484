import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { joinPath } from '../../wire/json-path.ts';
import { memberOf, type ShapeReader } from '../mistakes.ts';
import type { Condition, FieldCondition } from './condition.ts';
import { parsePath, PATH_FORM } from './path.ts';
import { KINDS, type Kind, type Scalar, type Tests } from './value-tests.ts';

/** Reads a condition that an operator wrote; undefined where something is wrong with it, which the reader then has. */
export function parseCondition(reader: ShapeReader, path: string, value: JsonValue | undefined): Condition | undefined {
  const left = { conditions: MAX_CONDITIONS };
  const before = reader.mistakes.length;
  const condition = read(reader, path, value, 1, left);
  return reader.mistakes.length === before ? condition : undefined;
}

const MAX_DEPTH = 8;
const MAX_CONDITIONS = 128;
const MAX_ITEMS = 256;
const MAX_TEXT_CHARS = 1024;
const FORM = 'Give {field, …a test}, {all: […]}, {any: […]} or {not: …}.';
const TEST_NAMES: readonly (keyof Tests)[] = [
  ...(['is', 'equals', 'oneOf', 'noneOf', 'above', 'below', 'aboveField', 'longerThan', 'moreThan'] as const),
  ...(['contains', 'holds', 'sideBelow', 'startsWith', 'startsWithNone', 'namedNoneOf'] as const),
];
const FIELD_NAMES = ['field', ...TEST_NAMES, 'occursMoreThan'];

interface Left {
  conditions: number;
}

function read(
  reader: ShapeReader,
  path: string,
  value: JsonValue | undefined,
  depth: number,
  left: Left,
): Condition | undefined {
  left.conditions -= 1;
  if (left.conditions === -1) reader.note(path, `Give at most ${MAX_CONDITIONS} conditions in all.`);
  if (left.conditions < 0) return undefined;
  if (depth > MAX_DEPTH) return reader.note(path, `Nest conditions at most ${MAX_DEPTH} deep.`);
  if (!isJsonObject(value)) return reader.note(path, FORM);
  for (const name of ['all', 'any'] as const) {
    if (!Object.hasOwn(value, name)) continue;
    reader.object(path, value, [name]);
    const parts = readParts(reader, joinPath(path, name), value[name], depth, left);
    return name === 'all' ? { all: parts } : { any: parts };
  }
  if (Object.hasOwn(value, 'not')) {
    reader.object(path, value, ['not']);
    const not = read(reader, joinPath(path, 'not'), value['not'], depth + 1, left);
    return not === undefined ? undefined : { not };
  }
  return readField(reader, path, value);
}

function readParts(
  reader: ShapeReader,
  path: string,
  value: JsonValue | undefined,
  depth: number,
  left: Left,
): Condition[] {
  const parts = reader.list(path, value, MAX_CONDITIONS, (at, part) => read(reader, at, part, depth + 1, left));
  // An empty `all` would stop every request, an empty `any` none.
  if (Array.isArray(value) && value.length === 0) reader.note(path, 'Give at least one condition.');
  return parts;
}

function readField(reader: ShapeReader, path: string, value: JsonObject): FieldCondition | undefined {
  reader.object(path, value, FIELD_NAMES);
  const get = (name: string): JsonValue | undefined => memberOf(value, name);
  const field = readPath(reader, joinPath(path, 'field'), get('field'));
  const occursMoreThan = optional(get('occursMoreThan'), (it) => count(reader, joinPath(path, 'occursMoreThan'), it));
  const tests = readTests(reader, path, get);
  if (!TEST_NAMES.some((name) => Object.hasOwn(value, name))) reader.note(path, 'Give a test, such as is: present.');
  if (tests.is === 'absent' && (Object.keys(tests).length > 1 || occursMoreThan !== undefined)) {
    reader.note(path, 'What is absent passes no other test. Give is: absent alone.');
  }
  if (field === undefined) return undefined;
  return { field, ...tests, ...(occursMoreThan === undefined ? {} : { occursMoreThan }) };
}

function readTests(reader: ShapeReader, path: string, get: (name: string) => JsonValue | undefined): Tests {
  const at = <T>(name: string, item: (path: string, value: JsonValue) => T | undefined): Record<string, T> => {
    const found = optional(get(name), (value) => item(joinPath(path, name), value));
    return found === undefined ? {} : { [name]: found };
  };
  const asKind = (at: string, value: JsonValue): Kind | undefined => kind(reader, at, value);
  const asScalar = (at: string, value: JsonValue): Scalar | undefined => scalar(reader, at, value);
  const asNumber = (at: string, value: JsonValue): number | undefined => finite(reader, at, value);
  const asCount = (at: string, value: JsonValue): number | undefined => count(reader, at, value);
  const asScalars = (at: string, value: JsonValue): readonly Scalar[] | undefined =>
    filled(reader, at, reader.list(at, value, MAX_ITEMS, asScalar));
  const asTexts = (at: string, value: JsonValue): readonly string[] | undefined =>
    filled(
      reader,
      at,
      reader.list(at, value, MAX_ITEMS, (path, text) => part(reader, path, text)),
    );
  return {
    ...at('is', asKind),
    ...at('equals', asScalar),
    ...at('oneOf', asScalars),
    ...at('noneOf', asScalars),
    ...at('above', asNumber),
    ...at('below', asNumber),
    ...at('aboveField', (path, value) => readPath(reader, path, value)),
    ...at('longerThan', asCount),
    ...at('moreThan', asCount),
    ...at('contains', asTexts),
    ...at('holds', asTexts),
    ...at('sideBelow', asCount),
    ...at('startsWith', asTexts),
    ...at('startsWithNone', asTexts),
    ...at('namedNoneOf', asTexts),
  };
}

function optional<T>(value: JsonValue | undefined, read: (value: JsonValue) => T | undefined): T | undefined {
  return value === undefined ? undefined : read(value);
}

function readPath(reader: ShapeReader, path: string, value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string' && parsePath(value) !== undefined) return value;
  return reader.note(path, `Give the path of a field: ${PATH_FORM}.`);
}

function kind(reader: ShapeReader, path: string, value: JsonValue): Kind | undefined {
  return KINDS.find((known) => known === value) ?? reader.note(path, `Give one of ${KINDS.join(', ')}.`);
}

function scalar(reader: ShapeReader, path: string, value: JsonValue): Scalar | undefined {
  if (typeof value === 'boolean') return value;
  return typeof value === 'number' ? finite(reader, path, value) : plainText(reader, path, value);
}

function finite(reader: ShapeReader, path: string, value: JsonValue): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : reader.note(path, 'Give a number.');
}

function count(reader: ShapeReader, path: string, value: JsonValue): number | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  return reader.note(path, 'Give a whole number from 0.');
}

/** A text to compare with: control characters may be what it looks for. */
function plainText(reader: ShapeReader, path: string, value: JsonValue): string | undefined {
  if (typeof value === 'string' && value.length <= MAX_TEXT_CHARS) return value;
  return reader.note(path, `Give a text of at most ${MAX_TEXT_CHARS} characters.`);
}

/** A part of a text: every text contains the empty one. */
function part(reader: ShapeReader, path: string, value: JsonValue): string | undefined {
  return value === '' ? reader.note(path, 'Give a text of at least one character.') : plainText(reader, path, value);
}

function filled<T extends Scalar>(reader: ShapeReader, path: string, items: readonly T[]): readonly T[] | undefined {
  if (items.length === 0) return reader.note(path, 'Give a list of at least one item.');
  return items;
}
