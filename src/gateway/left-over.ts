import type { Config } from '../config/schema.ts';
import { openCallerCounters, type CallerCountersDeps } from './caller-counters.ts';
import type { Journal } from './journal.ts';

/** Tells the server what threads have left whose rows no worker takes over. */
export interface LeftOver {
  /** Resolves once all was told, or at once after `close`. */
  readonly told: Promise<void>;
  /** Gives up; what is not told stays in the journal. */
  close(): Promise<void>;
}

const LOOK_MS = 100;

/** Goes on until the server can be reached. Fewer workers than before must not forgive what the others had spent. */
export function tellLeftOver(
  journal: Journal,
  workers: number,
  config: Config['counters'],
  deps: Pick<CallerCountersDeps, 'clock' | 'wall' | 'own' | 'instance'>,
): LeftOver {
  let isClosed = false;
  const wait = (): Promise<void> => new Promise((resolve) => void deps.clock.after(LOOK_MS, resolve));

  async function tell(row: number): Promise<void> {
    const { thread } = journal.before(row, workers);
    const counters = await openCallerCounters(config, {
      ...deps,
      onChange: () => undefined,
      before: { thread, seen: [] },
      onJournal: (page) => journal.note(row, page),
    });
    while (!isClosed && counters.hasUntold()) await wait();
    await counters.close();
  }

  const told = Promise.all(journal.leftOver(workers).map(([row]) => tell(row))).then(() => undefined);
  return {
    told,
    async close() {
      isClosed = true;
      await told;
    },
  };
}
