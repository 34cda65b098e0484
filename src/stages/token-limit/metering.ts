import type { Clock } from '../../kernel/clock.ts';
import type { Exchange, Has } from '../../kernel/exchange.ts';
import type { Denial } from '../../kernel/reasons.ts';
import type { Inspector } from '../../kernel/stage.ts';
import type { Counters, Refused, Soon } from '../../limits/counters.ts';
import type { Limit } from '../../limits/limit.ts';
import { cut } from './refusal.ts';
import { unitsOfBid, unitsSoFar, type Bid } from './reservation.ts';

type Metered = Exchange & Has<'usage' | 'tokenLimits'>;

/**
 * Looks at each event whether the answer has outgrown what was set aside for it, sets more aside where its limits have room,
 * and ends it where one has none.
 */
export function createMeterOf(
  counters: Counters,
  clock: Clock,
): (x: Metered, bid: Bid, limits: readonly Limit[]) => Inspector {
  return (x, bid, limits) => {
    const set = limits.map((limit) => unitsOfBid(limit, bid));
    let late: Denial | undefined;

    function extend(totals: readonly number[]): Soon<Refused | undefined> {
      const taken = (refused: Refused | undefined): Refused | undefined => {
        if (refused === undefined) for (const [i, total] of totals.entries()) set[i] = Math.max(set[i] ?? 0, total);
        return refused;
      };
      const result = counters.extend(x.tokenLimits.spent, totals, clock.monotonicMs());
      return result instanceof Promise ? result.then(taken) : taken(result);
    }

    /** A piece ahead, so that not each event asks; at the end of a limit just what has come. */
    function ask(used: readonly number[]): Soon<Refused | undefined> {
      const ahead = extend(used.map((units, i) => (units > (set[i] ?? 0) ? units + AHEAD : 0)));
      if (ahead instanceof Promise) return ahead.then((refused) => (refused === undefined ? undefined : extend(used)));
      return ahead === undefined ? undefined : extend(used);
    }

    function more(): Denial | undefined {
      const used = unitsSoFar(x.usage, bid, limits);
      if (used.every((units, i) => units <= (set[i] ?? 0))) return late;
      const refused = ask(used);
      if (!(refused instanceof Promise)) return refused === undefined ? undefined : cut(refused, limits);
      // What is one event late is cut with the next one.
      refused.then((result) => void (late ??= result && cut(result, limits))).catch(() => undefined);
      return late;
    }

    return { event: () => more() ?? 'pass' };
  };
}

/** Units that are set aside ahead of a stream that has outgrown its reservation. */
const AHEAD = 32;
