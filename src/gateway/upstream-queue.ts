import type { UpstreamMemory } from '../adapters/memory/upstream-memory.ts';
import { createUpstreamPlaces, type UpstreamPlaces } from '../adapters/memory/upstream-places.ts';
import type { Config } from '../config/schema.ts';
import { reserveOf } from '../forward/queue/reserve.ts';
import { createWaitingRoom, type WaitingRoom } from '../forward/queue/waiting-room.ts';
import type { Clock } from '../kernel/clock.ts';
import { assertNever } from '../kernel/assert-never.ts';
import type { AboutPlaces, PlaceTold } from './threads/messages.ts';

/** The queue of all workers for places at the upstreams, kept by the control plane. */
export interface UpstreamQueue {
  hear(row: number, message: AboutPlaces): void;
  /** A worker has ended, and what it held was given back. */
  ended(row: number): void;
  /** Goes on with another configuration; who waits goes on to wait where the memory is the same. */
  configure(config: Config, memory: UpstreamMemory): void;
  stop(): void;
}

/** What it works with. */
export interface UpstreamQueueDeps {
  readonly tell: (row: number, message: PlaceTold) => void;
  readonly clock: Clock;
}

/** Tenants that have not asked for so long need no places kept free. */
const TENANT_MS = 60_000;
const TICK_MS = 1_000;
/** Of an upstream that has left the configuration, for those who still wait for it. */
const LEFT = { size: 0, deadlineMs: 1_000 };

/** Starts with nobody waiting. */
export function startUpstreamQueue(first: Config, memory: UpstreamMemory, deps: UpstreamQueueDeps): UpstreamQueue {
  let config = first;
  let now = memory;
  let places = createUpstreamPlaces(now);
  let room = createRoom(places);
  const timer = setInterval(tick, TICK_MS).unref();
  tick();

  function createRoom(own: UpstreamPlaces): WaitingRoom {
    return createWaitingRoom({
      take: (row, upstream, tenant) => own.takeInTurn(row, upstream, tenant),
      setWaiting: (upstream, count) => own.setWaiting(upstream, count),
      granted: (row, id, upstream, tenant) => deps.tell(row, { kind: 'granted', id, upstream, tenant }),
      refused: (row, id, retryAfterMs) => deps.tell(row, { kind: 'refused', id, retryAfterMs }),
      weightOf: (tenant) => (Object.hasOwn(config.limits.weights, tenant) ? (config.limits.weights[tenant] ?? 1) : 1),
      rulesOf: (upstream) => config.upstreams[now.numbers.indexOf(upstream)]?.queue ?? LEFT,
      clock: deps.clock,
    });
  }

  /** Sets the limits as they are now, and lets in whoever may go by them. */
  function tick(): void {
    for (const [index, upstream] of now.numbers.entries()) {
      const limit = config.upstreams[index]?.concurrency ?? 'none';
      const tenants = places.tenantsSince(upstream, deps.clock.nowMs() - TENANT_MS);
      places.setLimit(upstream, limit, reserveOf(limit, tenants));
      room.freed(upstream);
    }
  }

  return {
    hear(row, message) {
      switch (message.kind) {
        case 'wait':
          return room.wait(row, message.asked);
        case 'leave':
          return room.leave(row, message.id);
        case 'freed':
          return room.freed(message.upstream);
        default:
          return assertNever(message);
      }
    },
    ended(row) {
      room.forget(row);
      for (const upstream of now.numbers) room.freed(upstream);
    },
    configure(next, memoryNow) {
      config = next;
      if (memoryNow.buffer !== now.buffer) {
        room.close();
        places = createUpstreamPlaces(memoryNow);
        room = createRoom(places);
      }
      now = memoryNow;
      tick();
    },
    stop: () => clearInterval(timer),
  };
}
