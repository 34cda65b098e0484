import { MOST_NEEDS } from '../../forward/queue/reserve.ts';

/** Shared memory for the states of upstreams. Plain data but for the buffer: it crosses threads. */
export interface UpstreamMemory {
  readonly buffer: SharedArrayBuffer;
  /** Upstreams that have room in it. */
  readonly capacity: number;
  /** Threads. */
  readonly rows: number;
  /** Number in the memory of each upstream of the configuration, by its index there. */
  readonly numbers: readonly number[];
}

/** Names that tenants are counted under at each upstream: by hash, so two may share one. */
export const BUCKETS = 256;

const OUTSTANDING = 0;
const FAULTS = 1;
const IS_DOWN = 2;
const LAST_TRY_S = 3;
const LAST_ROUTE = 4;
const LIMIT = 5;
const NEEDS = 6;
const WAITING = 7;
const FIRST_BYTE_MS = 8;
const FIRST_BYTES = 9;
const RING_NEXT = 10;
const RING = 11;
/** Words of an upstream. */
export const FIELD = {
  OUTSTANDING,
  FAULTS,
  IS_DOWN,
  LAST_TRY_S,
  LAST_ROUTE,
  /** Most requests at once; 0 for no limit. */
  LIMIT,
  /** How many tenants are in the list of those for whom places are kept. */
  NEEDS,
  /** How many wait in the control plane's queue. */
  WAITING,
  /** Sum of the times to the first byte, milliseconds, and how many there were; both wrap around. */
  FIRST_BYTE_MS,
  FIRST_BYTES,
  RING_NEXT,
  RING,
} as const;

/** Entries of the ring of the last requests. */
export const RING_SIZE = 20;
const NEED = RING + RING_SIZE;
const WORDS = NEED + 2 * MOST_NEEDS;
/** Room for those that go and those that come when the configuration changes. */
const LEAST_CAPACITY = 16;

/** Sets shared memory aside for `upstreams` upstreams and `rows` threads. */
export function createUpstreamMemory(upstreams: number, rows: number): UpstreamMemory {
  const capacity = Math.max(LEAST_CAPACITY, 2 * upstreams);
  const buffer = new SharedArrayBuffer(capacity * (WORDS + 2 * BUCKETS + rows * BUCKETS) * 4);
  return { buffer, capacity, rows, numbers: Array.from({ length: upstreams }, (_, i) => i) };
}

/** Where things lie in the memory, by an upstream's number in it. */
export function layoutOf({ capacity }: UpstreamMemory) {
  const seen = capacity * WORDS;
  const peak = seen + capacity * BUCKETS;
  const held = peak + capacity * BUCKETS;
  return {
    field: (number: number, field: number): number => number * WORDS + field,
    /** When a tenant was last seen there, seconds. */
    seen: (number: number, bucket: number): number => seen + number * BUCKETS + bucket,
    /** The most that a tenant held there at once since somebody last looked. */
    peak: (number: number, bucket: number): number => peak + number * BUCKETS + bucket,
    /** The list of tenants for whom places are kept: bucket and places of each. */
    need: (number: number, i: number): number => number * WORDS + NEED + 2 * i,
    /** Requests of a tenant that a thread has there. */
    held: (row: number, number: number, bucket: number): number => held + (row * capacity + number) * BUCKETS + bucket,
    fields: WORDS,
  };
}

/**
 * The memory for a changed configuration: an upstream that stays keeps its number, and so what runs on it stays counted;
 * one that is new gets a number on which nothing runs. Undefined where there is no room: then all begins anew.
 *
 * @param before name of each upstream, in the order of `memory.numbers`; likewise `after`
 */
export function renumbered(
  memory: UpstreamMemory,
  before: readonly string[],
  after: readonly string[],
): UpstreamMemory | undefined {
  const words = new Int32Array(memory.buffer);
  const layout = layoutOf(memory);
  const kept = new Map(before.map((name, i) => [name, memory.numbers[i]]));
  const taken = new Set(after.map((name) => kept.get(name)));
  const isFree = (number: number): boolean =>
    !taken.has(number) &&
    Atomics.load(words, layout.field(number, OUTSTANDING)) === 0 &&
    Atomics.load(words, layout.field(number, WAITING)) === 0;
  const numbers: number[] = [];
  for (const name of after) {
    let number = kept.get(name);
    if (number === undefined) {
      number = Array.from({ length: memory.capacity }, (_, i) => i).find(isFree);
      if (number === undefined) return undefined;
      taken.add(number);
      words.fill(0, layout.field(number, 0), layout.field(number + 1, 0));
      words.fill(0, layout.seen(number, 0), layout.seen(number + 1, 0));
      words.fill(0, layout.peak(number, 0), layout.peak(number + 1, 0));
    }
    numbers.push(number);
  }
  return { ...memory, numbers };
}
