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
  spellApart,
  spell,
  spellApart,
  schemaKeyword,
  schemaKeyword,
  aboveCap,
  aboveCap,
  (body, dice) => put(body, 'chat_template_kwargs', { [dice.pick(VARIABLES)]: dice.pick([true, `${MARK}v`]) }),
  (body, dice) => {
    const texts = textsIn(body);
    if (texts.length === 0) return;
    const { holder, key } = dice.pick(texts);
    put(holder, key, `${MARK}${'long '.repeat(dice.int(100, 800))}`);
  },
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
  elsewhere,
  elsewhere,
  // Nothing but a kind, and one that may be closed.
  (body, dice) => {
    const kinds = placesOf(body).filter(({ value }) => isJsonObject(value) && Object.hasOwn(value, 'type'));
    if (kinds.length === 0) return;
    const { holder, key, value } = dice.pick(kinds);
    put(holder, key, { type: dice.pick([...KINDS_OF_PARTS, (value as JsonObject)['type'] ?? null]) }); // filtered above
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

/** Another URL in the place of an image's. */
function elsewhere(body: JsonObject, dice: Dice): void {
  const media = placesOf(body).filter(({ value }) => typeof value === 'string' && value.startsWith('data:'));
  if (media.length === 0) return;
  const { holder, key } = dice.pick(media);
  put(holder, key, dice.pick(URLS));
}

const VARIABLES = 'chat_template tokenize tools documents enable_thinking reasoning_effort add_generation_prompt'.split(
  ' ',
);
const textsIn = (body: JsonObject): Place[] =>
  placesOf(body).filter(({ value, key }) => typeof value === 'string' && key !== 'type' && key !== 'role');
/** Objects that a caller names the members of. */
const OPEN = new Set<string | number>(['properties', 'input', '$defs', 'documents']);

/** A control token in a text or in a name. */
function spell(body: JsonObject, dice: Dice): void {
  const spelling = dice.pick(SPELLINGS);
  const open = placesOf(body).filter(({ key, value }) => OPEN.has(key) && isJsonObject(value));
  if (dice.chance(0.3) && open.length > 0) return put(dice.pick(open).value as JsonObject, spelling, {}); // filtered above
  const texts = textsIn(body);
  if (texts.length === 0) return;
  const { holder, key, value } = dice.pick(texts);
  if (key === 'arguments') put(holder, key, JSON.stringify({ a: spelling }).replace('|', '\\u007c'));
  else put(holder, key, `${String(value)} ${spelling}${dice.chance(0.5) ? spelling : ''}`);
}

/** A control token that one part begins and the next one ends. */
function spellApart(body: JsonObject, dice: Dice): void {
  const isText = (one: JsonValue): boolean => isJsonObject(one) && typeof one['text'] === 'string';
  const lists = placesOf(body).filter(({ value }) => Array.isArray(value) && value.some(isText));
  if (lists.length === 0) return;
  const list = dice.pick(lists).value as JsonArray; // filtered above
  const type = (list.find(isText) as JsonObject)['type'] ?? '';
  const spelling = dice.pick(SPELLINGS);
  const at = dice.int(1, spelling.length - 1);
  list.push({ type, text: `${MARK}${spelling.slice(0, at)}` }, { type, text: `${spelling.slice(at)}${MARK}` });
}

const KEYWORDS: readonly (readonly [string, JsonValue])[] = [
  ...[1000, 1001, -1, 1e9, 0.5].map((bound) => ['maxLength', bound] as const),
  ...[1001, '5'].map((bound) => ['minItems', bound] as const),
  ...['http://h/', '#/%41', '#/$defs/none', '#', '', 'other.json#/a'].map((to) => ['$ref', to] as const),
  ...['$dynamicRef', '$anchor', 'x-guidance', 'keyword', 'x-mine', '__proto__'].map((name) => [name, '#a'] as const),
  ...['(a+)+$', '(?=a)b', '(a)\\1', '[', 'a'.repeat(600), 'a{1,2000}'].map((one) => ['pattern', one] as const),
  ...['stringy', [], ['string', 'string'], null, 1].map((type) => ['type', type] as const),
  ['enum', []],
  ['enum', Array.from({ length: 1001 }, (_, i) => i)],
  ['default', { a: [1.5] }],
];
/** Objects that are schemas, or stand where one does. */
const isSchemaLike = ({ key, value }: Place): boolean =>
  isJsonObject(value) &&
  (/^(parameters|input_schema|schema|json|items|properties|a|b|node|not|parametersJsonSchema)$/.test(String(key)) ||
    Object.hasOwn(value, 'anyOf'));

/** A keyword of JSON Schema, or what looks like one. */
function schemaKeyword(body: JsonObject, dice: Dice): void {
  const schemas = placesOf(body).filter(isSchemaLike);
  if (schemas.length === 0) return;
  const [name, value] = dice.pick(KEYWORDS);
  put(dice.pick(schemas).value as JsonObject, name, JSON.parse(JSON.stringify(value)) as JsonValue); // filtered above
}

const CAPPED: readonly (readonly [name: string, cap: string])[] = [
  ...['n', 'stop', 'tools', 'messages', 'documents', 'images'].map((name) => [name, name] as const),
  ...['top_logprobs', 'logprobs'].map((name) => [name, 'topLogprobs'] as const),
  ...['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'min_tokens', 'thinking_token_budget'].map(
    (name) => [name, 'outputTokens'] as const,
  ),
  ...['prompt', 'input', 'texts', 'inputs'].map(
    (name) => [name, name === 'prompt' ? 'promptList' : 'inputList'] as const,
  ),
];

/** One more, or one less, than a cap: of a number, or of the items of a list. */
function aboveCap(body: JsonObject, dice: Dice, caps: Numbers): void {
  const named = CAPPED.filter(([name]) => Object.hasOwn(body, name));
  const [name, cap] = dice.pick(named.length > 0 && dice.chance(0.7) ? named : CAPPED);
  const most = (caps[cap] ?? 0) + dice.int(0, 1);
  const value = body[name];
  if (!Array.isArray(value)) {
    if (Number.isFinite(most) && /^n$|tokens|logprobs|budget/.test(name)) put(body, name, most);
  } else if (value.length > 0 && most <= 64) {
    while (value.length < most) value.push(JSON.parse(JSON.stringify(value[0])) as JsonValue); // as it was written
  }
}

/** A body that is hurt in a few places, or in none. */
export function woundedBody(kind: string, dice: Dice, caps: Numbers): JsonObject {
  const body = goodBody(kind, dice, caps);
  for (let wounds = dice.pick([0, 0, 0, 1, 1, 1, 1, 1, 2, 4]); wounds > 0; wounds--) {
    dice.pick(WOUNDS)(body, dice, caps, kind);
  }
  return body;
}

/** The text of a body; a few say what `JSON.stringify` never does, and most of these have to be refused. */
export function textOf(body: JsonObject, dice: Dice): { readonly text: string; readonly isBroken: boolean } {
  const text = JSON.stringify(body);
  if (!dice.chance(0.05)) return { text, isBroken: false };
  const rest = text === '{}' ? '}' : `,${text.slice(1)}`;
  const name = dice.pick(Object.keys(body).concat('model'));
  const spelt = (one: string): string => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const hurt = dice.pick([
    text.endsWith('}') && Object.hasOwn(body, name) ? `{${JSON.stringify(name)}:null${rest}` : text.slice(1),
    `{"seed":9007199254740993${rest}`,
    `{"metadata":{"a":1e999}${rest}`,
    text.includes('"default":true') ? text.replace('"default":true', '"default":1e999') : `{"a":NaN${rest}`,
    `{"user":"\\ud800"${rest}`,
    `{"user":"\\u0000"${rest}`,
    `\ufeff${text}`,
    text.slice(0, -1),
    '',
  ]);
  if (hurt !== '') return { text: hurt, isBroken: true };
  return { text: text.replaceAll(/[a-z](?=[^"]*":)/g, spelt), isBroken: false };
}
