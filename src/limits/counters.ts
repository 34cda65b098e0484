import type { LimitStanding, Spent } from '../kernel/exchange.ts';
import type { Rate } from './gcra.ts';

/** Names a counter: 64 bits of a hash of what is counted, made once and kept beside it. */
export interface CounterKey {
  readonly hi: number;
  readonly lo: number;
}

/** One thing that a request has to pay. */
export type Ask =
  | {
      readonly kind: 'rate';
      readonly name: string;
      readonly counter: CounterKey;
      readonly rate: Rate;
      /** Units, 0 < cost <= rate.burst; 1 where it is left out. */
      readonly cost?: number;
    }
  | { readonly kind: 'concurrency'; readonly name: string; readonly counter: CounterKey; readonly limit: number };

/** An ask that was refused. */
export interface Refused {
  readonly kind: 'refused';
  readonly ask: Ask;
  /** Milliseconds until the same ask would be let in, as far as can be told. */
  readonly retryAfterMs: number;
  readonly standing: LimitStanding;
}

/** Counts what callers spend, exactly across all threads. Kept by shared memory, later by Valkey. */
export interface Counters {
  /** A key for a name such as `key:Ab12Cd`. Two names share a counter with a chance of 2^-64. */
  keyOf(name: string): CounterKey;
  /** Spends all asks or none. */
  spend(asks: readonly Ask[], nowMs: number): Spent | Refused | Promise<Spent | Refused>;
  /** Gives back the concurrency that was taken. Never waits. Call exactly once for each `Spent`. */
  release(spent: Spent): void;
  /** Tells without spending whether a rate has room. @param cost units, 0 < cost <= rate.burst; 1 where it is left out */
  hasRoom(counter: CounterKey, rate: Rate, nowMs: number, cost?: number): boolean;
}
