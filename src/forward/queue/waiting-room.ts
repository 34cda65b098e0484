import type { Clock, Timer } from '../../kernel/clock.ts';
import { createDrainRate, type DrainRate } from './drain-rate.ts';
import { createFairQueue, type FairQueue, type Priority, type Waiting } from './fair-queue.ts';

/** A request that found no place, as its worker tells it. */
export interface PlaceAsked {
  /** Unique within its row. */
  readonly id: number;
  /** The upstreams that will do, by their numbers in shared memory. At least one. */
  readonly upstreams: readonly number[];
  readonly tenant: string;
  readonly priority: Priority;
}

/** What the waiting room works with. */
export interface WaitingRoomDeps {
  /** Takes a place at an upstream for a thread; false where that tenant gets none now. */
  readonly take: (row: number, upstream: number, tenant: string) => boolean;
  /** Tells all threads how many wait for an upstream: while it is not 0 they say when a place comes free. */
  readonly setWaiting: (upstream: number, count: number) => void;
  readonly granted: (row: number, id: number, upstream: number, tenant: string) => void;
  readonly refused: (row: number, id: number, retryAfterMs: number) => void;
  /** Above 0. */
  readonly weightOf: (tenant: string) => number;
  readonly rulesOf: (upstream: number) => { readonly size: number; readonly deadlineMs: number };
  readonly clock: Clock;
}

/** Where requests of all workers wait for a place at an upstream. Kept by one thread. */
export interface WaitingRoom {
  wait(row: number, asked: PlaceAsked): void;
  /** Who waits no more: its peer has gone, or its key was revoked. */
  leave(row: number, id: number): void;
  /** A place at an upstream came free, or it has more of them. */
  freed(upstream: number): void;
  /** Forgets who waited in a thread that has ended. */
  forget(row: number): void;
  /** Refuses all who wait. */
  close(): void;
}

interface Ticket {
  readonly row: number;
  readonly id: number;
  readonly upstreams: readonly number[];
  readonly expiry: Timer;
}

interface Door {
  readonly queue: FairQueue<Ticket>;
  readonly rate: DrainRate;
}

const LEAST_RETRY_MS = 1_000;
const MOST_RETRY_MS = 600_000;

/** An empty room. */
export function createWaitingRoom(deps: WaitingRoomDeps): WaitingRoom {
  const doors = new Map<number, Door>();
  const tickets = new Map<string, Waiting<Ticket>>();
  const nameOf = (row: number, id: number): string => `${row}:${id}`;

  function doorOf(upstream: number): Door {
    let door = doors.get(upstream);
    if (door === undefined) {
      const queue = createFairQueue<Ticket>(() => deps.rulesOf(upstream).size, deps.weightOf);
      doors.set(upstream, (door = { queue, rate: createDrainRate() }));
    }
    return door;
  }

  /** Takes one out of all queues that it stands in. */
  function takeOut(waiting: Waiting<Ticket>): void {
    const { row, id, upstreams, expiry } = waiting.item;
    expiry.cancel();
    tickets.delete(nameOf(row, id));
    for (const upstream of upstreams) {
      doorOf(upstream).queue.remove(waiting);
      tell(upstream);
    }
  }

  function tell(upstream: number): void {
    deps.setWaiting(upstream, doorOf(upstream).queue.size());
  }

  function refuse(waiting: Waiting<Ticket>): void {
    const { row, id } = waiting.item;
    const retryAfterMs = retryAfter(waiting);
    takeOut(waiting);
    deps.refused(row, id, retryAfterMs);
  }

  /**
   * When one more of its tenant would have its turn, as fast as places come free now: what the tenant has waiting,
   * divided by its share of them. The soonest of its upstreams counts. Where nothing comes free, the deadline is all
   * that is known.
   */
  function retryAfter({ tenant, item }: Waiting<Ticket>): number {
    const nowMs = deps.clock.monotonicMs();
    const waits = item.upstreams.map((upstream) => {
      const { queue, rate } = doorOf(upstream);
      const perMs = rate.perMs(nowMs) * queue.shareOf(tenant);
      return perMs === 0 ? deps.rulesOf(upstream).deadlineMs : queue.sizeOf(tenant) / perMs;
    });
    return Math.min(MOST_RETRY_MS, Math.max(LEAST_RETRY_MS, Math.min(...waits)));
  }

  function letIn(upstream: number): void {
    const { queue, rate } = doorOf(upstream);
    for (;;) {
      const next = queue.next(({ tenant, item }) => deps.take(item.row, upstream, tenant));
      if (next === undefined) return;
      rate.note(deps.clock.monotonicMs());
      takeOut(next);
      deps.granted(next.item.row, next.item.id, upstream, next.tenant);
    }
  }

  /** Lets one stand in the queue of each upstream; who is pushed out everywhere is refused. */
  function stand(waiting: Waiting<Ticket>): void {
    const out = waiting.item.upstreams.map((upstream) => doorOf(upstream).queue.push(waiting));
    for (const one of out) if (one !== undefined && !isStanding(one)) refuse(one);
  }

  function isStanding(waiting: Waiting<Ticket>): boolean {
    return waiting.item.upstreams.some((upstream) => doorOf(upstream).queue.has(waiting));
  }

  return {
    wait(row, { id, upstreams, tenant, priority }) {
      const deadlineMs = Math.min(...upstreams.map((upstream) => deps.rulesOf(upstream).deadlineMs));
      const expiry = deps.clock.after(deadlineMs, () => refuse(waiting));
      const waiting: Waiting<Ticket> = { tenant, priority, item: { row, id, upstreams, expiry } };
      tickets.set(nameOf(row, id), waiting);
      stand(waiting);
      for (const upstream of upstreams) {
        // First told, then looked: who gives a place back before we look is seen here, who does it later sees us there.
        tell(upstream);
        letIn(upstream);
      }
    },
    leave(row, id) {
      const waiting = tickets.get(nameOf(row, id));
      if (waiting !== undefined) takeOut(waiting);
    },
    freed: letIn,
    forget(row) {
      for (const waiting of [...tickets.values()]) if (waiting.item.row === row) takeOut(waiting);
    },
    close() {
      for (const waiting of [...tickets.values()]) refuse(waiting);
    },
  };
}
