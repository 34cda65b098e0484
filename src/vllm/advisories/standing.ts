import { patches } from '../patches/index.ts';
import type { PatchRow } from '../patches/patch.ts';
import { compareReleases, isAffected, parseRelease, type Release, type ReleaseRange } from '../release.ts';
import { affects, isNamed, type Advisory } from './advisory.ts';
import type { Defence } from './defence.ts';
import { defences } from './defences.ts';

/** How an upstream stands with an advisory. */
export interface Standing {
  readonly state: 'not-affected' | 'patched' | 'exposed';
  /** What stops it here: `patch bad-words`, `route generate`. Empty unless it is patched. */
  readonly by: readonly string[];
  /** What to do, for a person; empty where nothing is. */
  readonly todo: string;
}

/**
 * How an upstream stands with an advisory: not affected by it, patched here, or exposed. It is patched where a patch
 * that is on names it, or where all of its attacks that are known are stopped by other parts of the product.
 *
 * @param release what the upstream runs; undefined is unknown, and counts as affected
 * @param active the patches that are on
 */
export function standingOf(advisory: Advisory, release: Release | undefined, active: readonly PatchRow[]): Standing {
  if (!affects(advisory, release)) return { state: 'not-affected', by: [], todo: '' };
  const upgrade = upgradeOf(advisory, release);
  const by = stoppedBy(advisory, release, active);
  if (by.length > 0) return { state: 'patched', by, todo: upgrade };
  return { state: 'exposed', by, todo: [upgrade, adviceOf(advisory)].filter((line) => line !== '').join(' ') };
}

function stoppedBy(advisory: Advisory, release: Release | undefined, active: readonly PatchRow[]): readonly string[] {
  const patchIds = active.filter((row) => names(row, advisory)).map(({ id }) => id);
  const own = defences.filter((defence) => defence.advisory === advisory.id);
  const isWhole = own.length > 0 && own.every((defence) => isInForce(defence, release, patchIds));
  if (patchIds.length === 0 && !isWhole) return [];
  const others = own.filter((defence) => defence.by !== 'patch' && isInForce(defence, release, patchIds));
  return [...new Set([...patchIds.map((id) => `patch ${id}`), ...others.map(({ by, name }) => `${by} ${name}`)])];
}

const names = (row: PatchRow, advisory: Advisory): boolean => row.advisories.some((name) => isNamed(advisory, name));

function isInForce(defence: Defence, release: Release | undefined, patchIds: readonly string[]): boolean {
  if (defence.by === 'patch') return patchIds.includes(defence.name);
  if (!isAffected(release, defence.releases ?? {})) return false;
  const { until } = defence;
  if (until === undefined) return true;
  if (until.kind !== 'refused') return false;
  return until.code !== 'advisory_blocked' || patchIds.length > 0;
}

/** The release to go to: the fix of the range that holds the running one, of all ranges where it is unknown. */
function upgradeOf({ affected }: Advisory, release: Release | undefined): string {
  const ranges = affected.filter((range) => isAffected(release, range));
  const fixes = ranges.map(({ fixed }) => fixed).filter((fixed) => fixed !== undefined);
  if (fixes.length === ranges.length) return `Upgrade vLLM to ${newest(fixes)} or newer.`;
  const last = ranges.map((range) => lastOf(range));
  if (last.every((text) => text !== undefined)) return `Upgrade vLLM beyond ${newest(last)}.`;
  return 'No release with a fix is known.';
}

const lastOf = ({ fixed, lastAffected }: ReleaseRange): string | undefined => fixed ?? lastAffected;

function newest(texts: readonly string[]): string {
  const known = texts.map((text) => ({ text, release: parseRelease(text) }));
  const sorted = known.toSorted((a, b) =>
    a.release === undefined || b.release === undefined ? 0 : compareReleases(a.release, b.release),
  );
  return sorted.at(-1)?.text ?? '';
}

/** What else helps against an advisory that nothing stops. */
function adviceOf(advisory: Advisory): string {
  const row = patches.find((patch) => names(patch, advisory));
  if (row?.needsFeature !== undefined) {
    return `If the server has it, name ${row.needsFeature} in upstreams[].features; else it is not concerned.`;
  }
  if (row !== undefined) return `Set validation.virtualPatches to auto: the patch ${row.id} stops it.`;
  switch (advisory.reach) {
    case 'none':
      return 'HTTP does not lead there: let nobody reach the other ports of the server.';
    case 'detects':
      return 'No rule over HTTP stops it.';
    default:
      return 'Nothing here stops it yet; a row in validation.patches may.';
  }
}
