import { readFileSync } from 'node:fs';
import { isJsonObject, type JsonArray, type JsonObject, type JsonValue } from '../../src/kernel/json.ts';
import { PNG } from '../../src/vllm/fields/testing.fixture.ts';
import type { Dice } from './dice.ts';
import { MARK, goodBody, type Make } from './good-bodies.ts';
import { SPELLINGS } from './may-see.ts';
import type { Numbers } from './seen.ts';

const { about: _, ...dump } = JSON.parse(
  readFileSync(new URL('../data/vllm-fields.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Readonly<Record<string, readonly [string, string, JsonArray?]>>>>;
/** Paths of every field that a release knows, by kind, as steps; with what it has by default. */
const PATHS = new Map(
  Object.entries(dump).map(([kind, paths]) => [
    kind,
    Object.entries(paths).map(([path, [, , defaults]]) => ({ steps: path.match(/\[\]|[^.[\]]+/g) ?? [], defaults })),
  ]),
);
const EVERY_NAME = [...new Set([...PATHS.values()].flatMap((paths) => paths.flatMap(({ steps }) => steps)))]
  .filter((name) => name !== '[]')
  .concat('guided_json', 'prompt_embeds', 'uuid', 'chat_template', 'kv_transfer_params', 'x-guidance', '$dynamicRef');
const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  ' ',
  `${MARK}name`,
  'mоdel',
  'model\u200b',
].concat(['n ', 'Messages', 'MODEL', 'extra_body', `${MARK}${'x'.repeat(80)}`, 'a.b', 'a"]', '\u0085', '0', 'length']);
const NUMBERS = [-1, -0, 0, 0.5, 1, 2, 3, 100.5, -101, 1e6 + 1, 2 ** 31, 2_000_001, 2 ** 53 - 1, 1e308, -1e308, 5e-324];
const URLS = [
  'http://169.254.169.254/',
  'file:///etc/passwd',
  'DATA:image/png;base64,AAAA',
  'data:,x',
  ' data:image/png',
].concat(
  ['data:image/svg+xml;base64,PHN2Zz4=', PNG.replace('png', 'jpeg'), `${PNG} `, PNG.replace('image/png', 'IMAGE/PNG')],
  [
    PNG.replace(';', ';charset=x;'),
    PNG.slice(0, 60),
    'data:video/mp4;base64,AAAA',
    PNG.replace('image/png', 'image/bmp'),
  ],
);
const KINDS_OF_PARTS = 'audio_url video_url image_pil image_embeds prompt_embeds file tool_reference document'
  .split(' ')
  .concat('item_reference mcp_call compaction additional_tools web_search_call structural_tag custom'.split(' '));

/** A value that somebody hopes is let through. */
const hostile: Make = (dice, caps) => {
  switch (dice.int(0, 9)) {
    case 0:
      return null;
    case 1:
    case 2: {
      const bound = dice.pick(Object.values(caps));
      return Number.isFinite(bound) && dice.chance(0.5) ? bound + dice.int(-1, 1) : dice.pick(NUMBERS);
    }
    case 3:
      return dice.chance(0.5);
    case 4:
      return dice.pick([[], [[]], [null], {}, { a: {} }, [{}], [1, 'a'], [`${MARK}a`, 1]]) as JsonValue;
    case 5:
      return dice.pick(URLS);
    case 6:
      return dice.pick(['', '1', 'true', 'null', `${MARK}${'y'.repeat(dice.int(1, 1500))}`, 'auto', 'json_schema']);
    case 7:
      return dice.pick(KINDS_OF_PARTS);
    case 8:
      return nested(dice.int(1, 70), dice);
    default:
      return dice.pick(SPELLINGS);
  }
};

function nested(depth: number, dice: Dice): JsonValue {
  let value: JsonValue = {};
  for (let i = 0; i < depth; i++) {
    value = dice.pick<() => JsonValue>([
      () => [value],
      () => ({ not: value }),
      () => ({ properties: { a: value } }),
      () => ({ items: value }),
    ])();
  }
  return value;
}

/** A place in a body: what holds it, and its name or index there. */
interface Place {
  readonly holder: JsonObject | JsonArray;
  readonly key: string | number;
  readonly value: JsonValue;
}

function placesOf(value: JsonValue, into: Place[] = []): Place[] {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && into.length < 500; i++) {
      into.push({ holder: value, key: i, value: value[i] ?? null });
      placesOf(value[i] ?? null, into);
    }
  } else if (isJsonObject(value)) {
    for (const name of Object.keys(value)) {
      into.push({ holder: value, key: name, value: value[name] ?? null });
      placesOf(value[name] ?? null, into);
    }
  }
  return into;
}

/** Sets an own member, of whatever name. */
function put(holder: JsonObject | JsonArray, key: string | number, value: JsonValue): void {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}

type Wound = (body: JsonObject, dice: Dice, caps: Numbers, kind: string) => void;
const somewhere = (body: JsonObject, dice: Dice): Place => {
  const places = placesOf(body);
  return places.length === 0 ? { holder: body, key: 'model', value: null } : dice.pick(places);
};
const objectIn = (body: JsonObject, dice: Dice): JsonObject => {
  const objects = placesOf(body).flatMap(({ value }) => (isJsonObject(value) ? [value] : []));
  return objects.length === 0 || dice.chance(0.3) ? body : dice.pick(objects);
};

/** A field of a release, at its place: the way there is walked, and made where it is not there. */
const knownField: Wound = (body, dice, caps, kind) => {
  const { steps, defaults } = dice.pick(PATHS.get(kind) ?? []);
  let holder: JsonObject | JsonArray = body;
  for (const [i, step] of steps.entries()) {
    const key: string | number = step === '[]' ? dice.int(0, Math.max(0, Object.keys(holder).length - 1)) : step;
    if (i === steps.length - 1) {
      const isDefault = defaults !== undefined && dice.chance(0.3);
      return put(holder, Array.isArray(holder) ? 0 : key, isDefault ? dice.pick(defaults) : hostile(dice, caps));
    }
    const next: JsonValue | undefined = Object.hasOwn(holder, key) ? (holder as JsonObject)[key] : undefined;
    if (typeof next === 'object' && next !== null) holder = next;
    else {
      const made: JsonObject | JsonArray = steps[i + 1] === '[]' ? [{}] : {};
      put(holder, Array.isArray(holder) ? 0 : key, made);
      holder = made;
    }
  }
};

const WOUNDS: readonly Wound[] = [
  knownField,
  knownField,
  (body, dice, caps) => put(objectIn(body, dice), dice.pick(EVERY_NAME), hostile(dice, caps)),
  (body, dice, caps) => put(objectIn(body, dice), dice.pick(NAMES), hostile(dice, caps)),
  (body, dice, caps) => {
    const { holder, key } = somewhere(body, dice);
    put(holder, key, hostile(dice, caps));
  },
  (body, dice) => {
    const numbers = placesOf(body).filter(({ value }) => typeof value === 'number');
    if (numbers.length === 0) return;
    const { holder, key, value } = dice.pick(numbers);
    put(holder, key, dice.pick([Number(value) + 1, -Number(value), Number(value) * 1e3, Number(value) + 0.5]));
  },
  spell,
  // More of a list, up to what no cap allows.
  (body, dice) => {
    const lists = placesOf(body).filter(({ value }) => Array.isArray(value) && value.length > 0);
    if (lists.length === 0) return;
    const { value } = dice.pick(lists);
    const items = value as JsonArray; // filtered above
    for (let i = dice.int(1, 6); i > 0; i--) items.push(JSON.parse(JSON.stringify(dice.pick(items))) as JsonValue);
  },
  (body, dice) => {
    const { holder, key, value } = somewhere(body, dice);
    put(holder, key, dice.pick<JsonValue>([[value], { ...(isJsonObject(value) ? value : { a: value }) }, [[value]]]));
  },
  (body, dice) => {
    const media = placesOf(body).filter(({ value }) => typeof value === 'string' && value.startsWith('data:'));
    if (media.length === 0) return;
    const { holder, key } = dice.pick(media);
    put(holder, key, dice.pick(URLS));
  },
  (body, dice) => {
    const { holder, key, value } = somewhere(body, dice);
    if (typeof key !== 'string') return;
    put(holder, dice.pick([key.toUpperCase(), `${key}\u200b`, `${key} `, key.replace(/e/, 'е')]), value);
  },
  (body, dice) => {
    const words = placesOf(body).filter(({ key }) => key === 'type' || key === 'role');
    if (words.length === 0) return;
    const { holder, key } = dice.pick(words);
    put(
      holder,
      key,
      dice.pick([...KINDS_OF_PARTS, 'text', 'image_url', 'assistant', 'tool', 'system', 'critic', 'user']),
    );
  },
  (body, dice) => {
    const { holder, key } = somewhere(body, dice);
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
  },
  // A member of another good body of the kind.
  (body, dice, caps, kind) => {
    const [name, value] = dice.pick(Object.entries(goodBody(kind, dice, caps)));
    put(body, name, value);
  },
];

/** A control token in a text, in a name, or across two parts. */
function spell(body: JsonObject, dice: Dice): void {
  const spelling = dice.pick(SPELLINGS);
  const texts = placesOf(body).filter(
    ({ value, key }) => typeof value === 'string' && key !== 'type' && key !== 'role',
  );
  if (texts.length === 0) return;
  const { holder, key, value } = dice.pick(texts);
  const at = dice.int(1, spelling.length - 1);
  const parts = placesOf(body).filter(
    ({ value: part }) =>
      Array.isArray(part) && part.some((one) => isJsonObject(one) && typeof one['text'] === 'string'),
  );
  if (dice.chance(0.3) && parts.length > 0) {
    const list = dice.pick(parts).value as JsonArray; // filtered above
    const type = (list.find((one) => isJsonObject(one) && typeof one['text'] === 'string') as JsonObject)['type'] ?? '';
    list.push({ type, text: `${MARK}${spelling.slice(0, at)}` }, { type, text: `${spelling.slice(at)}${MARK}` });
  } else if (dice.chance(0.2)) put(objectIn(body, dice), spelling, 'x');
  else if (key === 'arguments') put(holder, key, JSON.stringify({ a: spelling }).replace('|', '\\u007c'));
  else put(holder, key, `${String(value)} ${spelling}${dice.chance(0.5) ? spelling : ''}`);
}

/** A body that is hurt in a few places, or in none. */
export function woundedBody(kind: string, dice: Dice, caps: Numbers): JsonObject {
  const body = goodBody(kind, dice, caps);
  for (let wounds = dice.pick([0, 0, 0, 1, 1, 1, 1, 1, 2, 4]); wounds > 0; wounds--) {
    dice.pick(WOUNDS)(body, dice, caps, kind);
  }
  return body;
}

/** The text of a body; a few say what `JSON.stringify` never does. */
export function textOf(body: JsonObject, dice: Dice): string {
  const text = JSON.stringify(body);
  if (!dice.chance(0.04)) return text;
  const rest = text === '{}' ? '}' : `,${text.slice(1)}`;
  return dice.pick([
    `{"model":"${MARK}other"${rest}`,
    `{"seed":9007199254740993${rest}`,
    `{"temperature":1e999${rest}`,
    `{"temperature":NaN${rest}`,
    `{"user":"\\ud800"${rest}`,
    `{"user":"\\u0000"${rest}`,
    `\ufeff${text}`,
    text.slice(0, -1),
    text.replaceAll(/[a-z](?=[^"]*":)/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  ]);
}
