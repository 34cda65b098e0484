import type { Clock, Timer } from '../../kernel/clock.ts';
import type { Spent } from '../../kernel/exchange.ts';
import type { Counters } from '../../limits/counters.ts';

/** Counts twice a second what running streams have used until now: what a process that is killed forgives was used since. */
export interface Progress {
  /** @param actuals what was used until now, for each amount of the spend */
  begin(spent: Spent, actuals: () => readonly number[]): void;
  end(spent: Spent): void;
}

const EVERY_MS = 500;

/** Runs a timer only while there is something to count. */
export function createProgress(counters: Counters, clock: Clock): Progress {
  const running = new Map<Spent, () => readonly number[]>();
  let timer: Timer | undefined;

  function count(): void {
    const nowMs = clock.monotonicMs();
    for (const [spent, actuals] of running) counters.progress(spent, actuals(), nowMs);
    timer = running.size === 0 ? undefined : clock.after(EVERY_MS, count);
  }

  return {
    begin(spent, actuals) {
      running.set(spent, actuals);
      timer ??= clock.after(EVERY_MS, count);
    },
    end: (spent) => void running.delete(spent),
  };
}
