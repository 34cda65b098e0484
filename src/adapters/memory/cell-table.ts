import type { CounterKey } from '../../limits/counters.ts';

/**
 * Which cell belongs to which counter, in memory that all threads share (docs/adr/0004-shared-counters.md).
 *
 * Each counter may have a cell in one of three buckets of eight, whose keys lie in one line of the cache: in the one that has most
 * of them free, so that four fifths of all are in force before the first counter finds none. A cell is taken from
 * a counter only where nothing is in force on it any more; where no bucket has such a one, the new counter shares one of the
 * overflow cells behind the table with others of its policy. So who brings many addresses fills the overflow, and
 * neither makes the table forget nor takes their cell from those who have one.
 *
 * An overflow cell is one policy's for as long as the memory lasts: those of two kinds or windows in one would reset each other.
 * Policies come of the configuration; those beyond the 64th that ever overflows share the cells of others as a last resort.
 */
export interface CellTable {
  /** The cell of a counter; takes one where it has none. @param policy with whose counters it would share an overflow cell */
  find(counter: CounterKey, policy: string, nowMs: number): number;
  /** Whether a cell is still the counter's after it was written; overflow cells are everybody's. */
  isStillOf(cell: number, counter: CounterKey): boolean;
  /** Key of a cell, or undefined where nobody has it. */
  keyAt(cell: number): { readonly hi: number; readonly lo: number } | undefined;
  /** Frees the locks of a thread that has ended. */
  reclaim(row: number): void;
}

/** A part of the memory that all threads share, and whose thread this is. */
export interface CellMemory {
  readonly buffer: SharedArrayBuffer;
  /** Where the part begins, a multiple of eight bytes. */
  readonly at: number;
  /** A power of two, from 8 to 2^19: then a hash names three buckets that have nothing to do with each other. */
  readonly cells: number;
  /** Threads. */
  readonly rows: number;
  /** Index of this one, 0 <= row < rows. */
  readonly row: number;
}

/** Counters that share a bucket. */
const BUCKET = 8;
/** Free cells of a bucket from which on a counter stays in its first one, where it is found soonest. */
const ROOMY = 5;
/** Cells behind the table. */
const OVERFLOW = 64;

/** Cells with those for overflow: what arrays beside the table have to hold. */
export const allCells = (cells: number): number => cells + OVERFLOW;

/** Bytes of the table's own memory. */
export const cellTableBytes = (cells: number): number => ownersAt(cells) + OVERFLOW * 4;

/** Where it says whose the overflow cells are, behind keys and locks. */
const ownersAt = (cells: number): number => cells * 8 + Math.ceil(cells / BUCKET / 2) * 8;

/**
 * @param memory zeroes at first; the table takes `cellTableBytes` of its beginning
 * @param isIdle whether nothing is in force on a cell
 * @param reset makes a cell one of a counter not seen before
 */
export function createCellTable(
  { buffer, at, cells, row }: CellMemory,
  isIdle: (cell: number, nowMs: number) => boolean,
  reset: (cell: number, nowMs: number) => void,
): CellTable {
  const keys = new Int32Array(buffer, at, cells * 2);
  const locks = new Int32Array(buffer, at + cells * 8, cells / BUCKET);
  const owners = new Int32Array(buffer, at + ownersAt(cells), OVERFLOW);
  const mask = cells / BUCKET - 1;
  const firstOf = ({ hi }: CounterKey) => hi & mask;
  const secondOf = ({ lo }: CounterKey) => (lo >>> 1) & mask;
  const thirdOf = ({ hi }: CounterKey) => (hi >>> 16) & mask;

  function scan(bucket: number, { hi, lo }: CounterKey): number {
    for (let cell = bucket * BUCKET, end = cell + BUCKET; cell < end; cell++) {
      if (Atomics.load(keys, cell * 2) === hi && Atomics.load(keys, cell * 2 + 1) === lo) return cell;
    }
    return -1;
  }

  function lookUp(counter: CounterKey): number {
    let found = scan(firstOf(counter), counter);
    if (found < 0) found = scan(secondOf(counter), counter);
    return found >= 0 ? found : scan(thirdOf(counter), counter);
  }

  function claim(counter: CounterKey, policy: string, nowMs: number): number {
    const buckets = [...new Set([firstOf(counter), secondOf(counter), thirdOf(counter)])];
    // In one order for all threads, or two of them would wait for each other.
    const locked = buckets.toSorted((a, b) => a - b);
    for (const bucket of locked) lockWord(locks, bucket, row);
    try {
      const found = lookUp(counter);
      if (found >= 0) return found;
      const free = freeIn(buckets, nowMs);
      if (free === undefined) return cells + overflowOf(tagOf(policyOf(counter, policy)));
      reset(free, nowMs);
      Atomics.store(keys, free * 2 + 1, counter.lo);
      Atomics.store(keys, free * 2, counter.hi);
      return free;
    } finally {
      for (const bucket of locked) Atomics.store(locks, bucket, 0);
    }
  }

  /** A cell that nobody needs, of the emptiest bucket: else newcomers would meet full ones while half of the table is free. */
  function freeIn(buckets: readonly number[], nowMs: number): number | undefined {
    const byRoom = buckets
      .map((bucket) => ({ bucket, room: Math.min(countFree(bucket, nowMs), ROOMY) }))
      .toSorted((a, b) => b.room - a.room);
    for (const { bucket } of byRoom) {
      const cell = takeFree(bucket, nowMs);
      if (cell !== undefined) return cell;
    }
    return undefined;
  }

  /** Cells of a bucket that nobody has, or needs. */
  function countFree(bucket: number, nowMs: number): number {
    let count = 0;
    for (let cell = bucket * BUCKET, end = cell + BUCKET; cell < end; cell++) {
      if (Atomics.load(keys, cell * 2 + 1) === 0 || isIdle(cell, nowMs)) count++;
    }
    return count;
  }

  /** A cell that nobody needs, without its key. */
  function takeFree(bucket: number, nowMs: number): number | undefined {
    for (let cell = bucket * BUCKET, end = cell + BUCKET; cell < end; cell++) {
      if (Atomics.load(keys, cell * 2 + 1) === 0) return cell;
    }
    for (let cell = bucket * BUCKET, end = cell + BUCKET; cell < end; cell++) {
      if (!isIdle(cell, nowMs)) continue;
      const lo = Atomics.exchange(keys, cell * 2 + 1, 0);
      // Who wrote to it before its key went is seen here; who writes after sees that it went (`isStillOf`).
      if (isIdle(cell, nowMs)) return cell;
      Atomics.store(keys, cell * 2 + 1, lo);
    }
    return undefined;
  }

  /** The overflow cell of a policy; who comes first takes it for good, so that all threads find the same. */
  function overflowOf(tag: number): number {
    const first = (tag >>> 0) % OVERFLOW;
    for (let i = 0; i < OVERFLOW; i++) {
      const index = (first + i) % OVERFLOW;
      const owner = Atomics.compareExchange(owners, index, 0, tag);
      if (owner === 0 || owner === tag) return index;
    }
    return first;
  }

  return {
    find(counter, policy, nowMs) {
      const found = lookUp(counter);
      return found >= 0 ? found : claim(counter, policy, nowMs);
    },
    isStillOf: (cell, { hi, lo }) =>
      cell >= cells || (Atomics.load(keys, cell * 2) === hi && Atomics.load(keys, cell * 2 + 1) === lo),
    keyAt(cell) {
      if (cell >= cells) return undefined;
      const [hi, lo] = [Atomics.load(keys, cell * 2), Atomics.load(keys, cell * 2 + 1)];
      return lo === 0 ? undefined : { hi, lo };
    },
    reclaim(dead) {
      for (let bucket = 0; bucket < locks.length; bucket++) Atomics.compareExchange(locks, bucket, dead + 1, 0);
    },
  };
}

/**
 * Takes a lock that is held for a few dozen instructions only. That of a thread that died in it is freed by `reclaim`; who
 * waits for it longer than any thread is off its core takes it all the same: the thread that has to see the death may be the
 * one that waits.
 */
export function lockWord(locks: Int32Array<SharedArrayBuffer>, index: number, row: number): void {
  let waits = 0;
  let before = 0;
  for (let tries = 1; ; tries++) {
    const holder = Atomics.compareExchange(locks, index, 0, row + 1);
    if (holder === 0) return;
    if (tries % SPINS !== 0) continue;
    // More threads than cores: the one that holds it may not be running, and has to get a core.
    Atomics.wait(locks, index, holder, WAIT_MS);
    waits = holder === before ? waits + 1 : 0;
    before = holder;
    if (waits >= DEAD_WAITS && Atomics.compareExchange(locks, index, holder, row + 1) === holder) return;
  }
}

const SPINS = 64;
const WAIT_MS = 0.05;
/** Half a second at least. */
const DEAD_WAITS = 500 / WAIT_MS;

/** With its period where the counter's name says it, as in `budget/day:`: two windows under one name are not the same policy. */
function policyOf({ name }: CounterKey, policy: string): string {
  const end = name.startsWith(policy) ? name.indexOf(':', policy.length) : -1;
  return end < 0 ? policy : name.slice(0, end);
}

/** 32 bits of a policy's name (FNV-1a), never 0. */
function tagOf(policy: string): number {
  let tag = 0x811c9dc5;
  for (let i = 0; i < policy.length; i++) tag = Math.imul(tag ^ policy.charCodeAt(i), 0x01000193);
  return tag || 1;
}
