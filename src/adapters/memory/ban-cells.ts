import { hash } from 'node:crypto';
import { BAN_REASONS, REMEMBERED_FOR_MS, TRUSTED_FOR_MS, type Ban } from '../../limits/bans.ts';
import { networkFromWords, wordsFromNetwork, type NetworkWords } from '../../wire/network-words.ts';
import { lockWord } from './cell-table.ts';

/**
 * Networks that are banned or on the way there, in memory that all threads share: a hash table of cells in buckets of
 * eight. Each cell has the network itself, so that all can be listed without a message and a thread that dies takes
 * nothing with it.
 *
 * A bucket that is full lets go of the network that was quiet longest, first of those that nothing speaks for; a ban in
 * force stays whatever comes. So who brings many addresses neither grows the memory nor pushes a ban out.
 */
export interface BanMemory {
  readonly buffer: SharedArrayBuffer;
  /** Networks, a power of two, at least 8. */
  readonly cells: number;
  /** Keys the hash, else callers could choose addresses that share a bucket. */
  readonly seed: string;
  /** Times are kept as tenths of a second since this moment of the monotonic clock, so that one word holds them. */
  readonly originMs: number;
}

/** Milliseconds of the unit in which times are kept. */
export const UNIT_MS = 100;

/** Words before the cells: how often bans have changed, networks that found no room, bans not told yet, and begun ones. */
export const HEAD = { generation: 0, lost: 1, unseen: 2, begun: 4 } as const;

/** Words of a cell. A family of 0: nobody has it. */
export const CELL = {
  family: 0,
  high: 1,
  low: 2,
  /** 0 where there was no ban. */
  until: 3,
  since: 4,
  number: 5,
  reason: 6,
  isNew: 7,
  /** 0 where nobody was good. */
  trustedAt: 8,
  touchedAt: 9,
  /** Two words, a bit for each kind of path. */
  scanned: 10,
  /** Three words, theoretical arrival times by offence. */
  tats: 12,
} as const;

const BUCKET = 8;
const WORDS = 16;
const HEADER = 16;
const TRUSTED_FOR = TRUSTED_FOR_MS / UNIT_MS;
const REMEMBERED_FOR = REMEMBERED_FOR_MS / UNIT_MS;
/** More than any time: what is kept comes after all that is not. */
const KEPT_RANK = 2 ** 32;
/** Networks whose place a thread remembers. */
const MAX_PLACES = 10_000;

/** Sets shared memory aside. @param nowMs of the monotonic clock */
export function createBanMemory(cells: number, seed: string, nowMs: number): BanMemory {
  const bytes = (HEADER + cells * WORDS + cells / BUCKET) * 4;
  // Bans that ended before this process began are remembered, too.
  return { buffer: new SharedArrayBuffer(bytes), cells, seed, originMs: nowMs - 2 * REMEMBERED_FOR_MS };
}

/** Frees the locks of a thread that has ended. */
export function reclaimBans({ buffer, cells }: BanMemory, dead: number): void {
  const locks = new Int32Array(buffer, (HEADER + cells * WORDS) * 4, cells / BUCKET);
  for (let bucket = 0; bucket < locks.length; bucket++) Atomics.compareExchange(locks, bucket, dead + 1, 0);
}

/** Where a network is looked for, as one thread remembers it. */
export interface Place extends NetworkWords {
  readonly bucket: number;
  /** When it was last noted as good. */
  trustedAt: number;
  /** What was found when the bans were last looked at, and their generation then. */
  generation: number;
  ban: Ban | undefined;
}

/** The cells as one thread reads and writes them; a cell is the index of its first word. */
export interface BanCells {
  /** All words, for `HEAD` and `CELL`; written only under the lock of a place, read by anybody. */
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly unitsOf: (nowMs: number) => number;
  /** Undefined for what is no network. */
  readonly placeOf: (network: string) => Place | undefined;
  isOf(cell: number, place: Place): boolean;
  isInForce(cell: number, now: number): boolean;
  isTrusted(cell: number, now: number): boolean;
  /** The cell of a place, or -1. */
  scan(place: Place): number;
  underLock<Result>(place: Place, work: () => Result): Result;
  /** The same, or one taken for it; -1 where all are needed. Only under the lock. */
  take(place: Place, now: number): number;
  readonly banAt: (cell: number) => Ban;
  /** Cells of bans that are in force. */
  inForce(now: number): number[];
}

/** @param row index of this thread */
export function createBanCells({ buffer, cells, seed, originMs }: BanMemory, row: number): BanCells {
  const words = new Int32Array(buffer, 0, HEADER + cells * WORDS);
  const locks = new Int32Array(buffer, (HEADER + cells * WORDS) * 4, cells / BUCKET);
  const places = new Map<string, Place>();
  const load = (at: number): number => Atomics.load(words, at);
  const store = (at: number, value: number): void => void Atomics.store(words, at, value);
  const msOf = (units: number): number => units * UNIT_MS + originMs;
  const firstOf = (bucket: number): number => HEADER + bucket * BUCKET * WORDS;

  const isOf = (at: number, { family, high, low }: NetworkWords): boolean =>
    load(at + CELL.low) === low && load(at + CELL.high) === high && load(at + CELL.family) === family;
  const isInForce = (at: number, now: number): boolean => load(at + CELL.until) > now;
  const isTrusted = (at: number, now: number): boolean => {
    const trustedAt = load(at + CELL.trustedAt);
    return trustedAt !== 0 && now - trustedAt < TRUSTED_FOR;
  };
  const isRemembered = (at: number, now: number): boolean =>
    load(at + CELL.until) !== 0 && now - load(at + CELL.until) <= REMEMBERED_FOR;

  function scan(place: Place): number {
    for (let at = firstOf(place.bucket), end = at + BUCKET * WORDS; at < end; at += WORDS) {
      if (isOf(at, place)) return at;
    }
    return -1;
  }

  function claim(place: Place, now: number): number {
    const at = leastNeeded(place.bucket, now);
    if (at < 0) return -1;
    // In this order, so that a thread that dies here leaves a cell of nobody, and nobody reads another one's ban.
    store(at + CELL.family, 0);
    for (let word = 1; word < WORDS; word++) store(at + word, 0);
    store(at + CELL.high, place.high);
    store(at + CELL.low, place.low);
    store(at + CELL.family, place.family);
    return at;
  }

  function leastNeeded(bucket: number, now: number): number {
    let best = -1;
    let bestRank = Infinity;
    for (let at = firstOf(bucket), end = at + BUCKET * WORDS; at < end; at += WORDS) {
      if (load(at + CELL.family) === 0) return at;
      if (isInForce(at, now)) continue;
      // What a flood of new addresses leaves goes first, so that it pushes out at most one of what is worth keeping.
      const isKept = isTrusted(at, now) || isRemembered(at, now);
      const rank = load(at + CELL.touchedAt) + (isKept ? KEPT_RANK : 0);
      if (rank < bestRank) [best, bestRank] = [at, rank];
    }
    return best;
  }

  return {
    words,
    unitsOf: (nowMs) => Math.floor((nowMs - originMs) / UNIT_MS),
    placeOf(network) {
      const known = places.get(network);
      if (known !== undefined) return known;
      const read = wordsFromNetwork(network);
      if (read === undefined) return undefined;
      const bucket = hash('sha256', `${seed}\0${network}`, 'buffer').readUInt32LE(0) & (cells / BUCKET - 1);
      const place = { ...read, bucket, trustedAt: -Infinity, generation: 0, ban: undefined };
      // A simple bound: places are cheap to work out again, and an attacker brings many.
      if (places.size >= MAX_PLACES) places.clear();
      places.set(network, place);
      return place;
    },
    isOf,
    isInForce,
    isTrusted,
    scan,
    underLock({ bucket }, work) {
      lockWord(locks, bucket, row);
      try {
        return work();
      } finally {
        Atomics.store(locks, bucket, 0);
      }
    },
    take(place, now) {
      const found = scan(place);
      const at = found >= 0 ? found : claim(place, now);
      if (at >= 0) store(at + CELL.touchedAt, now);
      else Atomics.add(words, HEAD.lost, 1);
      return at;
    },
    banAt(at) {
      const family = load(at + CELL.family) === 4 ? 4 : 6;
      return {
        network: networkFromWords({ family, high: load(at + CELL.high), low: load(at + CELL.low) }),
        reason: BAN_REASONS[load(at + CELL.reason)] ?? 'operator',
        number: load(at + CELL.number),
        sinceMs: msOf(load(at + CELL.since)),
        untilMs: msOf(load(at + CELL.until)),
      };
    },
    inForce(now) {
      const found: number[] = [];
      for (let at = HEADER; at < words.length; at += WORDS) {
        if (isInForce(at, now) && load(at + CELL.family) !== 0) found.push(at);
      }
      return found;
    },
  };
}
