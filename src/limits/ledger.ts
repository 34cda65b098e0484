import type { Clock } from '../kernel/clock.ts';

/** What one counter of a budget has used, as it is kept over a restart. */
export interface KeptBudget {
  readonly hi: number;
  readonly lo: number;
  /** Its window, milliseconds since the epoch. */
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly used: number;
}

/** Whose tokens they are, and of which model. */
export interface UsageKey {
  /** Day in UTC: `2026-11-26`. */
  readonly day: string;
  readonly tenant: string;
  /** `key:` and the public id of an API key, or `token:` with issuer and subject. */
  readonly holder: string;
  readonly model: string;
}

/** What was used. */
export interface UsageSums {
  readonly requests: number;
  readonly inputTokens: number;
  /** Of the input. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Millionths of the prices' unit. */
  readonly cost: number;
}

/** One row of the ledger. */
export type UsageRow = UsageKey & UsageSums;

/** What of the ledger is asked for. */
export interface UsageQuery {
  /** First and last day, both in it. */
  readonly from: string;
  readonly to: string;
  readonly tenant?: string | undefined;
  readonly holder?: string | undefined;
  readonly model?: string | undefined;
}

/** Keeps budgets and usage over restarts. Kept by SQLite. */
export interface LedgerStore {
  /** Budgets whose window has not ended. */
  readBudgets(nowMs: number): Promise<readonly KeptBudget[]>;
  /** Writes budgets in place of what was written of them before. */
  writeBudgets(budgets: readonly KeptBudget[], nowMs: number): Promise<void>;
  /** Adds to what was used. */
  addUsage(rows: readonly UsageRow[]): Promise<void>;
  readUsage(query: UsageQuery): Promise<readonly UsageRow[]>;
}

/** What one thread has seen used since it handed it over last. */
export interface UsageBook {
  add(row: UsageRow): void;
  /** What was collected; empties it. */
  take(): readonly UsageRow[];
}

/** Holders and models of one second that are told apart; who comes after them is counted with the others of its tenant. */
const MAX_ROWS = 10_000;
const OTHERS = 'others';

/** An empty book. */
export function createUsageBook(): UsageBook {
  const rows = new Map<string, UsageRow>();
  return {
    add(row) {
      const own = keyOf(row);
      const kept = rows.has(own) || rows.size < MAX_ROWS ? row : { ...row, holder: OTHERS };
      const key = keyOf(kept);
      const before = rows.get(key);
      rows.set(key, before === undefined ? kept : sumOf(before, kept));
    },
    take() {
      const taken = [...rows.values()];
      rows.clear();
      return taken;
    },
  };
}

/** The day of a time. */
export const dayOf = (nowMs: number): string => new Date(nowMs).toISOString().slice(0, 10);

/** The day that is now; worked out once for each. */
export function createToday(clock: Pick<Clock, 'nowMs'>): () => string {
  let [number, day] = [NaN, ''];
  return () => {
    const nowMs = clock.nowMs();
    const today = Math.floor(nowMs / 86_400_000);
    if (today !== number) [number, day] = [today, dayOf(nowMs)];
    return day;
  };
}

/** Two rows as one of the first's key. */
export const sumOf = <Row extends UsageSums>(one: Row, other: UsageSums): Row => ({
  ...one,
  requests: one.requests + other.requests,
  inputTokens: one.inputTokens + other.inputTokens,
  cachedTokens: one.cachedTokens + other.cachedTokens,
  outputTokens: one.outputTokens + other.outputTokens,
  cost: one.cost + other.cost,
});

const keyOf = ({ day, tenant, holder, model }: UsageKey): string => JSON.stringify([day, tenant, holder, model]);
