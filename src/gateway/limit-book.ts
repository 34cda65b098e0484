import { createCounterMemory, createSharedCounters, type SharedCounters } from '../adapters/memory/counters.ts';
import { hash } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import type { Principal } from '../kernel/exchange.ts';
import { createCalendar } from '../limits/calendar.ts';
import type { LimitsConfig } from '../limits/config.ts';
import type { Counters } from '../limits/counters.ts';
import type { LedgerStore } from '../limits/ledger.ts';
import { createLimitPlan } from '../limits/plan.ts';
import { planOptionsOf } from '../limits/plan-options.ts';
import { isEarly } from '../limits/rules.ts';
import { limitViews, type LimitView } from '../limits/standing.ts';
import type { WallClock } from '../limits/wall-clock.ts';

/** How the limits of a caller stand, apart from those by what it asks for. */
export type LimitBook = (principal: Principal, network: string) => Promise<readonly LimitView[]>;

/** Reads the limits of callers off the counters. */
export function createLimitBook(config: LimitsConfig, counters: Counters, clock: Clock, wall: WallClock): LimitBook {
  const options = planOptionsOf(config);
  const plan = createLimitPlan(
    { ...options, rules: options.rules.filter(isEarly) },
    counters,
    createCalendar(config.timeZone, wall),
  );
  return (principal, network) => limitViews({ principal, network }, plan, counters, clock);
}

/** The key of the counters' hash. Budgets are found by it after a restart, so it comes of what stays. */
export const counterSeed = (hmacKey: Uint8Array): string =>
  hash('sha256', Buffer.concat([hmacKey, Buffer.from('counters')]), 'hex');

/** Counters that know the budgets of a gateway that does not run. */
export async function restoredCounters(
  ledger: LedgerStore,
  hmacKey: Uint8Array,
  clock: Clock,
): Promise<SharedCounters> {
  const counters = createSharedCounters(createCounterMemory(OFFLINE_CELLS, 1, counterSeed(hmacKey)), 0);
  await restoreBudgets(ledger, counters, clock);
  return counters;
}

/** Puts budgets back into counters as they were when the gateway ended. */
export async function restoreBudgets(ledger: LedgerStore, counters: SharedCounters, clock: Clock): Promise<void> {
  const aheadMs = clock.monotonicMs() - clock.nowMs();
  for (const { windowEndMs, ...budget } of await ledger.readBudgets(clock.nowMs())) {
    counters.restoreBudget({ ...budget, endsAtMs: windowEndMs + aheadMs });
  }
}

const OFFLINE_CELLS = 65_536;
