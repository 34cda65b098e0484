/** How an upstream stands now. */
export interface UpstreamStanding {
  readonly index: number;
  readonly outstanding: number;
  readonly isUp: boolean;
}

/**
 * Chooses the upstream with the least outstanding requests among those that are up.
 *
 * @param tieBreaker any number; spreads equal ones over time
 * @returns the index, or undefined where none is up
 */
export function leastOutstanding(candidates: readonly UpstreamStanding[], tieBreaker: number): number | undefined {
  let best: UpstreamStanding | undefined;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[(i + tieBreaker) % candidates.length];
    if (candidate === undefined || !candidate.isUp) continue;
    if (best === undefined || candidate.outstanding < best.outstanding) best = candidate;
  }
  return best?.index;
}
