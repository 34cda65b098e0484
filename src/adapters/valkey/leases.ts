import type { LimitStanding } from '../../kernel/exchange.ts';
import type { Ask } from '../../limits/counters.ts';
import { costOf, fieldOf, itemOf, type LeasableAsk } from './items.ts';

/** Units that were taken ahead of one counter. */
interface Lease {
  ask: LeasableAsk;
  units: number;
  /** Monotonic; up to when a rate's units have drained. */
  drainedAtMs: number;
  /** Monotonic; when units were last added. */
  sinceMs: number;
  standing: LimitStanding;
}

/** How much of a counter was wanted lately. */
interface Demand {
  sinceMs: number;
  asks: number;
  units: number;
  /** Units of the span before, 0 where too few asked. */
  lately: number;
  isAsked: boolean;
}

/**
 * Units of busy counters that this thread spends without asking. They were counted on the server when they were taken, so
 * nothing is ever let in that was not; of a rate they drain here as they do there, so that none is saved up.
 */
export interface Leases {
  /** Spends all asks, or none and undefined. */
  spend(asks: readonly Ask[], nowMs: number): LimitStanding[] | undefined;
  /** Units to ask for beside an ask that is sent now. */
  wanted(ask: Ask, nowMs: number): number;
  /** What came of it. @param sentAtMs when it was asked for */
  granted(ask: Ask, units: number, standing: LimitStanding, sentAtMs: number, nowMs: number): void;
  /** Takes out what was not spent for so long. */
  takeOlderThan(ms: number, nowMs: number): { readonly ask: LeasableAsk; readonly units: number }[];
}

/** How far back is looked for what is wanted, and so how much is taken ahead. */
const SPAN_MS = 100;
/** Fewer asks in a span are not worth a lease. */
const BUSY = 8;
/** Counters whose demand is watched. */
const MOST_WATCHED = 4_096;

/** None at first. */
export function createLeases(): Leases {
  const leases = new Map<string, Lease>();
  const demands = new Map<string, Demand>();

  function demandOf(field: string, units: number, nowMs: number): Demand {
    let demand = demands.get(field);
    if (demand === undefined) {
      if (demands.size >= MOST_WATCHED) demands.clear();
      demands.set(field, (demand = { sinceMs: nowMs, asks: 0, units: 0, lately: 0, isAsked: false }));
    }
    const ageMs = nowMs - demand.sinceMs;
    if (ageMs >= SPAN_MS) {
      demand.lately = ageMs < 2 * SPAN_MS && demand.asks >= BUSY ? demand.units : 0;
      demand.sinceMs = nowMs;
      demand.asks = demand.units = 0;
    }
    demand.asks++;
    demand.units += units;
    return demand;
  }

  return {
    spend(asks, nowMs) {
      if (leases.size === 0 || asks.length === 0) return undefined;
      const taken: Lease[] = [];
      for (const ask of asks) {
        const lease = ask.kind === 'concurrency' ? undefined : leases.get(fieldOf(itemOf(ask)));
        if (lease === undefined) return undefined;
        drain(lease, nowMs);
        // One counter twice in a request is rare enough to be asked about.
        if (lease.units < costOf(ask) || taken.includes(lease)) return undefined;
        taken.push(lease);
      }
      return asks.map((ask, i) => {
        const lease = taken[i] as Lease;
        const cost = costOf(ask);
        demandOf(fieldOf(itemOf(ask)), cost, nowMs);
        lease.units -= cost;
        return (lease.standing = { ...lease.standing, remaining: Math.max(0, lease.standing.remaining - cost) });
      });
    },
    wanted(ask, nowMs) {
      if (ask.kind === 'concurrency') return 0;
      const demand = demandOf(fieldOf(itemOf(ask)), costOf(ask), nowMs);
      if (demand.isAsked || demand.lately === 0) return 0;
      demand.isAsked = true;
      // What will have drained until then is not there to be spent.
      const drained = ask.kind === 'rate' ? Math.ceil(SPAN_MS / ask.rate.intervalMs) : 0;
      return demand.lately + drained;
    },
    granted(ask, units, standing, sentAtMs, nowMs) {
      if (ask.kind === 'concurrency') return;
      const field = fieldOf(itemOf(ask));
      const demand = demands.get(field);
      if (demand !== undefined) demand.isAsked = false;
      if (units === 0) return;
      const lease = leases.get(field);
      if (lease === undefined) {
        leases.set(field, { ask, units, drainedAtMs: sentAtMs, sinceMs: nowMs, standing });
        return;
      }
      drain(lease, nowMs);
      const drainedMeanwhile = ask.kind === 'rate' ? (nowMs - sentAtMs) / ask.rate.intervalMs : 0;
      lease.units += Math.max(0, units - drainedMeanwhile);
      lease.sinceMs = nowMs;
      lease.standing = standing;
    },
    takeOlderThan(ms, nowMs) {
      const old: { ask: LeasableAsk; units: number }[] = [];
      for (const [field, lease] of leases) {
        if (nowMs - lease.sinceMs < ms) continue;
        leases.delete(field);
        drain(lease, nowMs);
        const { units } = lease;
        if (units > 0) old.push({ ask: lease.ask, units });
      }
      return old;
    },
  };
}

/** What a rate's bucket has let go by now is not there to be spent: it came back to everybody. */
function drain(lease: Lease, nowMs: number): void {
  if (lease.ask.kind !== 'rate') return;
  lease.units = Math.max(0, lease.units - Math.max(0, nowMs - lease.drainedAtMs) / lease.ask.rate.intervalMs);
  lease.drainedAtMs = nowMs;
}
