import { crc32 } from 'node:zlib';
import { MOST_NEEDS, type TenantPlaces } from '../../forward/queue/reserve.ts';
import { BUCKETS, FIELD, layoutOf, type UpstreamMemory } from './upstream-memory.ts';

/**
 * The places at the upstreams, exact over all threads. An upstream goes by its number in the memory, for what waits or
 * runs while the configuration changes keeps it.
 */
export interface UpstreamPlaces {
  /**
   * Takes a place for a tenant's request in a thread, where nobody waits for it or the tenant holds little; false where
   * there is none for it. Given back exactly once.
   */
  take(row: number, upstream: number, tenant: string, nowMs: number): boolean;
  /** The same for one who has waited and whose turn it is. */
  takeInTurn(row: number, upstream: number, tenant: string): boolean;
  giveBack(row: number, upstream: number, tenant: string): void;
  waiting(upstream: number): number;
  setWaiting(upstream: number, count: number): void;
  limit(upstream: number): number | 'none';
  /** @param needs tenants for whom places are kept until they hold so many, at most `MOST_NEEDS` */
  setLimit(upstream: number, limit: number | 'none', needs: readonly TenantPlaces[]): void;
  outstanding(upstream: number): number;
  /**
   * The most that tenants held at once since the last call, of those that have asked since then, as far as they can be told
   * apart. Noted only while there is a limit.
   */
  tenantsSince(upstream: number, sinceMs: number): readonly TenantPlaces[];
  /** Sum of the times to the first byte and how many there were, since the last call. */
  firstBytes(upstream: number): { readonly sumMs: number; readonly count: number };
  /** Gives back what a thread holds, and says how much. Only once that thread has ended. */
  reclaim(row: number): number;
}

/** @param memory of all upstreams, whatever their indexes in the configuration are */
export function createUpstreamPlaces(memory: UpstreamMemory): UpstreamPlaces {
  const words = new Int32Array(memory.buffer);
  const layout = layoutOf(memory);
  const at = (upstream: number, field: number): number => layout.field(upstream, field);
  const before = new Map<number, { sumMs: number; count: number }>();

  /** Takes one while fewer than `most` are taken. */
  function takeBelow(upstream: number, most: number): boolean {
    const place = at(upstream, FIELD.OUTSTANDING);
    for (;;) {
      const taken = Atomics.load(words, place);
      if (taken >= most) return false;
      if (Atomics.compareExchange(words, place, taken, taken + 1) === taken) return true;
    }
  }

  /** What a tenant holds there in all threads. */
  function heldBy(upstream: number, bucket: number): number {
    let sum = 0;
    for (let row = 0; row < memory.rows; row++) sum += Atomics.load(words, layout.held(row, upstream, bucket));
    return sum;
  }

  /** Short peaks count: a tenant that asks at random holds much for a moment alone. */
  function notePeak(upstream: number, bucket: number): void {
    const cell = layout.peak(upstream, bucket);
    const now = heldBy(upstream, bucket);
    for (let known = Atomics.load(words, cell); known < now; known = Atomics.load(words, cell)) {
      if (Atomics.compareExchange(words, cell, known, now) === known) return;
    }
  }

  /** Takes within the limit, and leaves what is kept for others. Who has places kept takes those also where others wait. */
  function takeWithin(upstream: number, bucket: number, limit: number, isOpen: boolean): boolean {
    // Under load most find no place: those need not know for whom places are kept.
    if (Atomics.load(words, at(upstream, FIELD.OUTSTANDING)) >= limit) return false;
    const needs = Atomics.load(words, at(upstream, FIELD.NEEDS));
    let kept = 0;
    let isOwn = false;
    for (let i = 0; i < needs; i++) {
      const of = Atomics.load(words, layout.need(upstream, i));
      const missing = Atomics.load(words, layout.need(upstream, i) + 1) - heldBy(upstream, of);
      if (of === bucket) isOwn = missing > 0;
      else if (missing > 0) kept += missing;
    }
    // What is kept for others is no bound for who has places kept: else all of them would wait for each other's.
    if (isOwn) return takeBelow(upstream, limit);
    return isOpen && takeBelow(upstream, limit - kept);
  }

  return {
    take(row, upstream, tenant, nowMs) {
      const bucket = bucketOf(tenant);
      const limit = Atomics.load(words, at(upstream, FIELD.LIMIT));
      if (limit === 0) Atomics.add(words, at(upstream, FIELD.OUTSTANDING), 1);
      else {
        Atomics.store(words, layout.seen(upstream, bucket), secondsOf(nowMs));
        // Who comes anew must not overtake those who wait.
        const isOpen = Atomics.load(words, at(upstream, FIELD.WAITING)) === 0;
        if (!takeWithin(upstream, bucket, limit, isOpen)) return false;
      }
      Atomics.add(words, layout.held(row, upstream, bucket), 1);
      if (limit !== 0) notePeak(upstream, bucket);
      return true;
    },
    takeInTurn(row, upstream, tenant) {
      const bucket = bucketOf(tenant);
      const limit = Atomics.load(words, at(upstream, FIELD.LIMIT));
      if (!takeWithin(upstream, bucket, limit === 0 ? Infinity : limit, true)) return false;
      Atomics.add(words, layout.held(row, upstream, bucket), 1);
      notePeak(upstream, bucket);
      return true;
    },
    giveBack(row, upstream, tenant) {
      Atomics.sub(words, layout.held(row, upstream, bucketOf(tenant)), 1);
      Atomics.sub(words, at(upstream, FIELD.OUTSTANDING), 1);
    },
    waiting: (upstream) => Atomics.load(words, at(upstream, FIELD.WAITING)),
    setWaiting: (upstream, count) => void Atomics.store(words, at(upstream, FIELD.WAITING), count),
    limit(upstream) {
      const limit = Atomics.load(words, at(upstream, FIELD.LIMIT));
      return limit === 0 ? 'none' : limit;
    },
    setLimit(upstream, limit, needs) {
      const kept = needs.slice(0, MOST_NEEDS);
      for (const [i, { bucket, places }] of kept.entries()) {
        Atomics.store(words, layout.need(upstream, i), bucket);
        Atomics.store(words, layout.need(upstream, i) + 1, places);
      }
      Atomics.store(words, at(upstream, FIELD.NEEDS), kept.length);
      Atomics.store(words, at(upstream, FIELD.LIMIT), limit === 'none' ? 0 : limit);
    },
    outstanding: (upstream) => Atomics.load(words, at(upstream, FIELD.OUTSTANDING)),
    tenantsSince(upstream, sinceMs) {
      const tenants: TenantPlaces[] = [];
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        const now = heldBy(upstream, bucket);
        // Of whom nobody asks, too: an old peak is none of what it does when it comes again.
        const peak = Atomics.exchange(words, layout.peak(upstream, bucket), now);
        const seenS = Atomics.load(words, layout.seen(upstream, bucket));
        if (seenS !== 0 && seenS >= secondsOf(sinceMs)) tenants.push({ bucket, places: Math.max(now, peak) });
      }
      return tenants;
    },
    firstBytes(upstream) {
      const sumMs = Atomics.load(words, at(upstream, FIELD.FIRST_BYTE_MS));
      const count = Atomics.load(words, at(upstream, FIELD.FIRST_BYTES));
      const last = before.get(upstream) ?? { sumMs: 0, count: 0 };
      before.set(upstream, { sumMs, count });
      return { sumMs: (sumMs - last.sumMs) | 0, count: (count - last.count) | 0 };
    },
    reclaim(row) {
      let held = 0;
      for (let upstream = 0; upstream < memory.capacity; upstream++) {
        for (let bucket = 0; bucket < BUCKETS; bucket++) {
          const count = Atomics.exchange(words, layout.held(row, upstream, bucket), 0);
          if (count !== 0) Atomics.sub(words, at(upstream, FIELD.OUTSTANDING), count);
          held += count;
        }
      }
      return held;
    },
  };
}

const secondsOf = (ms: number): number => Math.floor(ms / 1000) & 0x7fffffff;
/** The number that a tenant is counted by. */
export const bucketOf = (tenant: string): number => crc32(tenant) % BUCKETS;
