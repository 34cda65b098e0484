/** A release of vLLM, as PEP 440 writes versions; plain data. */
export interface Release {
  /** Its components: 0.10.1.1 is [0, 10, 1, 1]. Zeros at the end do not count. */
  readonly numbers: readonly number[];
  /** Alpha, beta or candidate: `rc` and 0 of 0.20.2rc0. */
  readonly pre: { readonly phase: 'a' | 'b' | 'rc'; readonly number: number } | undefined;
  /** 0 of 0.5.0.post0. */
  readonly post: number | undefined;
  /** 5 of 0.11.0.dev5: built from the main branch, somewhere before the release that it names. */
  readonly dev: number | undefined;
  /** Segments behind `+`, lower case: who built it, not what is in it. */
  readonly local: readonly (number | string)[];
}

/** From which release to which something is so. A bound that is absent, or that is no release, bounds nothing. */
export interface ReleaseRange {
  /** First release that has it. */
  readonly introduced?: string;
  /** First release that has it no longer. */
  readonly fixed?: string;
  /** Last release that has it; counts only where no `fixed` is given. */
  readonly lastAffected?: string;
}

/**
 * Reads a version as vLLM and its advisories write it: `0.10.1.1`, `0.20.2rc0`, `0.5.0.post1`,
 * `0.11.0rc2.dev5+gabc`, `v0.33.0`. Undefined for every other text; epochs are no versions of vLLM.
 */
export function parseRelease(text: string): Release | undefined {
  if (text.length > MAX_CHARS) return undefined;
  const groups = VERSION.exec(text.trim().toLowerCase())?.groups;
  if (groups === undefined) return undefined;
  const { numbers, phase, preNumber, post, dev, local } = groups;
  return {
    numbers: (numbers ?? '').split('.').map(Number),
    pre: phase === undefined ? undefined : { phase: PHASES[phase] ?? 'rc', number: Number(preNumber ?? 0) },
    post: post === undefined ? undefined : Number(post),
    dev: dev === undefined ? undefined : Number(dev),
    local: (local ?? '')
      .split(/[-_.]/)
      .filter((segment) => segment !== '')
      .map((segment) => (/^\d+$/.test(segment) ? Number(segment) : segment)),
  };
}

/** Below 0, 0, above 0: whether the first release comes before the second (PEP 440, "Summary of permitted suffixes"). */
export function compareReleases(a: Release, b: Release): number {
  return compareUnlabelled(a, b) || compareLocals(a.local, b.local);
}

/**
 * Tells whether a release lies in a range. Doubt counts as yes: an unknown release, a bound that cannot be read, a
 * pre-release of the release that brought it in, and every build of the main branch before the fix, for nobody can
 * say from its number what it has already. Local labels (`0.24.0+cu128`) change nothing.
 */
export function isAffected(release: Release | undefined, { introduced, fixed, lastAffected }: ReleaseRange): boolean {
  if (release === undefined) return true;
  const first = introduced === undefined ? undefined : parseRelease(introduced);
  if (first !== undefined && release.dev === undefined && compareUnlabelled(bare(release), first) < 0) return false;
  if (fixed !== undefined) {
    const end = parseRelease(fixed);
    return end === undefined || compareUnlabelled(release, end) < 0;
  }
  const last = lastAffected === undefined ? undefined : parseRelease(lastAffected);
  return last === undefined || compareUnlabelled(release, last) <= 0;
}

const MAX_CHARS = 64;
/** Each number short enough to be exact; separators where PEP 440 allows them (appendix B), but no epoch. */
const VERSION =
  /^v?(?<numbers>\d{1,9}(?:\.\d{1,9}){0,7})(?:[-_.]?(?<phase>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?<preNumber>\d{1,9})?)?(?:[-_.]?post[-_.]?(?<post>\d{1,9}))?(?:[-_.]?dev[-_.]?(?<dev>\d{1,9}))?(?:\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/;
const PHASES: Readonly<Record<string, 'a' | 'b' | 'rc'>> = { a: 'a', alpha: 'a', b: 'b', beta: 'b' };
const PHASE_ORDER = { a: 0, b: 1, rc: 2 } as const;

/** The release that a pre-release is made for. */
const bare = (release: Release): Release => ({ ...release, pre: undefined, dev: undefined });

function compareUnlabelled(a: Release, b: Release): number {
  return (
    compareLists(a.numbers, b.numbers) ||
    comparePairs(preKey(a), preKey(b)) ||
    (a.post ?? -1) - (b.post ?? -1) ||
    order(a.dev ?? Infinity, b.dev ?? Infinity)
  );
}

/** A build of the main branch comes before the pre-releases of its release, and these before the release. */
function preKey({ pre, post, dev }: Release): readonly [number, number] {
  if (pre !== undefined) return [PHASE_ORDER[pre.phase], pre.number];
  return post === undefined && dev !== undefined ? [-1, 0] : [3, 0];
}

const order = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

const comparePairs = (a: readonly [number, number], b: readonly [number, number]): number =>
  order(a[0], b[0]) || order(a[1], b[1]);

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Numbers come after texts, and the longer of two that begin alike after the shorter (PEP 440, "Local version identifiers"). */
function compareLocals(a: Release['local'], b: Release['local']): number {
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
    const [left, right] = [a[i] ?? '', b[i] ?? ''];
    if (left === right) continue;
    if (typeof left === 'number' && typeof right === 'number') return left - right;
    if (typeof left === 'number') return 1;
    if (typeof right === 'number') return -1;
    return left < right ? -1 : 1;
  }
  return a.length - b.length;
}
