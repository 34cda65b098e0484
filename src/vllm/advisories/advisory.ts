import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { joinPath } from '../../wire/json-path.ts';
import { createShapeReader, memberOf, type Mistake, type ShapeReader } from '../mistakes.ts';
import { readReleaseRange } from '../read-release-range.ts';
import { isAffected, type Release, type ReleaseRange } from '../release.ts';

/** How bad a hole is by its score (CVSS: low below 4, moderate below 7, high below 9); `unknown` without one. */
export const SEVERITIES = ['low', 'moderate', 'high', 'critical', 'unknown'] as const;
/** One of `SEVERITIES`. */
export type Severity = (typeof SEVERITIES)[number];

/**
 * What a gateway can do about a hole: a rule over HTTP stops it · only looking at the release and configuration helps,
 * or the rule is partial · HTTP does not lead there.
 */
export const REACHES = ['blocks', 'detects', 'none'] as const;
/** One of `REACHES`. */
export type Reach = (typeof REACHES)[number];

/** A published hole of vLLM. */
export interface Advisory {
  /** GHSA id where there is one, else CVE or PYSEC id. */
  readonly id: string;
  readonly aliases: readonly string[];
  /** One sentence. */
  readonly summary: string;
  readonly severity: Severity;
  /** CVSS base score, 0 to 10. */
  readonly score?: number;
  /** Day of publication, `YYYY-MM-DD`. */
  readonly published?: string;
  /** Releases that have it: in one of these ranges. */
  readonly affected: readonly ReleaseRange[];
  readonly reach: Reach;
  /** How it is used, where that is known. */
  readonly trigger?: Trigger;
}

/** What leads to a hole. */
export interface Trigger {
  /** Paths of vLLM, or what else leads there: `model load`. */
  readonly routes: readonly string[];
  readonly fields: readonly string[];
  readonly condition?: string;
}

/** The file's own format; a newer one gets another number. */
export const ADVISORY_FORMAT = 'sallyport-advisories/1';

/** Tells whether a release has the hole; an unknown one has every hole. */
export function affects({ affected }: Advisory, release: Release | undefined): boolean {
  return affected.some((range) => isAffected(release, range));
}

/** Tells whether a name is the advisory's id or one of its aliases. */
export function isNamed({ id, aliases }: Advisory, name: string): boolean {
  return id === name || aliases.includes(name);
}

/**
 * Reads a list in the product's own format: `{"format":"sallyport-advisories/1","advisories":[…]}`. Advisories with a
 * mistake are left out, and all mistakes are told. Never throws.
 */
export function parseAdvisories(value: JsonValue): {
  readonly advisories: readonly Advisory[];
  readonly mistakes: readonly Mistake[];
} {
  const reader = createShapeReader();
  const file = reader.object('', value, ['format', 'advisories']) ?? {};
  if (memberOf(file, 'format') !== ADVISORY_FORMAT) reader.note('format', `Give "${ADVISORY_FORMAT}".`);
  const seen = new Set<string>();
  const advisories = reader.list('advisories', memberOf(file, 'advisories'), MAX_ADVISORIES, (path, item) => {
    const before = reader.mistakes.length;
    const advisory = readAdvisory(reader, path, item);
    if (advisory !== undefined && seen.has(advisory.id)) reader.note(joinPath(path, 'id'), 'This id is there twice.');
    if (advisory === undefined || reader.mistakes.length > before) return undefined;
    seen.add(advisory.id);
    return advisory;
  });
  return { advisories, mistakes: reader.mistakes };
}

/** The list in the product's own format, which `parseAdvisories` reads back as it is. */
export function advisoryFileFrom(advisories: readonly Advisory[]): JsonObject {
  // Advisories are plain data, which JSON keeps as it is.
  return { format: ADVISORY_FORMAT, advisories: JSON.parse(JSON.stringify(advisories)) as JsonValue };
}

/** Most advisories of a list. */
export const MAX_ADVISORIES = 5000;
/** Most aliases, ranges, routes or fields of an advisory. */
export const MAX_ITEMS = 64;
/** Longest summary or condition. */
export const MAX_SUMMARY_CHARS = 500;
/** The form of an advisory's id. */
export const ADVISORY_ID: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{2,63}$/;
const MEMBERS = ['id', 'aliases', 'summary', 'severity', 'score', 'published', 'affected', 'reach', 'trigger'];

function readAdvisory(reader: ShapeReader, path: string, value: JsonValue): Advisory | undefined {
  const item = reader.object(path, value, MEMBERS);
  if (item === undefined) return undefined;
  const at = (name: string): string => joinPath(path, name);
  const get = (name: string): JsonValue | undefined => memberOf(item, name);
  const summary = reader.text(at('summary'), get('summary'), MAX_SUMMARY_CHARS) ?? '';
  const affected = reader.list(at('affected'), get('affected'), MAX_ITEMS, (at, range) =>
    readReleaseRange(reader, at, range),
  );
  if (affected.length === 0) reader.note(at('affected'), 'Give at least one range; {} holds every release.');
  return {
    id: readId(reader, at('id'), get('id') ?? null) ?? '',
    aliases: reader.list(at('aliases'), get('aliases'), MAX_ITEMS, (at, alias) => readId(reader, at, alias)),
    summary,
    severity: oneOf(reader, at('severity'), get('severity'), SEVERITIES) ?? 'unknown',
    ...readScore(reader, at('score'), get('score')),
    ...readPublished(reader, at('published'), get('published')),
    affected,
    reach: oneOf(reader, at('reach'), get('reach'), REACHES) ?? 'detects',
    ...readTrigger(reader, at('trigger'), get('trigger')),
  };
}

function readId(reader: ShapeReader, path: string, value: JsonValue): string | undefined {
  const isId = typeof value === 'string' && ADVISORY_ID.test(value);
  return isId ? value : reader.note(path, 'Give an id such as "CVE-2026-12345".');
}

function oneOf<T extends string>(
  reader: ShapeReader,
  path: string,
  value: JsonValue | undefined,
  words: readonly T[],
): T | undefined {
  return words.find((word) => word === value) ?? reader.note(path, `Give one of ${words.join(', ')}.`);
}

function readScore(reader: ShapeReader, path: string, value: JsonValue | undefined): { score?: number } {
  if (value === undefined) return {};
  if (typeof value === 'number' && value >= 0 && value <= 10) return { score: value };
  return reader.note(path, 'Give a number from 0 to 10.') ?? {};
}

function readPublished(reader: ShapeReader, path: string, value: JsonValue | undefined): { published?: string } {
  if (value === undefined) return {};
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value)) return { published: value };
  return reader.note(path, 'Give a day as YYYY-MM-DD.') ?? {};
}

function readTrigger(reader: ShapeReader, path: string, value: JsonValue | undefined): { trigger?: Trigger } {
  if (value === undefined) return {};
  const trigger = reader.object(path, value, ['routes', 'fields', 'condition']);
  if (!isJsonObject(trigger)) return {};
  const texts = (name: string): readonly string[] =>
    reader.list(joinPath(path, name), memberOf(trigger, name), MAX_ITEMS, (at, text) => reader.text(at, text, 256));
  const condition = memberOf(trigger, 'condition');
  const said =
    condition === undefined ? undefined : reader.text(joinPath(path, 'condition'), condition, MAX_SUMMARY_CHARS);
  const known = { routes: texts('routes'), fields: texts('fields') };
  return { trigger: said === undefined ? known : { ...known, condition: said } };
}
