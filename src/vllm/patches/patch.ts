import type { JsonObject } from '../../kernel/json.ts';
import { isAffected, type Release, type ReleaseRange } from '../release.ts';
import { compile, type Condition, type Find } from './condition.ts';
import { createSearch } from './search.ts';

/** A virtual patch: which requests vLLM must not see while it has a known hole. Plain data. */
export interface PatchRow {
  /** Stable, kebab-case; what the log and `sallyport advisories` call it. */
  readonly id: string;
  /** Advisories that it stops, by id or alias. */
  readonly advisories: readonly string[];
  /** Releases on which it is active by itself; absent: all. */
  readonly releases?: ReleaseRange;
  /** A property of the server, as `upstreams[].features` names it, without which the hole is not there. */
  readonly needsFeature?: string;
  /** Which legitimate use it costs. */
  readonly costs?: string;
  /** Ids of routes in the catalogue; `*` for every route with a body. */
  readonly on: readonly string[];
  readonly when: Condition;
  /** What the caller reads: what to do about it. */
  readonly message: string;
  /** A request that it must stop, and its benign twin that it must let pass. */
  readonly stops?: PatchSample;
  readonly passes?: PatchSample;
}

/** A request by which a patch is tried. */
export interface PatchSample {
  /** Id of the route. */
  readonly route: string;
  readonly body: JsonObject;
}

/** One family of patches; every row of ours has its two samples. */
export type PatchFamily = readonly (PatchRow & { readonly stops: PatchSample; readonly passes: PatchSample })[];

/** Every route with a body. */
export const EVERY_ROUTE = ['*'] as const;

/** Which patches are on: those that the release needs, every one, or none. */
export type PatchMode = 'auto' | 'all' | 'off';

/**
 * The patches that are on. By `auto` those whose range holds the release; an unknown release has them all, but those
 * that need a feature only where the feature is named, for they would cost every server a legitimate use.
 *
 * @param features `upstreams[].features`
 */
export function activePatches(
  rows: readonly PatchRow[],
  release: Release | undefined,
  features: readonly string[],
  mode: PatchMode,
): readonly PatchRow[] {
  if (mode !== 'auto') return mode === 'all' ? rows : [];
  return rows.filter(({ releases = {}, needsFeature }) => {
    if (release === undefined && needsFeature !== undefined) return features.includes(needsFeature);
    return isAffected(release, releases);
  });
}

/** Why a patch refuses a request. */
export interface PatchRefusal {
  readonly code: 'advisory_blocked';
  /** JSON path of what it found; empty where it is the body as a whole. */
  readonly path: string;
  /** What to do about it; never text of the body. */
  readonly message: string;
  readonly patchId: string;
}

/** Checks a parsed body of a route. */
export type PatchCheck = (routeId: string, body: JsonObject) => PatchRefusal | undefined;

/**
 * Makes the check of patches; once for each set of them. The first row that holds answers. Linear in the body: for
 * fields at any depth it is walked through once for all rows together.
 */
export function createPatchCheck(rows: readonly PatchRow[]): PatchCheck {
  const byRoute = new Map<string, RouteCheck>();
  for (const id of new Set(rows.flatMap(({ on }) => on))) {
    byRoute.set(id, createRouteCheck(rows.filter(({ on }) => on.includes(id) || on.includes('*'))));
  }
  const elsewhere = byRoute.get('*');
  return (routeId, body) => (byRoute.get(routeId) ?? elsewhere)?.(body);
}

type RouteCheck = (body: JsonObject) => PatchRefusal | undefined;

function createRouteCheck(rows: readonly PatchRow[]): RouteCheck {
  const names = new Set<string>();
  const finds: readonly (readonly [PatchRow, Find])[] = rows.map((row) => [row, compile(row.when, names)]);
  return (body) => {
    const search = createSearch(body, names);
    for (const [{ id, message }, find] of finds) {
      const place = find(search);
      if (place !== undefined) return { code: 'advisory_blocked', path: place.path(), message, patchId: id };
    }
    return undefined;
  };
}
