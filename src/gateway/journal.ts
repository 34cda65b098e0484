import type { LedgerClocks } from './ledger.ts';
import {
  REMEMBERED_BUDGETS,
  laterBudget,
  type JournalPage,
  type JournalStore,
  type RestoredJournal,
  type SeenBudget,
  type ThreadJournal,
} from '../limits/journal.ts';

/** Keeps what the threads know of budgets on the server of the counters, so that neither a kill nor its loss forgives them. */
export interface Journal {
  /** What the worker of a row begins with. @param workers how many there are */
  before(row: number, workers: number): RestoredJournal;
  /** Rows above the number of workers, with something left to tell. */
  leftOver(workers: number): readonly (readonly [row: number, thread: ThreadJournal])[];
  /** Takes a page over and writes it at once, together with those that come meanwhile. */
  note(row: number, page: JournalPage): void;
  /** Writes what waits for the last time. */
  close(): Promise<void>;
}

/** How soon a store that could not be written is tried again. */
const RETRY_MS = 1_000;
/** How often budgets are forgotten whose windows have ended. */
const FORGET_MS = 3_600_000;

/** Reads what was kept. @param onProblem told once where it cannot be written, until it can */
export async function openJournal(
  store: JournalStore,
  { clock, wall }: LedgerClocks,
  onProblem: (error: unknown) => void,
): Promise<Journal> {
  const nowMs = (): number => wall.nowMs(clock.monotonicMs());
  const kept = await store.readJournal(nowMs());
  const threads = new Map<number, ThreadJournal>(kept.threads);
  const seen = new Map<string, SeenBudget>(kept.seen.map((one) => [one.id, one]));
  const changedRows = new Set<number>();
  const changedIds = new Set<string>();
  let writing: Promise<void> | undefined;
  let isFailing = false;
  let isClosed = false;
  let forgetsAtMs = nowMs() + FORGET_MS;

  async function write(): Promise<void> {
    const [rows, ids] = [[...changedRows], [...changedIds]];
    changedRows.clear();
    changedIds.clear();
    try {
      await store.writeJournal(
        rows.map((row) => [row, threads.get(row)]),
        ids.flatMap((id) => seen.get(id) ?? []),
        nowMs(),
      );
      isFailing = false;
    } catch (error) {
      for (const row of rows) changedRows.add(row);
      for (const id of ids) changedIds.add(id);
      if (!isFailing) onProblem(error);
      isFailing = true;
    }
  }

  const hasChanged = (): boolean => changedRows.size + changedIds.size > 0;

  function flush(): Promise<void> {
    writing ??= write().finally(() => {
      writing = undefined;
      if (isClosed || !hasChanged()) return;
      if (isFailing) clock.after(RETRY_MS, () => void flush());
      else void flush();
    });
    return writing;
  }

  function forget(): void {
    const now = nowMs();
    if (now < forgetsAtMs) return;
    forgetsAtMs = now + FORGET_MS;
    for (const [id, { windowEndMs }] of seen) if (windowEndMs <= now) seen.delete(id);
  }

  return {
    // Where there are more than a thread remembers, each has some of them.
    before: (row, workers) => ({
      thread: threads.get(row),
      seen: [...seen.values()].filter((_, i) => seen.size <= REMEMBERED_BUDGETS || i % workers === row),
    }),
    leftOver: (workers) => [...threads].filter(([row, { untold }]) => row >= workers && untold.length > 0),
    note(row, page) {
      const { thread } = page;
      if (thread.sessions.length + thread.untold.length === 0) threads.delete(row);
      else threads.set(row, thread);
      changedRows.add(row);
      for (const one of page.seen) {
        const later = laterBudget(seen.get(one.id), one);
        if (later === seen.get(one.id)) continue;
        seen.set(one.id, later);
        changedIds.add(one.id);
      }
      forget();
      if (!isFailing) void flush();
    },
    async close() {
      isClosed = true;
      await writing;
      if (hasChanged()) await flush();
    },
  };
}
