import { createHash } from 'node:crypto';
import type { ReplaySet } from '../../limits/replay-set.ts';

/**
 * Ids that were used, in shared memory: a hash table of cells of 64 bits in buckets of sixteen, each 36 bits of a hash
 * and 28 bits of the second until which it holds. A cell is claimed by one compare-and-set, without locks: a thread that
 * dies leaves nothing half done.
 */
export interface ReplayMemory {
  readonly buffer: SharedArrayBuffer;
  /** Cells, a power of two. */
  readonly cells: number;
  /** Keys the hash, else callers could choose ids that share a bucket. */
  readonly seed: string;
}

const BUCKET = 16;
const SECOND_BITS = 28n;
const SECOND_MASK = (1n << SECOND_BITS) - 1n;
/** Seconds are counted from here, so that they fit: 2026-01-01T00:00:00Z. */
const EPOCH_S = 1_767_225_600;

/** Sets shared memory aside for that many ids. */
export function createReplayMemory(cells: number, seed: string): ReplayMemory {
  return { buffer: new SharedArrayBuffer(cells * 8), cells, seed };
}

/** The set over the memory that all threads share. */
export function createReplaySet({ buffer, cells, seed }: ReplayMemory): ReplaySet {
  const table = new BigUint64Array(buffer);
  const bucketMask = cells / BUCKET - 1;

  return {
    add(id, untilMs, nowMs) {
      const digest = createHash('sha256').update(`${seed}\0${id}`).digest();
      const first = (digest.readUInt32LE(0) & bucketMask) * BUCKET;
      const tag = digest.readBigUInt64LE(4) & ~SECOND_MASK;
      const nowS = BigInt(Math.floor(nowMs / 1000) - EPOCH_S);
      const entry = tag | (BigInt(Math.ceil(untilMs / 1000) - EPOCH_S) & SECOND_MASK);
      for (;;) {
        const free = look(first, tag, nowS);
        if (free === 'known' || free === 'full') return false;
        const before = Atomics.load(table, free);
        if (isLive(before, nowS) || Atomics.compareExchange(table, free, before, entry) !== before) continue;
        // Another thread may have put the same id into another free cell meanwhile: whoever comes second sees both, and of two
        // at the very same time both are refused rather than neither.
        return !isElsewhere(first, free, tag, nowS);
      }
    },
  };

  /** A free cell of a bucket, or why there is none to take. */
  function look(first: number, tag: bigint, nowS: bigint): number | 'known' | 'full' {
    let free: number | 'full' = 'full';
    for (let cell = first; cell < first + BUCKET; cell++) {
      const value = Atomics.load(table, cell);
      if (!isLive(value, nowS)) free = free === 'full' ? cell : free;
      else if ((value & ~SECOND_MASK) === tag) return 'known';
    }
    return free;
  }

  function isElsewhere(first: number, taken: number, tag: bigint, nowS: bigint): boolean {
    for (let cell = first; cell < first + BUCKET; cell++) {
      const value = Atomics.load(table, cell);
      if (cell !== taken && isLive(value, nowS) && (value & ~SECOND_MASK) === tag) return true;
    }
    return false;
  }
}

const isLive = (value: bigint, nowS: bigint): boolean => value !== 0n && (value & SECOND_MASK) >= nowS;
