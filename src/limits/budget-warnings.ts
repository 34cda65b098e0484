import type { Clock, Timer } from '../kernel/clock.ts';
import type { LimitStanding } from '../kernel/exchange.ts';
import type { Counters } from './counters.ts';
import { isBudget } from './limit.ts';
import type { Counted, LimitPlan } from './plan.ts';

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

/** Finds the budgets that have come to four fifths, and tells of each once in its window. */
export interface BudgetWarnings {
  /** @param standings of the limits that were just asked, in their order; what is set aside there is not used yet */
  look(who: Holder, asked: readonly Counted[], standings: readonly LimitStanding[]): void;
  /**
   * Looks at budgets of which something was just used, within a second: with the next request it would be told too late, or
   * never. Of those who use one budget in that second the one that used most is named. Never waits.
   *
   * @param units that were used of each
   * @param standings as they were when it was asked, where it used no more than it had set aside: what all together had used and
   *   set aside then is all that can have been used since. Left out, each budget is looked at
   */
  used(who: Holder, counted: readonly Counted[], units: readonly number[], standings?: readonly LimitStanding[]): void;
}

/** Whose request it is. */
interface Holder {
  readonly tenant: string;
  readonly id: string;
}

/** What budgets are looked at by. */
export interface BudgetWarningDeps {
  readonly plan: Pick<LimitPlan, 'ask'>;
  readonly counters: Pick<Counters, 'standing'>;
  readonly clock: Clock;
}

/** Share of a budget from which on it is told of. */
export const WARN_AT = 0.8;
/** Budgets that are remembered as told of. */
const MAX_KNOWN = 10_000;
/** Budgets that are looked at in one second; those beyond are looked at when they are used again. */
const MAX_USED = 1_000;
const LOOK_MS = 1_000;

/** Runs a timer only while there is something to look at. */
export function createBudgetWarnings(
  tell: (warning: BudgetWarning) => void,
  { plan, counters, clock }: BudgetWarningDeps,
): BudgetWarnings {
  /** When the window ends in which a counter was told of, monotonic: whoever sets the clock must not have it told again and again. */
  const told = new Map<string, number>();
  const waiting = new Map<string, Use>();
  let timer: Timer | undefined;

  const isTold = (name: string, nowMs: number): boolean => (told.get(name) ?? -Infinity) > nowMs;

  function judge(who: Holder, { limit, counter: { name } }: Counted, standing: LimitStanding): void {
    if ((standing.used ?? 0) < standing.limit * WARN_AT || !isBudget(limit)) return;
    const nowMs = clock.monotonicMs();
    if (isTold(name, nowMs)) return;
    if (told.size >= MAX_KNOWN) told.clear();
    told.set(name, nowMs + standing.resetMs);
    // Rounded: the end of a window is told in milliseconds from now.
    const endsAtMs = Math.round((clock.nowMs() + standing.resetMs) / 60_000) * 60_000;
    tell({ limit: limit.name, tenant: who.tenant, holder: who.id, counter: name, endsAtMs });
  }

  function wait(use: Use): void {
    const { name } = use.counted.counter;
    const before = waiting.get(name);
    if (before === undefined ? waiting.size >= MAX_USED : before.units >= use.units) return;
    waiting.set(name, use);
    timer ??= clock.after(LOOK_MS, lookAtAll);
  }

  function lookAtAll(): void {
    timer = undefined;
    const uses = [...waiting.values()];
    waiting.clear();
    const nowMs = clock.monotonicMs();
    for (const use of uses) {
      const standing = counters.standing(plan.ask(use.counted, 1, nowMs), nowMs);
      if (!(standing instanceof Promise)) judge(use.who, use.counted, standing);
      // Counters that cannot be asked are asked again a second later.
      else
        void standing.then(
          (now) => judge(use.who, use.counted, now),
          () => wait(use),
        );
    }
  }

  return {
    look(who, asked, standings) {
      for (let i = 0; i < standings.length; i++) {
        const [counted, standing] = [asked[i], standings[i]];
        if (counted !== undefined && standing !== undefined) judge(who, counted, standing);
      }
    },
    used(who, all, units, standings) {
      for (let i = 0; i < all.length; i++) {
        const [counted, used = 0, standing] = [all[i], units[i], standings?.[i]];
        if (counted === undefined || used <= 0 || !isBudget(counted.limit)) continue;
        if (standing !== undefined && isFar(standing)) continue;
        if (!isTold(counted.counter.name, clock.monotonicMs())) wait({ who, counted, units: used });
      }
    },
  };
}

const isFar = ({ limit, remaining }: LimitStanding): boolean => limit - remaining < limit * WARN_AT;

/** What a request has used of a budget. */
interface Use {
  readonly who: Holder;
  readonly counted: Counted;
  readonly units: number;
}
