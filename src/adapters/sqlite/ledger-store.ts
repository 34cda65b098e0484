import { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../../directory/store.ts';
import type { KeptBudget, LedgerStore, UsageQuery, UsageRow } from '../../limits/ledger.ts';

const PUT_BUDGET = `INSERT INTO budgets (hi, lo, window_start_ms, window_end_ms, used) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (hi, lo) DO UPDATE SET window_start_ms = excluded.window_start_ms,
    window_end_ms = excluded.window_end_ms, used = excluded.used`;
const ADD_USAGE = `INSERT INTO usage (day, tenant, holder, model, requests, input_tokens, cached_tokens, output_tokens, cost)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (day, tenant, holder, model) DO UPDATE SET requests = requests + excluded.requests,
    input_tokens = input_tokens + excluded.input_tokens, cached_tokens = cached_tokens + excluded.cached_tokens,
    output_tokens = output_tokens + excluded.output_tokens, cost = cost + excluded.cost`;
const READ_USAGE = `SELECT * FROM usage WHERE day >= ? AND day <= ? AND (? IS NULL OR tenant = ?)
  AND (? IS NULL OR holder = ?) AND (? IS NULL OR model = ?) ORDER BY day, tenant, holder, model`;
/** Days of usage that are kept: a year and what a month's report of the year before needs. */
const KEPT_DAYS = 400;
const DAY_MS = 86_400_000;

/** Opens the ledger in the embedded store, whose tables are there already. */
export function openSqliteLedger(path: string): LedgerStore & { close(): void } {
  const db = new DatabaseSync(path, { limits: { attach: 0 }, timeout: 3_000 });
  db.exec('PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
  const putBudget = db.prepare(PUT_BUDGET);
  const addUsage = db.prepare(ADD_USAGE);
  const readUsage = db.prepare(READ_USAGE);

  function inOneStep(run: () => void): void {
    try {
      db.exec('BEGIN IMMEDIATE');
      run();
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw unavailable(error);
    }
  }

  return {
    async readBudgets(nowMs) {
      db.prepare('DELETE FROM usage WHERE day < ?').run(
        new Date(nowMs - KEPT_DAYS * DAY_MS).toISOString().slice(0, 10),
      );
      return db.prepare('SELECT * FROM budgets WHERE window_end_ms > ?').all(nowMs).map(budgetFrom);
    },
    async writeBudgets(budgets, nowMs) {
      inOneStep(() => {
        for (const { hi, lo, windowStartMs, windowEndMs, used } of budgets) {
          putBudget.run(hi, lo, windowStartMs, windowEndMs, used);
        }
        // A window that ended a while ago cannot come back, however the clock is set.
        db.prepare('DELETE FROM budgets WHERE window_end_ms < ?').run(nowMs - 2 * DAY_MS);
      });
    },
    async addUsage(rows) {
      inOneStep(() => {
        for (const { day, tenant, holder, model, ...sums } of rows) {
          const { requests, inputTokens, cachedTokens, outputTokens, cost } = sums;
          addUsage.run(day, tenant, holder, model, requests, inputTokens, cachedTokens, outputTokens, cost);
        }
      });
    },
    async readUsage(query: UsageQuery) {
      const { from, to } = query;
      const [tenant, holder, model] = [query.tenant ?? null, query.holder ?? null, query.model ?? null];
      try {
        return readUsage.all(from, to, tenant, tenant, holder, holder, model, model).map(usageFrom);
      } catch (error) {
        throw unavailable(error);
      }
    },
    close: () => db.close(),
  };
}

type Row = ReturnType<ReturnType<DatabaseSync['prepare']>['all']>[number];

const budgetFrom = (row: Row): KeptBudget => ({
  hi: Number(row['hi']),
  lo: Number(row['lo']),
  windowStartMs: Number(row['window_start_ms']),
  windowEndMs: Number(row['window_end_ms']),
  used: Number(row['used']),
});

const usageFrom = (row: Row): UsageRow => ({
  day: String(row['day']),
  tenant: String(row['tenant']),
  holder: String(row['holder']),
  model: String(row['model']),
  requests: Number(row['requests']),
  inputTokens: Number(row['input_tokens']),
  cachedTokens: Number(row['cached_tokens']),
  outputTokens: Number(row['output_tokens']),
  cost: Number(row['cost']),
});

const unavailable = (error: unknown): StoreUnavailable =>
  new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
