import type { Clock } from '../kernel/clock.ts';
import type { Counters } from './counters.ts';
import { MILLIONTHS, type Limit } from './limit.ts';
import type { LimitPlan } from './plan.ts';
import type { Asking } from './rules.ts';

/** A limit as it stands for a caller. */
export interface LimitView {
  readonly limit: Limit;
  /** In the limit's own units; money in units of the prices. */
  readonly max: number;
  /** With what running requests have set aside. More than `max` where requests have cost more than they were estimated at. */
  readonly used: number;
  readonly remaining: number;
  /** When all of it is there again, milliseconds since the epoch; undefined where nothing of it is used, or where it is held. */
  readonly resetsAtMs: number | undefined;
}

/** How each limit of a caller stands that does not depend on what it asks for. */
export async function limitViews(
  asking: Asking,
  plan: LimitPlan,
  counters: Counters,
  clock: Clock,
): Promise<readonly LimitView[]> {
  const all = [...plan.early(asking), ...plan.late(asking)];
  // In turn: those on Valkey are pipelined by the connection, and the order is that of the headers.
  const nowMs = clock.monotonicMs();
  const standings = await Promise.all(all.map(async (one) => counters.standing(plan.ask(one, 1, nowMs), nowMs)));
  return standings.map(({ remaining, used = 0, setAside = 0, resetMs }, i) => {
    const limit = all[i]?.limit;
    if (limit === undefined) throw new RangeError('a standing of no limit');
    const scale = limit.unit === 'cost' ? MILLIONTHS : 1;
    const isTouched = limit.per !== undefined && remaining < limit.max;
    return {
      limit,
      max: limit.max / scale,
      used: Math.max(0, limit.max - remaining, Math.ceil(used + setAside)) / scale,
      remaining: remaining / scale,
      resetsAtMs: isTouched ? Math.min(clock.nowMs() + resetMs, LATEST_MS) : undefined,
    };
  });
}

/** The last time that can be written (ECMA-262 §21.4.1.1). */
const LATEST_MS = 8_640_000_000_000_000;
