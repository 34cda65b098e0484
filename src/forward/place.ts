import type { Clock } from '../kernel/clock.ts';
import { crc32 } from 'node:zlib';
import { orderByAffinity } from './affinity.ts';
import { chooseUpstream } from './balance.ts';
import type { Line, Told } from './queue/line.ts';
import type { Priority } from './queue/fair-queue.ts';
import type { Target } from './targets.ts';
import type { UpstreamStates } from './upstream-states.ts';

/** What finding a place works with. */
export interface PlaceDeps {
  readonly states: UpstreamStates;
  readonly line: Line;
  readonly targets: readonly Pick<Target, 'name' | 'isAffine'>[];
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
  /** A number for its conversation, asked for only where it decides; undefined where it has none. */
  readonly session: () => number | undefined;
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
  const [own, ...next] = conversationOrder(deps, wanted);
  const chosen = own ?? chooseUpstream(serving, states, tieBreaker, nowMs);
  if (chosen === undefined) {
    found.none();
    return undefined;
  }
  if (states.begin(chosen, tenant, nowMs)) {
    found.granted(chosen);
    return undefined;
  }
  const others = own === undefined ? serving.filter((index) => index !== chosen && states.isUp(index)) : next;
  const free = others.find((index) => states.begin(index, tenant, nowMs));
  if (free !== undefined) {
    found.granted(free);
    return undefined;
  }
  // Where all are busy a conversation waits for its own server: another one would compute all of it anew.
  const upstreams = own === undefined ? [chosen, ...others] : [own];
  return line.wait({ upstreams, tenant, priority }, found);
}

/** How long vLLM may take to notice that a connection was closed, and to stop. */
const NOTICE_MS = 50;

/**
 * Gives a place back.
 *
 * @param isCut upstream was cut off before it had ended: it may go on for a moment, and must not have more than its limit
 *   in that moment, however fast callers come and hang up
 */
export function giveBackPlace(
  { states, clock }: Pick<PlaceDeps, 'states' | 'clock'>,
  index: number,
  tenant: string,
  isCut: boolean,
): void {
  if (isCut && states.isLimited(index)) clock.after(NOTICE_MS, () => states.end(index, tenant));
  else states.end(index, tenant);
}

/** The upstreams as a conversation tries them, the one that it keeps to first; empty where it keeps to none. */
function conversationOrder({ states, targets }: PlaceDeps, { serving, session }: PlaceWanted): readonly number[] {
  if (serving.length < 2 || !serving.every((index) => targets[index]?.isAffine === true)) return [];
  const number = session();
  if (number === undefined) return [];
  const up = serving.filter((index) => states.isUp(index));
  return orderByAffinity(up, states, number, (index) => crc32(targets[index]?.name ?? ''));
}
