import type { SharedCounters } from '../adapters/memory/counters.ts';
import type { Clock } from '../kernel/clock.ts';
import { restoreBudgets } from './limit-book.ts';
import type { KeptBudget, LedgerStore, UsageRow } from '../limits/ledger.ts';
import type { WallClock } from '../limits/wall-clock.ts';

/** Writes what was used, twice a second: with what running streams tell as often a kill forgives the last second at most. */
export interface Ledger {
  /** Takes over what a worker has seen used. */
  note(rows: readonly UsageRow[]): void;
  /** Writes what waits. */
  flush(): Promise<void>;
  /** Writes what waits for the last time. */
  close(): Promise<void>;
}

/** What the ledger tells times by. */
export interface LedgerClocks {
  readonly clock: Clock;
  /** A clock that was set must neither move the ends of budgets nor have them removed. */
  readonly wall: Pick<WallClock, 'nowMs'>;
}

const EVERY_MS = 500;

/** Puts budgets back into the counters as they were before the restart, and keeps them from then on. */
export async function openLedger(
  store: LedgerStore,
  counters: SharedCounters,
  { clock, wall }: LedgerClocks,
  onProblem: (error: unknown) => void,
): Promise<Ledger> {
  await restoreBudgets(store, counters, clock);
  /** What could not be written yet, the newest of each counter. */
  const budgets = new Map<string, KeptBudget>();
  let usage: UsageRow[] = [];
  let writing: Promise<void> | undefined;
  let isFailing = false;

  function collect(): void {
    const monotonicMs = clock.monotonicMs();
    const untilMs = wall.nowMs(monotonicMs) - monotonicMs;
    for (const { endsAtMs, ...budget } of counters.takeChangedBudgets()) {
      budgets.set(`${budget.hi} ${budget.lo}`, { ...budget, windowEndMs: Math.round(endsAtMs + untilMs) });
    }
  }

  async function write(): Promise<void> {
    collect();
    const [changed, rows] = [[...budgets], usage];
    usage = [];
    try {
      if (changed.length > 0)
        await store.writeBudgets(
          changed.map(([, budget]) => budget),
          wall.nowMs(clock.monotonicMs()),
        );
      for (const [key, budget] of changed) if (budgets.get(key) === budget) budgets.delete(key);
      if (rows.length > 0) await store.addUsage(rows);
      isFailing = false;
    } catch (error) {
      // Both stay in memory, and are written once the store can be.
      usage = [...rows, ...usage].slice(-MAX_WAITING);
      if (!isFailing) onProblem(error);
      isFailing = true;
    }
  }

  function flush(): Promise<void> {
    writing ??= write().finally(() => (writing = undefined));
    return writing;
  }

  const timer = setInterval(() => void flush(), EVERY_MS).unref();
  return {
    note: (rows) => void usage.push(...rows),
    flush,
    async close() {
      clearInterval(timer);
      await writing;
      await flush();
    },
  };
}

/** Rows of usage that wait for a store that cannot be written; older ones are dropped. */
const MAX_WAITING = 100_000;
