import type { Clock, Timer } from '../../kernel/clock.ts';
import type { Spent } from '../../kernel/exchange.ts';
import type { Counters } from '../../limits/counters.ts';

/** Counts twice a second what running streams have used until now: what a process that is killed forgives was used since. */
export interface Progress {
  /** @param actuals what was used until now, for each amount of the spend */
  begin(spent: Spent, actuals: () => readonly number[]): void;
  /** Milliseconds for which nothing more was used at the end, as the last look saw it: never more than they were. */
  end(spent: Spent): number;
}

const EVERY_MS = 500;

/** Runs a timer only while there is something to count. */
export function createProgress(counters: Counters, clock: Clock): Progress {
  const running = new Map<Spent, Running>();
  let timer: Timer | undefined;

  function count(): void {
    const nowMs = clock.monotonicMs();
    for (const [spent, one] of running) {
      const actuals = one.actuals();
      const sum = actuals.reduce((all, units) => all + units, 0);
      if (sum !== one.sum) [one.sum, one.changedAtMs] = [sum, nowMs];
      counters.progress(spent, actuals, nowMs);
    }
    timer = running.size === 0 ? undefined : clock.after(EVERY_MS, count);
  }

  return {
    begin(spent, actuals) {
      running.set(spent, { actuals, sum: NaN, changedAtMs: clock.monotonicMs() });
      timer ??= clock.after(EVERY_MS, count);
    },
    end(spent) {
      const one = running.get(spent);
      running.delete(spent);
      if (one === undefined) return 0;
      const isSilent = one.actuals().reduce((all, units) => all + units, 0) === one.sum;
      return isSilent ? clock.monotonicMs() - one.changedAtMs : 0;
    },
  };
}

interface Running {
  readonly actuals: () => readonly number[];
  /** Of all that was used when it was looked at last, and when that was other than before. */
  sum: number;
  changedAtMs: number;
}
