import type { Clock } from '../kernel/clock.ts';
import type { LocalCounters, Refused } from './counters.ts';
import { ratePerMinute } from './gcra.ts';

/** Counts wrong credentials by address: keys, tokens, client secrets and passwords share one counter. */
export interface Failures {
  /** Counts one; what refused it where the address has spent its rate. */
  count(network: string): Refused | undefined;
  /** Whether one more would be let in. @param underWay tries that are not judged yet: each may be a failure, too */
  hasRoom(network: string, underWay?: number): boolean;
}

/** @param perMinute wrong credentials that one address may send in a minute */
export function createFailures(perMinute: number | 'none', counters: LocalCounters, clock: Clock): Failures {
  if (perMinute === 'none') return { count: () => undefined, hasRoom: () => true };
  const rate = ratePerMinute(perMinute);
  const counterOf = (network: string) => counters.keyOf(`failures:${network}`);
  return {
    count(network) {
      const asks = [{ kind: 'rate', name: 'failures', counter: counterOf(network), rate }] as const;
      const spent = counters.spend(asks, clock.monotonicMs());
      return spent.kind === 'refused' ? spent : undefined;
    },
    hasRoom: (network, underWay = 0) =>
      underWay < perMinute && counters.hasRoom(counterOf(network), rate, clock.monotonicMs(), underWay + 1),
  };
}
