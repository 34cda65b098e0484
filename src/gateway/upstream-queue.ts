import type { UpstreamMemory } from '../adapters/memory/upstream-memory.ts';
import { createUpstreamPlaces, type UpstreamPlaces } from '../adapters/memory/upstream-places.ts';
import type { Config } from '../config/schema.ts';
import { nextLimit, UNLIMITED, type AdaptiveLimit } from '../forward/queue/adaptive-limit.ts';
import { createReserve, type Reserve } from '../forward/queue/reserve.ts';
import { createWaitingRoom, type WaitingRoom } from '../forward/queue/waiting-room.ts';
import type { Clock } from '../kernel/clock.ts';
import { assertNever } from '../kernel/assert-never.ts';
import type { EngineLoad } from '../vllm/engine-load.ts';
import type { AboutPlaces, PlaceTold } from './threads/messages.ts';

/** The queue of all workers for places at the upstreams, kept by the control plane. */
export interface UpstreamQueue {
  hear(row: number, message: AboutPlaces): void;
  /** A worker has ended, and what it held was given back. */
  ended(row: number): void;
  /** Goes on with another configuration; who waits goes on to wait where the memory is the same. */
  configure(config: Config, memory: UpstreamMemory): void;
  /** Whether so much runs at an upstream that its own load matters. */
  isBusy(index: number): boolean;
  /** An upstream was looked at; undefined where it did not say what its load is. */
  loadSeen(index: number, engine: EngineLoad | undefined): void;
  /** How an upstream is loaded. */
  load(index: number): UpstreamLoad;
  stop(): void;
}

/** How an upstream is loaded, for people and metrics. */
export interface UpstreamLoad {
  /** Requests that wait here for a place. */
  readonly waiting: number;
  /** Most requests at once, configured or found. */
  readonly limit: number | undefined;
  /** What the engine said last. */
  readonly engine: EngineLoad | undefined;
  /** Mean time to the first byte of streams in the last second that had one. */
  readonly firstByteMs: number | undefined;
}

/** What it works with. */
export interface UpstreamQueueDeps {
  readonly tell: (row: number, message: PlaceTold) => void;
  readonly clock: Clock;
}

/** Tenants that have not asked for so long need no places kept free. */
const TENANT_MS = 60_000;
const TICK_MS = 1_000;
/** One request alone cannot queue. */
const BUSY = 2;
/** Of an upstream that has left the configuration, for those who still wait for it. */
const LEFT = { size: 0, deadlineMs: 1_000 };

/** Starts with nobody waiting. */
export function startUpstreamQueue(first: Config, memory: UpstreamMemory, deps: UpstreamQueueDeps): UpstreamQueue {
  let config = first;
  let now = memory;
  let places = createUpstreamPlaces(now);
  let room = createRoom(places);
  /** By their numbers in the memory. */
  const found = new Map<number, AdaptiveLimit>();
  const reserves = new Map<number, Reserve>();
  const seen = new Map<number, { engine: EngineLoad | undefined; firstByteMs: number | undefined }>();
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

  /** The least of what is configured and what was found. */
  function limitOf(index: number, upstream: number): number | 'none' {
    const configured = config.upstreams[index]?.concurrency ?? 'none';
    const own = found.get(upstream)?.limit ?? 'none';
    if (own === 'none' || configured === 'none') return own === 'none' ? configured : own;
    return Math.min(own, configured);
  }

  /** A number that another upstream has from now on brings nothing of the one before. */
  function forgetRenumbered(next: Config, memoryNow: UpstreamMemory): void {
    for (const [index, upstream] of memoryNow.numbers.entries()) {
      const [before, after] = [config.upstreams[now.numbers.indexOf(upstream)], next.upstreams[index]];
      if (before?.name === after?.name && before?.url === after?.url) continue;
      for (const known of [found, seen, reserves]) known.delete(upstream);
    }
  }

  function reserveAt(upstream: number): Reserve {
    const known = reserves.get(upstream) ?? createReserve();
    reserves.set(upstream, known);
    return known;
  }

  /** Sets the limits as they are now, and lets in whoever may go by them. */
  function tick(): void {
    for (const [index, upstream] of now.numbers.entries()) {
      const { queue } = config.upstreams[index] ?? {};
      const limit = limitOf(index, upstream);
      const held = places.tenantsSince(upstream, deps.clock.nowMs() - TENANT_MS);
      const needs = reserveAt(upstream).needs(limit, queue?.reserve ?? 0, held, deps.clock.monotonicMs());
      places.setLimit(upstream, limit, needs);
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
      forgetRenumbered(next, memoryNow);
      config = next;
      if (memoryNow.buffer !== now.buffer) {
        room.close();
        found.clear();
        reserves.clear();
        seen.clear();
        places = createUpstreamPlaces(memoryNow);
        room = createRoom(places);
      }
      now = memoryNow;
      tick();
    },
    isBusy(index) {
      const upstream = now.numbers[index] ?? 0;
      return config.upstreams[index]?.queue.adaptive === true && places.outstanding(upstream) >= BUSY;
    },
    loadSeen(index, engine) {
      const upstream = now.numbers[index] ?? 0;
      const { sumMs, count } = places.firstBytes(upstream);
      const firstByteMs = count > 0 ? sumMs / count : undefined;
      const last = seen.get(upstream);
      seen.set(upstream, { engine, firstByteMs: firstByteMs ?? last?.firstByteMs });
      const sample = {
        outstanding: places.outstanding(upstream),
        held: places.waiting(upstream),
        engine,
        firstByteMs,
      };
      const isOn = config.upstreams[index]?.queue.adaptive === true;
      found.set(upstream, isOn ? nextLimit(found.get(upstream) ?? UNLIMITED, sample) : UNLIMITED);
    },
    load(index) {
      const upstream = now.numbers[index] ?? 0;
      const limit = limitOf(index, upstream);
      const waiting = places.waiting(upstream);
      const { engine, firstByteMs } = seen.get(upstream) ?? { engine: undefined, firstByteMs: undefined };
      return { waiting, limit: limit === 'none' ? undefined : limit, engine, firstByteMs };
    },
    stop: () => clearInterval(timer),
  };
}
