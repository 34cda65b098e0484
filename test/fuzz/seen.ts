import { Buffer } from 'node:buffer';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/kernel/json.ts';

/** Numbers that bound what one request may hold, by the contract's names of them. */
export type Numbers = Readonly<Record<string, number>>;

/** Who sent a request to which model, as far as it decides what vLLM may see, and what was found. */
export interface Watch {
  readonly caps: Numbers;
  readonly grants: ReadonlySet<string>;
  /** Tokens of prompt and answer together; undefined where nobody knows. */
  readonly contextTokens: number | undefined;
  readonly isSalted: boolean;
  /** Responses may be stored; left out, none may. */
  readonly storesResponses?: boolean;
  /** Characters that texts may have grown by: control tokens in them were broken after their lengths were checked. */
  readonly grown: number;
  readonly images: { count: number; bytes: number };
  readonly audios: { count: number };
  /** What vLLM sees and may not. */
  readonly faults: string[];
}

/** Looks at one value that would be sent, and adds what is wrong with it to the faults. */
export type Look = (value: JsonValue, at: string, watch: Watch) => void;

/** Adds a fault. */
export const fault = (watch: Watch, at: string, what: string): void => void watch.faults.push(`${at}: ${what}`);

const cap = (most: number | string, { caps }: Watch): number =>
  typeof most === 'number' ? most : (caps[most] ?? Number.NaN);

/** A finite number within bounds; the upper one may be a cap. */
export function num(min: number, max: number | string, isWhole = false): Look {
  return (value, at, watch) => {
    const isGood = typeof value === 'number' && value >= min && value <= cap(max, watch);
    if (!isGood || !Number.isFinite(value) || (isWhole && !Number.isInteger(value))) fault(watch, at, 'number');
  };
}
/** The same, whole. */
export const int = (min: number, max: number | string): Look => num(min, max, true);

/** A text. */
export function text(min = 0, max = Infinity): Look {
  return (value, at, watch) => {
    if (typeof value !== 'string' || value.length < min || value.length > max + watch.grown) fault(watch, at, 'text');
  };
}

/** One of the words. */
export const word = (...words: readonly JsonValue[]): Look => {
  return (value, at, watch) => {
    if (!words.includes(value)) fault(watch, at, 'word');
  };
};

/** True or false. */
export const bool: Look = word(true, false);

/** What only is there where responses may be stored. */
export function storing(look: Look, otherwise?: Look): Look {
  return (value, at, watch) => {
    if (watch.storesResponses === true) look(value, at, watch);
    else if (otherwise === undefined) fault(watch, at, 'nothing is stored');
    else otherwise(value, at, watch);
  };
}

/** Anything at all. */
export const anything: Look = () => undefined;

/** A list of at least one item and at most `max`, a number or a cap. */
export function list(item: Look, max: number | string, min = 1): Look {
  return (value, at, watch) => {
    if (!Array.isArray(value) || value.length < min || value.length > cap(max, watch)) fault(watch, at, 'list');
    if (Array.isArray(value)) value.forEach((one, i) => item(one, `${at}[${i}]`, watch));
  };
}

/** An object with these members and no others; names that end in `!` have to be there. */
export function object(members: Readonly<Record<string, Look>>): Look {
  const looks = new Map(Object.entries(members).map(([name, look]) => [name.replace('!', ''), look]));
  const required = Object.keys(members).flatMap((name) => (name.endsWith('!') ? [name.slice(0, -1)] : []));
  return (value, at, watch) => {
    if (!isJsonObject(value)) return fault(watch, at, 'object');
    if (Object.getPrototypeOf(value) !== Object.prototype) fault(watch, at, 'prototype');
    for (const [name, member] of Object.entries(value)) {
      const look = looks.get(name);
      if (look === undefined) fault(watch, `${at}.${name}`, 'may not be there');
      else look(member, `${at}.${name}`, watch);
    }
    for (const name of required) if (!Object.hasOwn(value, name)) fault(watch, `${at}.${name}`, 'has to be there');
  };
}

/** An object whose member says which of the forms it has. */
export function forms(member: string, byWord: Readonly<Record<string, Look>>): Look {
  return (value, at, watch) => {
    const said = isJsonObject(value) ? value[member] : undefined;
    const look = typeof said === 'string' && Object.hasOwn(byWord, said) ? byWord[said] : undefined;
    if (look === undefined) fault(watch, at, `form ${member}`);
    else look(value, at, watch);
  };
}

/** By the type of the value: a text is looked at by the first, anything else by the second. */
export function textOr(ofText: Look, other: Look): Look {
  return (value, at, watch) => (typeof value === 'string' ? ofText : other)(value, at, watch);
}

/** What nobody may send without the grant. */
export function granted(grant: string, look: Look): Look {
  return (value, at, watch) => {
    if (!watch.grants.has(grant)) fault(watch, at, `without ${grant}`);
    look(value, at, watch);
  };
}

/** An image: a data: URL of one of four types, in strict base64, counted. */
export const image: Look = (value, at, watch) => {
  const parts = typeof value === 'string' ? /^data:image\/(png|jpe?g|gif|webp);base64,(.*)$/s.exec(value) : null;
  if (parts === null) return fault(watch, at, 'no data: URL of an image');
  const data = parts[2] ?? '';
  const bytes = Buffer.from(data, 'base64');
  if (bytes.toString('base64') !== data || bytes.length === 0) fault(watch, at, 'base64');
  const heads = { png: '89504e470d0a1a0a', jpg: 'ffd8ff', jpeg: 'ffd8ff', gif: '47494638', webp: '52494646' };
  const head = heads[parts[1] as keyof typeof heads]; // one of the words of the pattern
  if (!bytes.toString('hex', 0, 12).startsWith(head)) fault(watch, at, 'magic bytes');
  watch.images.count++;
  watch.images.bytes += bytes.length;
  if (watch.images.count > cap('images', watch)) fault(watch, at, 'images');
  if (watch.images.bytes > cap('mediaBytes', watch)) fault(watch, at, 'bytes of media');
};

const SCHEMAS_IN = {
  one: [
    'additionalProperties',
    'unevaluatedProperties',
    'propertyNames',
    'items',
    'additionalItems',
    'contains',
  ].concat(['unevaluatedItems', 'contentSchema', 'not', 'if', 'then', 'else']),
  many: ['anyOf', 'oneOf', 'allOf', 'prefixItems', 'items'],
  named: ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'],
} as const;
const COUNTS = 'minLength maxLength minItems maxItems minContains maxContains minProperties maxProperties'.split(' ');
const TYPES = new Set<JsonValue>(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);
/** What else JSON Schema, OpenAPI and the libraries that write schemas have, besides "x-" and a name. */
const KNOWN = new Set([
  ...SCHEMAS_IN.one,
  ...SCHEMAS_IN.many,
  ...SCHEMAS_IN.named,
  ...COUNTS,
  ...'type enum const pattern format $ref $id $schema $comment title description default example examples'.split(' '),
  ...'minimum maximum exclusiveMinimum exclusiveMaximum multipleOf uniqueItems required dependentRequired'.split(' '),
  ...'nullable deprecated readOnly writeOnly contentEncoding contentMediaType discriminator externalDocs xml'.split(
    ' ',
  ),
  ...'enumNames enumDescriptions markdownDescription markdownEnumDescriptions deprecationMessage'.split(' '),
  ...['errorMessage', 'propertyOrdering'],
]);
/** What could lead a reader somewhere else than it seems, and what steers one compiler. */
const NEVER = ['$anchor', '$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$recursiveAnchor', 'x-guidance'];

/** A JSON Schema. One that becomes a grammar has bounds on its counts, enums and patterns too. */
export function schema(use: 'compiled' | 'read'): Look {
  return (value, at, watch) => {
    if (!isJsonObject(value)) return fault(watch, at, 'schema');
    const bytes = use === 'compiled' ? 'schemaBytes' : 'toolBytes';
    if (Buffer.byteLength(JSON.stringify(value)) > cap(bytes, watch)) fault(watch, at, bytes);
    if (use === 'compiled' && Object.keys(value).length === 0) fault(watch, at, 'an empty constraint');
    const count = { nodes: 0, values: 0 };
    walkSchema(value, at, { watch, count, isCompiled: use === 'compiled', depth: 1 });
    if (count.nodes > cap('schemaNodes', watch)) fault(watch, at, 'schemaNodes');
    if (count.values > (use === 'compiled' ? 1000 : 10_000)) fault(watch, at, 'values of enums');
  };
}

interface Walk {
  readonly watch: Watch;
  readonly count: { nodes: number; values: number };
  readonly isCompiled: boolean;
  readonly depth: number;
}

function walkSchema(node: JsonValue, at: string, walk: Walk): void {
  const { watch, count, isCompiled } = walk;
  count.nodes++;
  if (walk.depth > cap('schemaDepth', watch)) fault(watch, at, 'schemaDepth');
  if (typeof node === 'boolean') return;
  if (!isJsonObject(node)) return fault(watch, at, 'schema');
  for (const name of NEVER) if (Object.hasOwn(node, name)) fault(watch, at, name);
  keywords(node, at, walk);
  const inner = { ...walk, depth: walk.depth + 1 };
  const isHere = (name: string): boolean => Object.hasOwn(node, name);
  for (const name of SCHEMAS_IN.one.filter(isHere)) {
    if (!Array.isArray(node[name])) walkSchema(node[name] ?? null, `${at}.${name}`, inner);
  }
  for (const name of SCHEMAS_IN.many.filter(isHere)) {
    const many = node[name];
    if (Array.isArray(many)) many.forEach((one, i) => walkSchema(one, `${at}.${name}[${i}]`, inner));
    else if (name !== 'items') fault(watch, `${at}.${name}`, 'list of schemas');
  }
  for (const name of SCHEMAS_IN.named.filter(isHere)) {
    const named = node[name];
    if (!isJsonObject(named)) fault(watch, `${at}.${name}`, 'object of schemas');
    else {
      for (const [key, one] of Object.entries(named)) {
        if (name === 'patternProperties') pattern(key, `${at}.${name}`, isCompiled, watch);
        if (name !== 'dependencies' || !Array.isArray(one)) walkSchema(one, `${at}.${name}.${key}`, inner);
      }
    }
  }
}

function keywords(node: JsonObject, at: string, { watch, count, isCompiled }: Walk): void {
  const has = (name: string): boolean => Object.hasOwn(node, name);
  for (const name of Object.keys(node)) {
    if (!KNOWN.has(name) && !name.startsWith('x-')) fault(watch, `${at}.${name}`, 'keyword');
  }
  for (const name of COUNTS.filter(has)) {
    int(0, isCompiled ? 1000 : Number.MAX_SAFE_INTEGER)(node[name] ?? null, `${at}.${name}`, watch);
  }
  if (has('type')) {
    const types = Array.isArray(node['type']) ? node['type'] : [node['type'] ?? null];
    if (types.length === 0 || !types.every((type) => TYPES.has(type))) fault(watch, `${at}.type`, 'type');
  }
  if (has('$ref') && !/^#(\/[^%]*)?$/.test(String(node['$ref']))) fault(watch, `${at}.$ref`, 'leads elsewhere');
  if (has('enum')) {
    if (!Array.isArray(node['enum'])) fault(watch, `${at}.enum`, 'list');
    else count.values += node['enum'].length;
  }
  if (has('pattern')) pattern(node['pattern'] ?? null, `${at}.pattern`, isCompiled, watch);
}

/** A regular expression; no more of its meaning than what no grammar can say. */
export function pattern(value: JsonValue, at: string, isCompiled: boolean, watch: Watch): void {
  text(0, isCompiled ? 512 : 1024)(value, at, watch);
  if (isCompiled && /\(\?[=!<]|\\[1-9]/.test(String(value))) fault(watch, at, 'no grammar can say it');
  if (/\([^()]*[+*]\)[+*]/.test(String(value))) fault(watch, at, 'a repeat inside a repeat');
}
