import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { memberOf } from '../mistakes.ts';
import { compareReleases, parseRelease, type Release, type ReleaseRange } from '../release.ts';

/**
 * The ranges of one entry of an OSV record's `affected`: of its `ECOSYSTEM` and `SEMVER` ranges, else of its list of
 * versions, else every release. Commits say nothing about a release that is running.
 *
 * @param skip is told what could not be read; a bound that could not be is left out
 */
export function rangesFrom(entry: JsonObject, skip: (why: string) => void): readonly ReleaseRange[] {
  const written = listOf(memberOf(entry, 'ranges'));
  if (written.length > MAX_RANGES) return everyRelease(skip, 'It has too many ranges');
  const ranges = written.flatMap((range): readonly ReleaseRange[] => {
    const type = isJsonObject(range) ? memberOf(range, 'type') : undefined;
    if (type === 'GIT') return [];
    if (!isJsonObject(range) || (type !== 'ECOSYSTEM' && type !== 'SEMVER')) {
      return everyRelease(skip, 'It has a range of an unknown type');
    }
    return rangesOfEvents(memberOf(range, 'events'), skip);
  });
  return ranges.length > 0 ? ranges : rangeOfVersions(memberOf(entry, 'versions'), skip);
}

function everyRelease(skip: (why: string) => void, why: string): readonly ReleaseRange[] {
  skip(`${why}: every release counts as affected.`);
  return [{}];
}

const MAX_RANGES = 64;
const MAX_EVENTS = 512;
const MAX_VERSIONS = 5000;

const listOf = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);

interface Event {
  readonly kind: 'introduced' | 'fixed' | 'lastAffected';
  readonly text: string;
  readonly release: Release;
}

/** Makes ranges of events in the order of their releases, however they are written (OSV schema, "Evaluation"). */
function rangesOfEvents(value: JsonValue | undefined, skip: (why: string) => void): readonly ReleaseRange[] {
  const written = listOf(value);
  const events = written.slice(0, MAX_EVENTS).map(eventFrom);
  const known = events.filter((event) => event !== undefined);
  if (written.length === 0 || known.length < written.length) {
    return everyRelease(skip, 'It has a range with an event that names no release');
  }
  const ranges: ReleaseRange[] = [];
  let open: { introduced?: string } | undefined;
  for (const { kind, text } of known.toSorted(inOrder)) {
    if (kind === 'introduced') open ??= text === '0' ? {} : { introduced: text };
    else if (open !== undefined) {
      ranges.push({ ...open, [kind]: text });
      open = undefined;
    }
  }
  if (open !== undefined) ranges.push(open);
  return ranges.length > 0 ? ranges : everyRelease(skip, 'It has a range that begins nowhere');
}

function eventFrom(value: JsonValue): Event | undefined {
  if (!isJsonObject(value)) return undefined;
  for (const [member, kind] of KINDS) {
    const text = memberOf(value, member);
    const release = typeof text === 'string' ? parseRelease(text) : undefined;
    if (typeof text === 'string' && release !== undefined) return { kind, text: text.trim(), release };
  }
  return undefined;
}

const KINDS = [
  ['introduced', 'introduced'],
  ['fixed', 'fixed'],
  ['last_affected', 'lastAffected'],
] as const;

/** At one release a fix ends the range before, then one begins, and may have its last release there. */
function inOrder(a: Event, b: Event): number {
  return compareReleases(a.release, b.release) || RANKS[a.kind] - RANKS[b.kind];
}

const RANKS = { fixed: 0, introduced: 1, lastAffected: 2 } as const;

/** From the first to the last of a list of versions. */
function rangeOfVersions(value: JsonValue | undefined, skip: (why: string) => void): readonly ReleaseRange[] {
  const written = listOf(value);
  const versions = written.slice(0, MAX_VERSIONS).filter((version) => typeof version === 'string');
  const known = versions
    .map((text) => ({ text, release: parseRelease(text) }))
    .filter((version): version is { text: string; release: Release } => version.release !== undefined)
    .toSorted((a, b) => compareReleases(a.release, b.release));
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || known.length < written.length) {
    return everyRelease(skip, 'It names no range of releases');
  }
  return [{ introduced: first.text, lastAffected: last.text }];
}
