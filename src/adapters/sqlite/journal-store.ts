import { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../../directory/store.ts';
import type { JournalStore, SeenBudget, ThreadJournal } from '../../limits/journal.ts';

const PUT_SEEN = `INSERT INTO seen_budgets (id, window_start_ms, window_end_ms, used) VALUES (?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET window_start_ms = excluded.window_start_ms,
    window_end_ms = excluded.window_end_ms, used = excluded.used`;
const PUT_THREAD = `INSERT INTO thread_journals (row, content) VALUES (?, ?)
  ON CONFLICT (row) DO UPDATE SET content = excluded.content`;

/** Opens the journal in the embedded store, whose tables are there already. */
export function openSqliteJournal(path: string): JournalStore & { close(): void } {
  const db = new DatabaseSync(path, { limits: { attach: 0 }, timeout: 3_000 });
  // Full, as in the ledger: what is said to be written must be there after a loss of power.
  db.exec('PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
  const putSeen = db.prepare(PUT_SEEN);
  const putThread = db.prepare(PUT_THREAD);
  const dropThread = db.prepare('DELETE FROM thread_journals WHERE row = ?');
  const dropSeen = db.prepare('DELETE FROM seen_budgets WHERE window_end_ms <= ?');
  const readSeen = db.prepare('SELECT * FROM seen_budgets WHERE window_end_ms > ?');
  const readThreads = db.prepare('SELECT row, content FROM thread_journals ORDER BY row');

  return {
    async readJournal(nowMs) {
      const threads = readThreads
        .all()
        .map(({ row, content }) => [Number(row), inForce(threadFrom(String(content)), nowMs)] as const);
      return { threads, seen: readSeen.all(nowMs).map(seenFrom) };
    },
    async writeJournal(threads, seen, nowMs) {
      try {
        db.exec('BEGIN IMMEDIATE');
        for (const [row, thread] of threads) {
          if (thread === undefined) dropThread.run(row);
          else putThread.run(row, JSON.stringify(thread));
        }
        for (const { id, windowStartMs, windowEndMs, used } of seen) putSeen.run(id, windowStartMs, windowEndMs, used);
        dropSeen.run(nowMs - KEPT_MS);
        db.exec('COMMIT');
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        throw new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
      }
    },
    close: () => db.close(),
  };
}

/** A window that ended a while ago cannot come back, however the clock is set. */
const KEPT_MS = 2 * 86_400_000;

/** What is left to be told of windows that have ended would be counted in the ones that are now. */
const inForce = (thread: ThreadJournal, nowMs: number): ThreadJournal => ({
  ...thread,
  untold: thread.untold.filter(({ windowEndMs }) => windowEndMs > nowMs),
});

/** Written by this file alone. */
const threadFrom = (content: string): ThreadJournal => JSON.parse(content) as ThreadJournal;

type Row = ReturnType<ReturnType<DatabaseSync['prepare']>['all']>[number];

const seenFrom = (row: Row): SeenBudget => ({
  id: String(row['id']),
  windowStartMs: Number(row['window_start_ms']),
  windowEndMs: Number(row['window_end_ms']),
  used: Number(row['used']),
});
