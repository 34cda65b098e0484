import { bitOf, distinctOf } from './sketch.ts';

/** What an address has shown in the last five minutes. Forgotten with its place in the table: nothing is learned of it. */
export interface NetworkEntry {
  readonly network: string;
  /** Number of the window. */
  window: number;
  failures: number;
  failuresBefore: number;
  /** Distinct people tried and distinct paths asked for, 64 bits each. */
  readonly users: Uint32Array;
  readonly paths: Uint32Array;
  /** When somebody was last let in from here. */
  goodS: number;
  /** When each rule was last told of it. */
  readonly toldS: Map<string, number>;
}

const SPAN_S = 300;

/** Addresses, at most so many; the one that was quiet longest gives way. */
export interface NetworkTable {
  /** Its entry, moved on to now. */
  open(network: string, nowS: number): NetworkEntry;
  /** Somebody was let in from here. Opens nothing: the good ones need no place. */
  praise(network: string, nowS: number): void;
  readonly size: number;
}

/** @param max addresses; whoever has many can displace others, who are then counted anew: nobody is held for an address */
export function createNetworkTable(max: number): NetworkTable {
  const entries = new Map<string, NetworkEntry>();
  /** When an address was good, for those that have no entry yet. */
  const good = new Map<string, number>();

  return {
    open(network, nowS) {
      const known = entries.get(network);
      if (known !== undefined) {
        entries.delete(network);
        entries.set(network, known);
        roll(known, nowS);
        return known;
      }
      dropOldest(entries, max);
      const entry = newEntry(network, nowS, good.get(network) ?? 0);
      entries.set(network, entry);
      return entry;
    },
    praise(network, nowS) {
      const known = entries.get(network);
      if (known !== undefined) known.goodS = nowS;
      good.delete(network);
      dropOldest(good, max);
      good.set(network, nowS);
    },
    get size() {
      return entries.size;
    },
  };
}

function dropOldest(map: Map<string, unknown>, max: number): void {
  if (map.size < max) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

const newEntry = (network: string, nowS: number, goodS: number): NetworkEntry => ({
  network,
  window: Math.floor(nowS / SPAN_S),
  failures: 0,
  failuresBefore: 0,
  users: new Uint32Array(4),
  paths: new Uint32Array(4),
  goodS,
  toldS: new Map(),
});

function roll(entry: NetworkEntry, nowS: number): void {
  const window = Math.floor(nowS / SPAN_S);
  if (window === entry.window) return;
  const isNext = window === entry.window + 1;
  entry.window = window;
  entry.failuresBefore = isNext ? entry.failures : 0;
  entry.failures = 0;
  for (const bits of [entry.users, entry.paths]) {
    bits.copyWithin(2, 0, 2);
    bits.fill(0, 0, isNext ? 2 : 4);
  }
}

/** Notes a thing as seen. */
export function noteBit(bits: Uint32Array, hash: number): void {
  const bit = bitOf(hash);
  bits[bit >>> 5] = (bits[bit >>> 5] ?? 0) | (1 << (bit & 31));
}

/** Different things that were noted in this window and the one before. */
export const distinctBits = (bits: Uint32Array): number =>
  distinctOf((bits[0] ?? 0) | (bits[2] ?? 0), (bits[1] ?? 0) | (bits[3] ?? 0));

/** Failures of the last five minutes. */
export const failuresLately = ({ failures, failuresBefore }: NetworkEntry, nowS: number): number =>
  failures + failuresBefore * (1 - (nowS % SPAN_S) / SPAN_S);
