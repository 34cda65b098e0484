import type { UpstreamStates } from './upstream-states.ts';

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

/**
 * Chooses among the upstreams that serve a model. Where none is up, one request a second may find out whether that is
 * still so.
 */
export function chooseUpstream(
  serving: readonly number[],
  states: UpstreamStates,
  tieBreaker: number,
  nowMs: number,
): number | undefined {
  const standings = serving.map((index) => ({
    index,
    outstanding: states.outstanding(index),
    isUp: states.isUp(index),
  }));
  return leastOutstanding(standings, tieBreaker) ?? serving.find((index) => states.mayTry(index, nowMs));
}
