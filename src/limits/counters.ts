import type { LimitStanding, Spent } from '../kernel/exchange.ts';
import type { Bound } from './amount.ts';
import type { Rate } from './gcra.ts';

/** Names a counter: 64 bits of a hash of what is counted, made once and kept beside it. */
export interface CounterKey {
  readonly hi: number;
  readonly lo: number;
  /** What is counted, as `keyOf` got it. */
  readonly name: string;
}

/** Units that are spent at once and for good: requests. */
export interface RateAsk {
  readonly kind: 'rate';
  /** Name of the policy, as callers see it. */
  readonly name: string;
  readonly counter: CounterKey;
  readonly rate: Rate;
  /** Units, 0 < cost <= rate.burst; 1 where it is left out. */
  readonly cost?: number;
}

/** One of the requests that may run at once; held until it is settled. */
export interface ConcurrencyAsk {
  readonly kind: 'concurrency';
  readonly name: string;
  readonly counter: CounterKey;
  readonly limit: number;
}

/** Units whose number is only known at the end: tokens, money. An upper bound is reserved, the truth is settled. */
export interface AmountAsk {
  readonly kind: 'amount';
  readonly name: string;
  readonly counter: CounterKey;
  readonly bound: Bound;
  /** Units to reserve, a whole number, 1 <= cost <= bound.limit. */
  readonly cost: number;
}

/** One thing that a request has to pay. */
export type Ask = RateAsk | ConcurrencyAsk | AmountAsk;

/** An ask that was refused. */
export interface Refused {
  readonly kind: 'refused';
  readonly ask: Ask;
  /** Milliseconds until the same ask would be let in, as far as can be told. */
  readonly retryAfterMs: number;
  readonly standing: LimitStanding;
}

/** A result that may be waited for: at once in process, after a call on Valkey. */
export type Soon<Value> = Value | Promise<Value>;

/**
 * Counts what callers spend, exactly across all threads, or all instances. `nowMs` is always `Clock.monotonicMs`: a clock
 * that is set must neither lock callers out nor forgive what they spent.
 */
export interface Counters {
  /** A key for a name such as `key:Ab12Cd`. Two names share a counter with a chance of 2^-64. */
  keyOf(name: string): CounterKey;
  /** Spends, takes or reserves all asks or none. */
  spend(asks: readonly Ask[], nowMs: number): Soon<Spent | Refused>;
  /**
   * Raises what is reserved to that many units for each amount of a spend, in the order of its asks. Where a limit has not
   * that much room it takes none of it and tells which one; what the others took is settled with the rest.
   */
  extend(spent: Spent, totals: readonly number[], nowMs: number): Soon<Refused | undefined>;
  /**
   * Counts what a running request has used until now, out of what it has reserved, so that a thread that dies takes no more
   * with it than what was used since. Never waits.
   *
   * @param actuals units until now for each amount of the spend, in the order of its asks; never less than the time before
   */
  progress(spent: Spent, actuals: readonly number[], nowMs: number): void;
  /**
   * Ends a spend: gives back its concurrency and what it reserved, and counts what it really cost. Exactly once for each
   * `Spent`. Never waits.
   *
   * @param actuals units for each amount of the spend, in the order of its asks; 0 where they are left out
   */
  settle(spent: Spent, actuals: readonly number[], nowMs: number): void;
  /** How full the limit of an ask is, without spending. */
  standing(ask: Ask, nowMs: number): Soon<LimitStanding>;
}

/** The store of the counters cannot be asked, and nothing is let in without it. */
export class CountersUnavailable extends Error {
  override readonly name = 'CountersUnavailable';
  readonly code = 'store_unavailable';
}

/** Counters of this process alone: of addresses and connections, which each instance counts for itself. */
export interface LocalCounters extends Counters {
  spend(asks: readonly Ask[], nowMs: number): Spent | Refused;
  extend(spent: Spent, totals: readonly number[], nowMs: number): Refused | undefined;
  standing(ask: Ask, nowMs: number): LimitStanding;
  /** Tells without spending whether a rate has room. @param cost units, 0 < cost <= rate.burst; 1 where it is left out */
  hasRoom(counter: CounterKey, rate: Rate, nowMs: number, cost?: number): boolean;
}
