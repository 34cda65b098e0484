import { hash } from 'node:crypto';
import type { LimitStanding, Spent } from '../../kernel/exchange.ts';
import type { Ask, CounterKey, Counters, Refused } from '../../limits/counters.ts';
import { spend, type Rate } from '../../limits/gcra.ts';

/**
 * Counters in shared memory, exact across threads without a message (docs/adr/0004-shared-counters.md).
 *
 * A hash table of cells in buckets of eight. A cell: two words of its key, a word that counts running
 * requests, a spare word, the theoretical arrival time of its rate as a double, and two spare words.
 * Beside the table, a row for each thread says how much of each cell's running requests is that
 * thread's, so that the row of a dead one can be given back. A word of locks for each bucket is held
 * only while a cell is claimed.
 */
export interface CounterMemory {
  readonly buffer: SharedArrayBuffer;
  /** Cells, a power of two. */
  readonly cells: number;
  /** Rows: one more than the largest thread index. */
  readonly rows: number;
  /** Keys the hash, else callers could choose addresses that share a bucket. */
  readonly seed: string;
}

const WORDS = 8;
const BUCKET = 8;

/** Sets shared memory aside for that many cells and threads. */
export function createCounterMemory(cells: number, rows: number, seed: string): CounterMemory {
  const bytes = cells * WORDS * 4 + rows * cells * 4 + (cells / BUCKET) * 4;
  return { buffer: new SharedArrayBuffer(bytes), cells, rows, seed };
}

/** Counters of one thread over the memory that all share. */
export interface SharedCounters extends Counters {
  /** Gives back all that the thread `row` holds. Only once that thread has ended. */
  reclaim(row: number): void;
  /** Running requests that are held in all; 0 when all is quiet. */
  held(): number;
  /** Takes one unit of a cell if fewer than `limit` are taken; the cell, or undefined. */
  acquire(counter: CounterKey, limit: number, nowMs: number): number | undefined;
  /** Gives back one unit. */
  giveBack(cell: number): void;
}

/** @param row index of this thread, 0 <= row < memory.rows */
export function createSharedCounters(memory: CounterMemory, row: number): SharedCounters {
  const { cells, seed } = memory;
  const words = new Int32Array(memory.buffer, 0, cells * WORDS);
  const times = new BigInt64Array(memory.buffer, 0, (cells * WORDS) / 2);
  const rowsAt = cells * WORDS * 4;
  const mine = new Int32Array(memory.buffer, rowsAt + row * cells * 4, cells);
  const locks = new Int32Array(memory.buffer, rowsAt + memory.rows * cells * 4, cells / BUCKET);
  const bucketMask = cells / BUCKET - 1;
  const scratchTime = new Float64Array(1);
  const scratchBits = new BigInt64Array(scratchTime.buffer);

  const timeOf = (bits: bigint): number => {
    scratchBits[0] = bits;
    return scratchTime[0] ?? 0;
  };
  const bitsOf = (timeMs: number): bigint => {
    scratchTime[0] = timeMs;
    return scratchBits[0] ?? 0n;
  };

  /** Index of the cell of a key; claims one where there is none yet. */
  function cellOf(counter: CounterKey, nowMs: number): number {
    const bucket = counter.hi & bucketMask;
    const found = scan(bucket, counter);
    if (found >= 0) return found;
    while (Atomics.compareExchange(locks, bucket, 0, row + 1) !== 0) {
      // Held for a few dozen instructions by another thread; one that died in it is freed by `reclaim`.
    }
    try {
      const again = scan(bucket, counter);
      return again >= 0 ? again : claim(bucket, counter, nowMs);
    } finally {
      Atomics.store(locks, bucket, 0);
    }
  }

  function scan(bucket: number, counter: CounterKey): number {
    for (let cell = bucket * BUCKET, end = cell + BUCKET; cell < end; cell++) {
      const at = cell * WORDS;
      if (Atomics.load(words, at) === counter.hi && Atomics.load(words, at + 1) === counter.lo) return cell;
    }
    return -1;
  }

  /** Takes a free cell, else the one that has been idle longest; a cell with running requests is never taken. */
  function claim(bucket: number, counter: CounterKey, nowMs: number): number {
    let best = -1;
    let bestTime = Infinity;
    for (let cell = bucket * BUCKET, end = cell + BUCKET; cell < end; cell++) {
      const at = cell * WORDS;
      if (Atomics.load(words, at + 2) !== 0) continue;
      const isFree = Atomics.load(words, at) === 0 && Atomics.load(words, at + 1) === 0;
      const time = isFree ? -Infinity : timeOf(Atomics.load(times, at / 2 + 2));
      if (time < bestTime) {
        best = cell;
        bestTime = time;
      }
    }
    // All eight run requests: their last one is shared, which can only refuse more, never less.
    if (best < 0) return bucket * BUCKET + BUCKET - 1;
    const at = best * WORDS;
    Atomics.store(words, at, 0);
    Atomics.store(times, at / 2 + 2, bitsOf(nowMs));
    Atomics.store(words, at + 1, counter.lo);
    Atomics.store(words, at, counter.hi);
    return best;
  }

  function spendRate(cell: number, rate: Rate, cost: number, nowMs: number) {
    const at = (cell * WORDS) / 2 + 2;
    for (;;) {
      const before = Atomics.load(times, at);
      const result = spend(rate, timeOf(before), cost, nowMs);
      if (!result.conforms) return result;
      if (Atomics.compareExchange(times, at, before, bitsOf(result.tatMs)) === before) return result;
    }
  }

  function unspendRate(cell: number, rate: Rate, cost: number): void {
    const at = (cell * WORDS) / 2 + 2;
    for (;;) {
      const before = Atomics.load(times, at);
      const after = bitsOf(timeOf(before) - rate.intervalMs * cost);
      if (Atomics.compareExchange(times, at, before, after) === before) return;
    }
  }

  /** Units taken now, or -1 where the limit leaves no room. */
  function take(cell: number, limit: number): number {
    const at = cell * WORDS + 2;
    for (;;) {
      const before = Atomics.load(words, at);
      if (before >= limit) return -1;
      if (Atomics.compareExchange(words, at, before, before + 1) === before) {
        Atomics.add(mine, cell, 1);
        return before + 1;
      }
    }
  }

  function giveBack(cell: number): void {
    Atomics.sub(mine, cell, 1);
    Atomics.sub(words, cell * WORDS + 2, 1);
  }

  function undo(asks: readonly Ask[], taken: readonly number[]): void {
    for (const [i, cell] of taken.entries()) {
      const ask = asks[i];
      if (ask?.kind === 'rate') unspendRate(cell, ask.rate, ask.cost ?? 1);
      else giveBack(cell);
    }
  }

  return {
    keyOf(name) {
      const digest = hash('sha256', `${seed}\0${name}`, 'buffer');
      return { hi: digest.readInt32LE(0), lo: digest.readInt32LE(4) | 1 };
    },

    spend(asks, nowMs): Spent | Refused {
      const standings: LimitStanding[] = [];
      const holds: number[] = [];
      const taken: number[] = [];
      for (const ask of asks) {
        const cell = cellOf(ask.counter, nowMs);
        if (ask.kind === 'rate') {
          const result = spendRate(cell, ask.rate, ask.cost ?? 1, nowMs);
          if (!result.conforms) {
            undo(asks, taken);
            const resetMs = Math.max(0, result.tatMs - nowMs);
            return { kind: 'refused', ask, retryAfterMs: result.retryAfterMs, standing: rateStanding(ask, 0, resetMs) };
          }
          standings.push(rateStanding(ask, result.remaining, Math.max(0, result.tatMs - nowMs)));
        } else {
          const count = take(cell, ask.limit);
          if (count < 0) {
            undo(asks, taken);
            const standing = { name: ask.name, limit: ask.limit, remaining: 0, windowS: 0, resetMs: 1000 };
            return { kind: 'refused', ask, retryAfterMs: 1000, standing };
          }
          holds.push(cell);
          standings.push({ name: ask.name, limit: ask.limit, remaining: ask.limit - count, windowS: 0, resetMs: 0 });
        }
        taken.push(cell);
      }
      return { kind: 'spent', standings, holds };
    },

    release(spent) {
      for (const cell of spent.holds) giveBack(cell);
    },

    hasRoom(counter, rate, nowMs, cost = 1) {
      const cell = cellOf(counter, nowMs);
      return spend(rate, timeOf(Atomics.load(times, (cell * WORDS) / 2 + 2)), cost, nowMs).conforms;
    },

    acquire(counter, limit, nowMs) {
      const cell = cellOf(counter, nowMs);
      return take(cell, limit) < 0 ? undefined : cell;
    },

    giveBack,

    reclaim(dead) {
      const theirs = new Int32Array(memory.buffer, rowsAt + dead * cells * 4, cells);
      for (let bucket = 0; bucket < locks.length; bucket++) Atomics.compareExchange(locks, bucket, dead + 1, 0);
      for (let cell = 0; cell < cells; cell++) {
        const count = Atomics.exchange(theirs, cell, 0);
        if (count !== 0) Atomics.sub(words, cell * WORDS + 2, count);
      }
    },

    held() {
      let sum = 0;
      for (let cell = 0; cell < cells; cell++) sum += Atomics.load(words, cell * WORDS + 2);
      return sum;
    },
  };
}

function rateStanding(ask: Ask & { kind: 'rate' }, remaining: number, resetMs: number): LimitStanding {
  const { burst, intervalMs } = ask.rate;
  return { name: ask.name, limit: burst, remaining, windowS: Math.round((intervalMs * burst) / 1000), resetMs };
}
