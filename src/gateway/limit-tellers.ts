import type { LogOutput } from '../adapters/log/output.ts';
import type { Config } from '../config/schema.ts';
import type { BudgetWarning } from '../limits/budget-warnings.ts';
import { mendOf } from './caller-counters.ts';

/** Budgets that are remembered as told of. */
const MAX_WARNED = 10_000;
const MAX_LABELS = 100;

/** Tells of budgets that are nearly used, each once, though each worker tells of it. */
export function createBudgetTeller(log: Pick<LogOutput, 'warn'>) {
  const warned = new Set<string>();
  const byLimit = new Map<string, number>();
  return {
    note({ limit, tenant, holder, counter, endsAtMs }: BudgetWarning): void {
      const key = `${counter} ${endsAtMs}`;
      if (warned.has(key)) return;
      if (warned.size >= MAX_WARNED) warned.clear();
      warned.add(key);
      // As labels of a metric their number is bounded.
      const label = byLimit.has(limit) || byLimit.size < MAX_LABELS ? limit : 'other';
      byLimit.set(label, (byLimit.get(label) ?? 0) + 1);
      log.warn('budget', { limit, tenant, holder, used: '80 %', until: new Date(endsAtMs).toISOString() });
    },
    /** How often, by the name of the limit. */
    told: (): ReadonlyMap<string, number> => byLimit,
  };
}

/** Tells that the server of the counters does not decide, once for all workers, and when it does again. */
export function createCountersTeller(
  log: Pick<LogOutput, 'info' | 'error'>,
  onFailure: () => Config['counters']['onFailure'],
) {
  /** Workers for which it does not. */
  const without = new Set<number>();
  return {
    note(row: number, isUp: boolean, why: string | undefined): void {
      const before = without.size;
      if (isUp) without.delete(row);
      else without.add(row);
      if (before === 0 && !isUp) log.error('counters_down', { why, mend: mendOf(why), onFailure: onFailure() });
      if (before > 0 && without.size === 0) log.info('counters_up');
    },
    ended: (row: number): void => void without.delete(row),
  };
}
