import type { Clock } from '../kernel/clock.ts';
import { chooseUpstream } from './balance.ts';
import type { Line, Told } from './queue/line.ts';
import type { Priority } from './queue/fair-queue.ts';
import type { UpstreamStates } from './upstream-states.ts';

/** What finding a place works with. */
export interface PlaceDeps {
  readonly states: UpstreamStates;
  readonly line: Line;
  readonly clock: Clock;
}

/** What a request needs. */
export interface PlaceWanted {
  /** Indexes of the upstreams that will do. */
  readonly serving: readonly number[];
  readonly tenant: string;
  readonly priority: Priority;
  /** Any number; spreads requests over equal upstreams. */
  readonly tieBreaker: number;
}

/** What comes of it: exactly one is called, once, unless the request leaves before. */
export interface PlaceFound extends Told {
  /** No upstream is up. */
  none(): void;
}

/**
 * Finds a place at an upstream: at once where one has room, else when it is the request's turn.
 *
 * @returns leaves the line, where it stands in one
 */
export function findPlace(deps: PlaceDeps, wanted: PlaceWanted, found: PlaceFound): (() => void) | undefined {
  const { states, line, clock } = deps;
  const { serving, tenant, priority, tieBreaker } = wanted;
  const nowMs = clock.nowMs();
  const chosen = chooseUpstream(serving, states, tieBreaker, nowMs);
  if (chosen === undefined) {
    found.none();
    return undefined;
  }
  if (states.begin(chosen, tenant, nowMs)) {
    found.granted(chosen);
    return undefined;
  }
  const others = serving.filter((index) => index !== chosen && states.isUp(index));
  const free = others.find((index) => states.begin(index, tenant, nowMs));
  if (free !== undefined) {
    found.granted(free);
    return undefined;
  }
  return line.wait({ upstreams: [chosen, ...others], tenant, priority }, found);
}
