import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { isJsonObject } from '../../kernel/json.ts';
import { nearest } from '../../kernel/nearest.ts';
import { joinPath } from '../../wire/json-path.ts';
import { createShapeReader, memberOf, type Mistake, type ShapeReader } from '../mistakes.ts';
import { readReleaseRange } from '../read-release-range.ts';
import { routes } from '../routes/index.ts';
import { parseCondition } from './parse-condition.ts';
import type { PatchRow, PatchSample } from './patch.ts';

/**
 * Reads a row that an operator wrote under `validation.patches`: the same members as a row of ours, of which only
 * `id`, `on`, `when` and `message` must be there. Gives the row, or all that is wrong with it at once; never throws. Its
 * samples are tried where it is known what becomes of a body (`trySamples`).
 */
export function parsePatchRow(value: JsonValue): PatchRow | readonly Mistake[] {
  const reader = createShapeReader();
  const row = read(reader, value);
  return row === undefined || reader.mistakes.length > 0 ? reader.mistakes : row;
}

const NAMES = ['id', 'advisories', 'releases', 'needsFeature', 'costs', 'on', 'when', 'message', 'stops', 'passes'];
const MAX_ADVISORIES = 64;
const MAX_ROUTES = 256;
const ROUTE_IDS = routes.map(({ id }) => id);

function read(reader: ShapeReader, value: JsonValue): PatchRow | undefined {
  const row = reader.object('', value, NAMES);
  if (row === undefined) return undefined;
  const get = (name: string): JsonValue | undefined => memberOf(row, name);
  const optional = <T>(name: string, item: (value: JsonValue) => T | undefined): Record<string, T> => {
    const member = get(name);
    const found = member === undefined ? undefined : item(member);
    return found === undefined ? {} : { [name]: found };
  };
  const asText = (name: string, maxChars: number): string => reader.text(name, get(name), maxChars) ?? '';
  const asRoute = (path: string, id: JsonValue): string | undefined => routeId(reader, path, id);
  const id = asText('id', 64);
  if (id !== '' && !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(id)) reader.note('id', 'Give small letters, digits and hyphens.');
  const named = get('on');
  const on = reader.list('on', named, MAX_ROUTES, asRoute);
  if (Array.isArray(named) && named.length === 0) reader.note('on', 'Give ids of routes (sallyport routes), or "*".');
  const when = parseCondition(reader, 'when', get('when'));
  const message = asText('message', 500);
  const more = {
    ...optional('releases', (range) => readReleaseRange(reader, 'releases', range, ' (in YAML in quotes)')),
    ...optional('needsFeature', (name) => reader.text('needsFeature', name, 64)),
    ...optional('costs', (text) => reader.text('costs', text, 500)),
    ...optional('stops', (sample) => readSample(reader, 'stops', sample)),
    ...optional('passes', (sample) => readSample(reader, 'passes', sample)),
  };
  const advisories = reader.list('advisories', get('advisories') ?? [], MAX_ADVISORIES, (path, name) =>
    reader.text(path, name, 64),
  );
  return when === undefined ? undefined : { id, advisories, ...more, on, when, message };
}

function routeId(reader: ShapeReader, path: string, value: JsonValue): string | undefined {
  if (typeof value !== 'string') return reader.note(path, 'Give the id of a route.');
  if (value === '*' || ROUTE_IDS.includes(value)) return value;
  const near = nearest(value, ROUTE_IDS);
  return reader.note(path, near === undefined ? 'See sallyport routes for the ids.' : `Did you mean ${near}?`);
}

function readSample(reader: ShapeReader, path: string, value: JsonValue): PatchSample | undefined {
  const sample = reader.object(path, value, ['route', 'body']);
  if (sample === undefined) return undefined;
  const route = routeId(reader, joinPath(path, 'route'), memberOf(sample, 'route') ?? null);
  const body = memberOf(sample, 'body');
  if (!isJsonObject(body)) return reader.note(joinPath(path, 'body'), 'Give the body of a request.');
  return route === undefined ? undefined : { route, body: body satisfies JsonObject };
}
