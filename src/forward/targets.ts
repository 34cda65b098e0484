import type { Clock } from '../kernel/clock.ts';
import type { Principal, RouteFamily } from '../kernel/exchange.ts';
import type { RunningExchanges } from './running.ts';
import type { Line } from './queue/line.ts';
import type { UpstreamStates } from './upstream-states.ts';

/** One upstream as it was configured, without the way to reach it. */
export interface Target {
  readonly name: string;
  readonly apiKey: string | undefined;
  readonly totalMs: number;
  /** Conversations keep to one server, where all that serve the model say so. */
  readonly isAffine: boolean;
}

/** What every end of a chain works with that asks an upstream, whichever way it reaches it. */
export interface AskingDeps<Reached> {
  readonly targets: readonly (Target & Reached)[];
  /** Indexes of the targets that serve a model, or may be asked to load it. */
  readonly serving: (model: string, family: RouteFamily) => readonly number[];
  /** Number of a route for the probe's sake. */
  readonly routeIndex: (routeId: string) => number;
  readonly states: UpstreamStates;
  readonly line: Line;
  readonly running: RunningExchanges;
  /** Whether what a principal came with may still be used. */
  readonly isUsable: (principal: Principal) => boolean;
  readonly clock: Clock;
}
