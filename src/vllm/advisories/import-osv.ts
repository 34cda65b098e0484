import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { memberOf, UNPRINTABLE } from '../mistakes.ts';
import { patches } from '../patches/index.ts';
import type { PatchRow } from '../patches/patch.ts';
import type { ReleaseRange } from '../release.ts';
import { ADVISORY_ID, MAX_ADVISORIES, MAX_ITEMS, MAX_SUMMARY_CHARS, type Advisory, type Severity } from './advisory.ts';
import { cvssScore, severityFrom } from './cvss.ts';
import { rangesFrom } from './osv-ranges.ts';

/** What an import could not take over: a record as a whole, or a part of one. */
export interface Unmapped {
  /** Id of the record; its place (`record 3`) where it has none. */
  readonly id: string;
  readonly why: string;
}

/** What came of an import. */
export interface OsvImport {
  readonly advisories: readonly Advisory[];
  readonly unmapped: readonly Unmapped[];
}

/**
 * Reads records of the OSV format (OSV schema 1.x), in which the PyPA advisory database is, too: one record, an array
 * of them, or an answer of the OSV API (`{"vulns":[…]}`). Only what is about vllm on PyPI is taken. What cannot be
 * mapped is named; where it is a range, every release counts as affected, so that doubt never hides a hole. An advisory's reach is `blocks` where a patch names it, else `detects`. Never throws.
 *
 * @param rows the patches, those of the operator too
 */
export function advisoriesFromOsv(value: JsonValue, rows: readonly PatchRow[] = patches): OsvImport {
  const stopped = new Set(rows.flatMap(({ advisories }) => advisories));
  const unmapped: Unmapped[] = [];
  const records = recordsOf(value);
  if (records === undefined) {
    return {
      advisories: [],
      unmapped: [{ id: 'file', why: 'Neither an OSV record, an array of them, nor {"vulns":[…]}.' }],
    };
  }
  if (records.length > MAX_ADVISORIES) {
    unmapped.push({ id: 'file', why: `Only the first ${MAX_ADVISORIES} of ${records.length} records were read.` });
  }
  const advisories = new Map<string, Advisory>();
  for (const [i, record] of records.slice(0, MAX_ADVISORIES).entries()) {
    const advisory = advisoryFrom(record, `record ${i + 1}`, stopped, unmapped);
    if (advisory === undefined) continue;
    if (advisories.has(advisory.id))
      unmapped.push({ id: advisory.id, why: 'It is there twice; the first one counts.' });
    else advisories.set(advisory.id, advisory);
  }
  return { advisories: [...advisories.values()], unmapped };
}

function recordsOf(value: JsonValue): readonly JsonValue[] | undefined {
  if (Array.isArray(value)) return value;
  if (!isJsonObject(value)) return undefined;
  const list = memberOf(value, 'vulns');
  if (Array.isArray(list)) return list;
  return Object.hasOwn(value, 'id') ? [value] : undefined;
}

function advisoryFrom(
  value: JsonValue,
  place: string,
  stopped: ReadonlySet<string>,
  unmapped: Unmapped[],
): Advisory | undefined {
  const name = isJsonObject(value) ? memberOf(value, 'id') : undefined;
  const id = isId(name) ? name : place;
  const skip = (why: string): undefined => void unmapped.push({ id, why });
  if (!isJsonObject(value)) return skip('It is no object.');
  if (!isId(name)) return skip('It has no id, or one of another form.');
  const get = (member: string): JsonValue | undefined => memberOf(value, member);
  if ((get('withdrawn') ?? null) !== null) return skip('It was withdrawn.');
  const about = listOf(get('affected')).filter((entry) => isJsonObject(entry) && isVllm(memberOf(entry, 'package')));
  if (about.length === 0) return skip('It is not about vllm on PyPI.');

  const affected = about.flatMap((entry) => rangesFrom(isJsonObject(entry) ? entry : {}, skip));
  const aliases = listOf(get('aliases')).filter((alias) => isId(alias));
  if (listOf(get('aliases')).length > MAX_ITEMS) skip(`Only the first ${MAX_ITEMS} aliases were read.`);
  const published = dayOf(get('published'));
  return {
    id,
    aliases: aliases.slice(0, MAX_ITEMS),
    summary: summaryOf(value, id),
    ...severityOf(value, about, skip),
    ...(published === undefined ? {} : { published }),
    affected: bounded(affected, skip),
    reach: [id, ...aliases].some((alias) => stopped.has(alias)) ? 'blocks' : 'detects',
  };
}

const isId = (value: JsonValue | undefined): value is string => typeof value === 'string' && ADVISORY_ID.test(value);

const listOf = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);

/** Names of packages on PyPI are compared without case (PEP 503). */
function isVllm(value: JsonValue | undefined): boolean {
  if (!isJsonObject(value)) return false;
  const name = memberOf(value, 'name');
  return memberOf(value, 'ecosystem') === 'PyPI' && typeof name === 'string' && name.toLowerCase() === 'vllm';
}

/** Too many ranges become one that holds every release. */
function bounded(ranges: readonly ReleaseRange[], skip: (why: string) => void): readonly ReleaseRange[] {
  if (ranges.length <= MAX_ITEMS) return ranges;
  skip(`It has more than ${MAX_ITEMS} ranges: every release counts as affected.`);
  return [{}];
}

function dayOf(value: JsonValue | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  return /^\d{4}-\d\d-\d\d(?=T|$)/.exec(value)?.[0];
}

/** One printable line; of longer texts the start. */
function summaryOf(record: JsonObject, id: string): string {
  for (const name of ['summary', 'details']) {
    const text = memberOf(record, name);
    if (typeof text !== 'string') continue;
    const start = text.slice(0, 4 * MAX_SUMMARY_CHARS).replaceAll(new RegExp(UNPRINTABLE, 'gu'), ' ');
    const line = start.replaceAll(/\s+/g, ' ').trim();
    if (line.length > MAX_SUMMARY_CHARS) return `${line.slice(0, MAX_SUMMARY_CHARS - 1).toWellFormed()}…`;
    if (line !== '') return line;
  }
  return id;
}

/** The score of a CVSS 3 vector, and its class; else the class that GitHub has written beside the record. */
function severityOf(
  record: JsonObject,
  about: readonly JsonValue[],
  skip: (why: string) => void,
): { severity: Severity; score?: number } {
  const entries = [record, ...about].flatMap((holder) =>
    isJsonObject(holder) ? listOf(memberOf(holder, 'severity')) : [],
  );
  const vectors = entries
    .slice(0, MAX_ITEMS)
    .map((entry) => (isJsonObject(entry) ? memberOf(entry, 'score') : undefined))
    .filter((vector) => typeof vector === 'string');
  const scores = vectors.map(cvssScore).filter((score) => score !== undefined);
  if (scores.length > 0) {
    const score = Math.max(...scores);
    return { severity: severityFrom(score), score };
  }
  const specific = memberOf(record, 'database_specific');
  const word = isJsonObject(specific) ? memberOf(specific, 'severity') : undefined;
  const severity = typeof word === 'string' ? WORDS.get(word.toLowerCase()) : undefined;
  if (severity === undefined && vectors.length > 0) skip('Its severity is no CVSS 3 vector: severity unknown.');
  return { severity: severity ?? 'unknown' };
}

const WORDS: ReadonlyMap<string, Severity> = new Map([
  ['low', 'low'],
  ['moderate', 'moderate'],
  ['medium', 'moderate'],
  ['high', 'high'],
  ['critical', 'critical'],
]);
