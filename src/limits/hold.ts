import type { Ask } from './counters.ts';

/** What a spend holds for one ask, the same wherever it is counted. Changed by its counters alone. */
export abstract class Hold {
  readonly ask: Ask;
  /** Units of an amount that are set aside, and those that are counted as used already. */
  reserved: number;
  counted = 0;

  constructor(ask: Ask) {
    this.ask = ask;
    this.reserved = ask.kind === 'amount' ? ask.cost : 0;
  }

  /** Units that have to be set aside besides, so that they are so many in all; 0 or less where they are. */
  missing(total: number): number {
    return total - this.reserved - this.counted;
  }

  /**
   * Counts what was used until now. Gives the units that are no more set aside, and those that are to be counted; undefined
   * where nothing is new.
   */
  progress(actual: number): { readonly given: number; readonly more: number } | undefined {
    const more = actual - this.counted;
    if (more <= 0) return undefined;
    const given = Math.min(more, this.reserved);
    this.reserved -= given;
    this.counted += more;
    return { given, more };
  }
}
