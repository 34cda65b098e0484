import type { JsonValue } from '../../kernel/json.ts';
import { isJsonObject } from '../../kernel/json.ts';
import type { Refusal } from '../fields/refusal.ts';
import { invalid, outOfRange } from '../fields/refusal.ts';
import type { SchemaLimits } from './limits.ts';

/** Judges the value of a keyword that holds no schema. */
export type KeywordCheck = (value: JsonValue, limits: SchemaLimits) => Refusal | undefined;

/** The types of JSON Schema; another one took workers down (CVE-2025-48944). */
const TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'] as const;
const IS_TYPE: ReadonlySet<JsonValue> = new Set<JsonValue>(TYPES);

/** What the largest integer of 64 bits is below; numbers of JSON cannot be nearer to it. */
const INT64 = 2 ** 63;

const anything: KeywordCheck = () => undefined;
const text: KeywordCheck = (value) => (typeof value === 'string' ? undefined : invalid('Give a text.'));
const flag: KeywordCheck = (value) => (typeof value === 'boolean' ? undefined : invalid('Give true or false.'));

const word: KeywordCheck = (value) => {
  if (typeof value !== 'string') return invalid('Give a text.');
  return value.length > 256 ? outOfRange('Give a text of at most 256 characters.') : undefined;
};

const number: KeywordCheck = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? undefined : invalid('Give a finite number.');

/** Of steps no compiler takes others seriously: xgrammar reads whole ones up to 1024, and ignores the rest. */
const MIN_STEP = 1e-9;
const MAX_STEP = 1e9;
const step: KeywordCheck = (value, { isCompiled }) => {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) return invalid('Give a number above 0.');
  return !isCompiled || (value >= MIN_STEP && value <= MAX_STEP)
    ? undefined
    : outOfRange(`Give a step from ${MIN_STEP} to ${MAX_STEP}, or leave it out.`);
};

/**
 * A bound: 64-bit integers are what compilers hold. Beyond them the one that checks a schema at the door and the one
 * that compiles it disagree, and the engine ends on what the door let in (vLLM #43920).
 */
const bound: KeywordCheck = (value, limits) => {
  const refusal = number(value, limits);
  if (refusal !== undefined || typeof value !== 'number' || !limits.isCompiled) return refusal;
  return value >= -INT64 && value < INT64 ? undefined : outOfRange('Give a bound of at most 64 bits, or leave it out.');
};

/** A bound without the value itself; drafts up to 4 and OpenAPI 3.0 say so by a flag, which no compiler reads. */
const exclusive: KeywordCheck = (value, limits) =>
  typeof value === 'boolean' && !limits.isCompiled ? undefined : bound(value, limits);

const count: KeywordCheck = (value, { repeat }) => {
  const hint = `Give a whole number from 0 to ${repeat}, or leave the bound out.`;
  if (typeof value !== 'number' || !Number.isInteger(value)) return invalid(hint);
  return value >= 0 && value <= repeat ? undefined : outOfRange(hint);
};

const names: KeywordCheck = (value) => {
  const hint = 'Give a list of names, each once.';
  if (!Array.isArray(value)) return invalid(hint);
  if (value.some((name) => typeof name !== 'string') || new Set(value).size < value.length) return invalid(hint);
  return undefined;
};

const namesByName: KeywordCheck = (value, limits) => {
  if (!isJsonObject(value)) return invalid('Give an object of lists of names.');
  for (const name in value) {
    const refusal = names(value[name] ?? null, limits);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
};

const types: KeywordCheck = (value) => {
  const hint = `Give one of ${TYPES.join(', ')}, or a list of some of them, each once.`;
  const list = Array.isArray(value) ? value : [value];
  const isGood = list.length > 0 && list.every((type) => IS_TYPE.has(type)) && new Set(list).size === list.length;
  return isGood ? undefined : invalid(hint);
};

/**
 * Keywords that hold no schema and are judged by themselves: those of JSON Schema (drafts 4 to 2020-12) and OpenAPI
 * that constrain, and the annotations that pydantic, zod, TypeBox, the SDKs, editors and OpenAPI converters write.
 * `$anchor`, `$dynamicRef` and their like are not here: with them a reference could lead where it was not followed.
 */
export const VALUE_KEYWORDS: ReadonlyMap<string, KeywordCheck> = new Map([
  ['type', types],
  ['format', word],
  ['minimum', bound],
  ['maximum', bound],
  ['exclusiveMinimum', exclusive],
  ['exclusiveMaximum', exclusive],
  ['multipleOf', step],
  ['minLength', count],
  ['maxLength', count],
  ['minItems', count],
  ['maxItems', count],
  ['minContains', count],
  ['maxContains', count],
  ['minProperties', count],
  ['maxProperties', count],
  ['uniqueItems', flag],
  ['required', names],
  ['dependentRequired', namesByName],
  ['nullable', flag],
  ['title', text],
  ['description', text],
  ['markdownDescription', text],
  ['$comment', text],
  ['$schema', word],
  ['deprecated', flag],
  ['readOnly', flag],
  ['writeOnly', flag],
  ['contentEncoding', word],
  ['contentMediaType', word],
  ['default', anything],
  ['example', anything],
  ['examples', anything],
  ['discriminator', anything],
  ['externalDocs', anything],
  ['xml', anything],
  ['enumNames', anything],
  ['enumDescriptions', anything],
  ['markdownEnumDescriptions', anything],
  ['deprecationMessage', anything],
  ['errorMessage', anything],
  ['propertyOrdering', anything],
]);

/** Formats that become large expressions. */
const LARGE_FORMATS: ReadonlyMap<string, number> = new Map([
  ['email', 400],
  ['idn-email', 400],
  ['uri-template', 400],
  ['ipv6', 400],
  ['uri', 200],
  ['uri-reference', 200],
  ['iri', 200],
  ['iri-reference', 200],
  ['duration', 200],
  ['hostname', 200],
  ['idn-hostname', 200],
]);
const OTHER_FORMAT = 50;

/** What a format costs against one character of a text: it is a pattern of the compiler's (50 ms for one e-mail). */
export function formatWeight(format: string): number {
  return LARGE_FORMATS.get(format) ?? OTHER_FORMAT;
}

/** How a keyword holds schemas. */
export interface SchemaKeyword {
  /** `many`: a list of at least one; `named`: an object; `either`: one or a list of at least one. */
  readonly form: 'one' | 'many' | 'named' | 'either';
  /** They judge the value itself, not a part of it: a reference through them comes no step further. */
  readonly isInPlace: boolean;
  /** What each of them may be repeated by. */
  readonly times: 'once' | 'items' | 'members';
}

const PART: SchemaKeyword = { form: 'one', isInPlace: false, times: 'once' };
const SAME: SchemaKeyword = { form: 'one', isInPlace: true, times: 'once' };
const CHOICE: SchemaKeyword = { form: 'many', isInPlace: true, times: 'once' };

/** Keywords that hold schemas. */
export const SCHEMA_KEYWORDS: ReadonlyMap<string, SchemaKeyword> = new Map([
  ['properties', { form: 'named', isInPlace: false, times: 'once' }],
  ['patternProperties', { form: 'named', isInPlace: false, times: 'members' }],
  ['additionalProperties', { form: 'one', isInPlace: false, times: 'members' }],
  ['unevaluatedProperties', { form: 'one', isInPlace: false, times: 'members' }],
  ['propertyNames', { form: 'one', isInPlace: false, times: 'members' }],
  ['items', { form: 'either', isInPlace: false, times: 'items' }],
  ['additionalItems', { form: 'one', isInPlace: false, times: 'items' }],
  ['unevaluatedItems', { form: 'one', isInPlace: false, times: 'items' }],
  ['contains', { form: 'one', isInPlace: false, times: 'items' }],
  ['prefixItems', { form: 'many', isInPlace: false, times: 'once' }],
  ['contentSchema', PART],
  ['anyOf', CHOICE],
  ['oneOf', CHOICE],
  ['allOf', CHOICE],
  ['not', SAME],
  ['if', SAME],
  ['then', SAME],
  ['else', SAME],
  ['dependentSchemas', { form: 'named', isInPlace: true, times: 'once' }],
  ['$defs', { form: 'named', isInPlace: false, times: 'once' }],
  ['definitions', { form: 'named', isInPlace: false, times: 'once' }],
] satisfies readonly (readonly [string, SchemaKeyword])[]);

/** Lower and upper bounds that belong together. */
export const BOUNDS: readonly (readonly [lower: string, upper: string])[] = [
  ['minLength', 'maxLength'],
  ['minItems', 'maxItems'],
  ['minContains', 'maxContains'],
  ['minProperties', 'maxProperties'],
];

/** Tells whether a keyword is an extension that nobody has to know; but `x-guidance` steers llguidance. */
export function isExtension(name: string): boolean {
  return name.startsWith('x-') && name !== 'x-guidance';
}
