import type { Principal } from '../kernel/exchange.ts';
import { inherited, type OwnLimits } from '../kernel/own-limits.ts';
import type { Bound } from './amount.ts';
import type { Calendar, CalendarPeriod } from './calendar.ts';
import type { Ask, CounterKey, Counters } from './counters.ts';
import { rateOf } from './gcra.ts';
import { isBudget, LENGTH_MS, limitsFrom, type Limit, type Per } from './limit.ts';
import { isEarly, isOfPrincipal, limitsOfRule, type Asking, type Rule } from './rules.ts';

/** Limits of the configuration. */
export interface PlanOptions {
  /** Of whoever has none. */
  readonly defaults: OwnLimits;
  readonly rules: readonly Rule[];
}

/** A limit with its counter. */
export interface Counted {
  readonly limit: Limit;
  readonly counter: CounterKey;
}

/** Which limits hold for whom. */
export interface LimitPlan {
  /** Those that are asked before the body is read: requests and concurrency of everything that is known by then. */
  early(asking: Asking): readonly Counted[];
  /** Those that are asked once the body is known: tokens and money, and requests by model or route. */
  late(asking: Asking): readonly Counted[];
  /** An ask for so many units of a limit. @param cost 1 <= cost <= limit.max; only read of tokens, money and daily requests */
  ask(counted: Counted, cost: number): Ask;
}

/** Most counters of rules by address, model and route that are remembered; they are made again cheaply. */
const MAX_KEYS = 20_000;

/** Works out the limits of callers, most of it once for each. */
export function createLimitPlan({ defaults, rules }: PlanOptions, counters: Counters, calendar: Calendar): LimitPlan {
  const known = new WeakMap<Principal, Split>();
  const keys = new Map<string, CounterKey>();
  const fixed = rules.filter(isOfPrincipal);
  const early = rules.filter((rule) => isEarly(rule) && !isOfPrincipal(rule));
  const late = rules.filter((rule) => !isEarly(rule));

  function keyOf({ name, subject }: Limit): CounterKey {
    const text = `${name}:${subject}`;
    let key = keys.get(text);
    if (key === undefined) {
      if (keys.size >= MAX_KEYS) keys.clear();
      keys.set(text, (key = counters.keyOf(text)));
    }
    return key;
  }

  const counted = (limits: readonly Limit[]): Counted[] => limits.map((limit) => ({ limit, counter: keyOf(limit) }));

  function splitOf(asking: Asking): Split {
    let split = known.get(asking.principal);
    if (split === undefined) {
      const all = [...ownLimits(asking.principal, defaults), ...fixed.flatMap((rule) => limitsOfRule(rule, asking))];
      split = {
        early: inOrder(counted(all.filter(isAskedEarly))),
        late: counted(all.filter((one) => !isAskedEarly(one))),
      };
      known.set(asking.principal, split);
    }
    return split;
  }

  return {
    early(asking) {
      const own = splitOf(asking).early;
      if (early.length === 0) return own;
      const more = counted(early.flatMap((rule) => limitsOfRule(rule, asking)).filter(isAskedEarly));
      return inOrder([...own, ...more]);
    },
    late(asking) {
      const own = splitOf(asking).late;
      if (late.length + early.length === 0) return own;
      const ofAddress = early.flatMap((rule) => limitsOfRule(rule, asking)).filter((one) => !isAskedEarly(one));
      return inOrder([...own, ...counted([...ofAddress, ...late.flatMap((rule) => limitsOfRule(rule, asking))])]);
    },
    ask({ limit, counter }, cost) {
      const { name, unit, max, per } = limit;
      if (per === undefined) return { kind: 'concurrency', name, counter, limit: max };
      if (isBudget(limit)) return { kind: 'amount', name, counter, cost, bound: boundOf(max, per, calendar) };
      if (unit === 'requests') return { kind: 'rate', name, counter, rate: rateOf(max, LENGTH_MS[per as 's']) };
      const bound: Bound = { kind: 'rate', limit: max, windowMs: LENGTH_MS[per as 's'] };
      return { kind: 'amount', name, counter, cost, bound };
    },
  };
}

/** The caller's own limits, those that it shares, and those of the person it asks for. */
export function ownLimits({ id, limits, pools, member }: Principal, defaults: OwnLimits): readonly Limit[] {
  return [
    ...limitsFrom(inherited(limits, defaults), id),
    // A person behind a shared page has the default limits besides those of the page's key, which hold for all together.
    ...(member === undefined ? [] : limitsFrom(defaults, JSON.stringify([id, member]), 'member.')),
    ...pools.flatMap((pool) => limitsFrom(pool.limits, pool.subject, `${encodeURI(pool.name)}.`)),
  ];
}

interface Split {
  readonly early: readonly Counted[];
  readonly late: readonly Counted[];
}

const isAskedEarly = ({ unit }: Limit): boolean => unit === 'requests' || unit === 'concurrency';

/** What is held first: a request that it refuses must not have cost a unit of a rate. */
const inOrder = (all: readonly Counted[]): readonly Counted[] =>
  all.toSorted((a, b) => Number(a.limit.per !== undefined) - Number(b.limit.per !== undefined));

const PERIODS: Readonly<Record<Per, CalendarPeriod>> = {
  s: 'second',
  min: 'minute',
  h: 'hour',
  day: 'day',
  month: 'month',
};

const boundOf = (limit: number, per: Per, calendar: Calendar): Bound => ({
  kind: 'budget',
  limit,
  window: calendar.window(PERIODS[per]),
});
