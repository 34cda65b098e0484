import type { Ask } from './counters.ts';

/** Units that are no more set aside, and those that are to be counted; below 0 they were counted and not used. */
export interface Step {
  readonly given: number;
  readonly more: number;
}

/** What a spend holds for one ask, the same wherever it is counted. Changed by its counters alone. */
export abstract class Hold {
  readonly ask: Ask;
  /** Units of an amount that are set aside. */
  reserved: number;
  /** Units that are counted as used already. */
  #counted = 0;
  /** Of those of a rate, what has surely not drained at `#atMs`. */
  #left = 0;
  #atMs = 0;

  constructor(ask: Ask) {
    this.ask = ask;
    this.reserved = ask.kind === 'amount' ? ask.cost : 0;
  }

  /** Units that have to be set aside besides, so that they are so many in all; 0 or less where they are. */
  missing(total: number): number {
    return total - this.reserved - this.#counted;
  }

  /** Counts what was used until now; undefined where nothing is new. @param nowMs monotonic */
  progress(actual: number, nowMs: number): Step | undefined {
    const more = actual - this.#counted;
    if (more <= 0) return undefined;
    const given = Math.min(more, this.reserved);
    this.reserved -= given;
    this.#counted += more;
    this.#left = this.#leftAt(nowMs) + more;
    this.#atMs = nowMs;
    return { given, more };
  }

  /**
   * Ends it by what it really used.
   *
   * Of what was counted too much only what is surely still in a bucket comes back: who has it counted high and low again could
   * else empty a bucket of what others have really used.
   *
   * @param nowMs monotonic
   */
  end(actual: number, nowMs: number): Step {
    return { given: this.reserved, more: Math.max(actual - this.#counted, -this.#leftAt(nowMs)) };
  }

  #leftAt(nowMs: number): number {
    const { ask } = this;
    if (ask.kind !== 'amount' || ask.bound.kind === 'budget') return this.#counted;
    const drained = (Math.max(0, nowMs - this.#atMs) * ask.bound.limit) / ask.bound.windowMs;
    return Math.max(0, this.#left - drained);
  }
}
