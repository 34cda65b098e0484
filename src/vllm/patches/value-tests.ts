import { isJsonObject, type JsonValue } from '../../kernel/json.ts';
import { assertNever } from '../../kernel/assert-never.ts';
import { shortestSideOf } from '../media/image.ts';
import { holdsText } from './prompt-text.ts';

/** What a value can be asked to be: a kind, or whether there is something in it. */
export const KINDS = ['present', 'absent', 'empty', 'filled', 'text', 'number', 'boolean', 'list', 'object'] as const;
/** A kind of value. `empty` is `""`, `[]` or `{}`; `filled` is everything else that is there. */
export type Kind = (typeof KINDS)[number];

/** A value that can be compared as a whole. */
export type Scalar = string | number | boolean;

/** Tests of one value; all that are given must hold of it. */
export interface Tests {
  readonly is?: Kind;
  readonly equals?: Scalar;
  readonly oneOf?: readonly Scalar[];
  readonly noneOf?: readonly Scalar[];
  /** Numbers, and texts that vLLM would read as numbers: `"7"`; `"NaN"` lies beyond every bound. */
  readonly above?: number;
  readonly below?: number;
  /** Above the number that stands in another field; false where none stands there. */
  readonly aboveField?: string;
  /** Texts of more than so many UTF-16 units. */
  readonly longerThan?: number;
  /** Lists of more than so many elements, objects of more than so many members. */
  readonly moreThan?: number;
  /** Texts that hold one of these, exactly. */
  readonly contains?: readonly string[];
  /** Values in which, at any depth, a text or a name holds one of these once it stands in a prompt: `holdsText`. */
  readonly holds?: readonly string[];
  /** Images, as `data:` URL or base64, of which a side has fewer pixels. */
  readonly sideBelow?: number;
  /** Texts that begin with one of these, in any case and behind white space, as readers of URLs take it. */
  readonly startsWith?: readonly string[];
  /** Texts that begin with none of these, in any case, but exactly at the start. */
  readonly startsWithNone?: readonly string[];
  /** Members whose name is none of these. */
  readonly namedNoneOf?: readonly string[];
}

/** Judges a value and the name of the member that it is (of an element, the index). */
export type ValueTest = (value: JsonValue, name: string | number) => boolean;

/** Makes the test of a value: all that are given, except `aboveField`, which needs the body. */
export function createTests(tests: Tests): ValueTest {
  const all = [...partsOf(tests)];
  return (value, name) => all.every((test) => test(value, name));
}

function* partsOf(tests: Tests): Generator<ValueTest> {
  const { is, equals, oneOf, noneOf, above, below, longerThan, moreThan } = tests;
  const { contains, holds, sideBelow, startsWith, startsWithNone, namedNoneOf } = tests;
  if (is !== undefined) yield (value) => isOf(is, value);
  if (equals !== undefined) yield (value) => value === equals;
  if (oneOf !== undefined) yield (value) => isScalar(value) && oneOf.includes(value);
  if (noneOf !== undefined) yield (value) => !(isScalar(value) && noneOf.includes(value));
  if (above !== undefined) yield numberTest((number) => number > above);
  if (below !== undefined) yield numberTest((number) => number < below);
  if (longerThan !== undefined) yield (value) => typeof value === 'string' && value.length > longerThan;
  if (moreThan !== undefined) yield (value) => sizeOf(value) > moreThan;
  if (contains !== undefined) yield textTest((text) => contains.some((part) => text.includes(part)));
  if (holds !== undefined) yield (value) => holdsText(value, holds);
  if (sideBelow !== undefined) yield textTest((text) => shortestSideOf(text) < sideBelow);
  if (startsWith !== undefined) yield textTest(startTest(startsWith));
  if (startsWithNone !== undefined) yield textTest(noStartTest(startsWithNone));
  if (namedNoneOf !== undefined) yield (_, name) => typeof name === 'string' && !namedNoneOf.includes(name);
}

function isOf(kind: Kind, value: JsonValue): boolean {
  switch (kind) {
    case 'present':
      return true;
    case 'absent':
      return false; // a value that is there was asked
    case 'empty':
      return value === '' || (typeof value === 'object' && sizeOf(value) === 0);
    case 'filled':
      return !isOf('empty', value);
    case 'text':
      return typeof value === 'string';
    case 'number':
    case 'boolean':
      return typeof value === kind;
    case 'list':
      return Array.isArray(value);
    case 'object':
      return isJsonObject(value);
    default:
      return assertNever(kind);
  }
}

const isScalar = (value: JsonValue): value is Scalar => typeof value !== 'object';

/** -1 for what has no size. */
function sizeOf(value: JsonValue): number {
  if (Array.isArray(value)) return value.length;
  return isJsonObject(value) ? Object.keys(value).length : -1;
}

/**
 * The number that vLLM would read out of a value: its request models are pydantic's in lax mode, which take texts, too,
 * with `_` between digits. NaN for a text that stands for no finite number; undefined for what is no number at all.
 */
export function numberFrom(value: JsonValue): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const text = value.replaceAll('_', '').trim();
  if (/^[+-]?(?:inf(?:inity)?|nan)$/i.test(text)) return Number.NaN;
  const number = text === '' ? Number.NaN : Number(text);
  return Number.isNaN(number) ? undefined : number;
}

/** NaN passes, for it keeps within no bound. */
function numberTest(holds: (number: number) => boolean): ValueTest {
  return (value) => {
    const number = numberFrom(value);
    return number !== undefined && (Number.isNaN(number) || holds(number));
  };
}

const textTest =
  (holds: (text: string) => boolean): ValueTest =>
  (value) =>
    typeof value === 'string' && holds(value);

const longestOf = (starts: readonly string[]): number => Math.max(0, ...starts.map(({ length }) => length));

/** Looks only at as much of a text as decides: a `data:` URL may be megabytes long. */
function startTest(starts: readonly string[]): (text: string) => boolean {
  const wanted = starts.map((start) => start.toLowerCase());
  const length = longestOf(starts);
  return (text) => {
    let at = 0;
    while (at < text.length && text.charCodeAt(at) <= SPACE) at += 1; // WHATWG URL and Python's urlsplit skip them
    const start = text.slice(at, at + length).toLowerCase();
    return wanted.some((want) => start.startsWith(want));
  };
}

function noStartTest(starts: readonly string[]): (text: string) => boolean {
  const wanted = starts.map((start) => start.toLowerCase());
  const length = longestOf(starts);
  return (text) => {
    const start = text.slice(0, length).toLowerCase();
    return !wanted.some((want) => start.startsWith(want));
  };
}

const SPACE = 0x20;
