import type { Clock } from '../kernel/clock.ts';
import type { LimitStanding } from '../kernel/exchange.ts';
import { isBudget } from './limit.ts';
import type { Counted } from './plan.ts';

/** A budget of which four fifths are used. */
export interface BudgetWarning {
  /** Name of the limit. */
  readonly limit: string;
  readonly tenant: string;
  /** Whose request it was that came to it. */
  readonly holder: string;
  /** What is counted, and when its window ends in milliseconds since the epoch: a budget is told of once in each. */
  readonly counter: string;
  readonly endsAtMs: number;
}

/** Share of a budget from which on it is told of. */
export const WARN_AT = 0.8;
/** Budgets that are remembered as told of. */
const MAX_KNOWN = 10_000;

/** Finds the budgets that have come to four fifths, and tells of each once in its window. */
export function createBudgetWarnings(tell: (warning: BudgetWarning) => void, clock: Pick<Clock, 'nowMs'>) {
  const told = new Set<string>();
  return {
    /** @param standings of the limits that were just asked, in their order; what is set aside there is not used yet */
    look(
      who: { readonly tenant: string; readonly id: string },
      asked: readonly Counted[],
      standings: readonly LimitStanding[],
    ): void {
      for (let i = 0; i < asked.length; i++) {
        const [one, standing] = [asked[i], standings[i]];
        if (one === undefined || standing === undefined) continue;
        const { limit, counter } = one;
        if ((standing.used ?? 0) < standing.limit * WARN_AT) continue;
        if (!isBudget(limit)) continue;
        // Rounded: the end of a window is told in milliseconds from now.
        const endsAtMs = Math.round((clock.nowMs() + standing.resetMs) / 60_000) * 60_000;
        const key = `${counter.name} ${endsAtMs}`;
        if (told.has(key)) continue;
        if (told.size >= MAX_KNOWN) told.clear();
        told.add(key);
        tell({ limit: limit.name, tenant: who.tenant, holder: who.id, counter: counter.name, endsAtMs });
      }
    },
  };
}
