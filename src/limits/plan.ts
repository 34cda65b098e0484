import type { Principal } from '../kernel/exchange.ts';
import { inherited, type OwnLimits } from '../kernel/own-limits.ts';
import type { Bound } from './amount.ts';
import type { Calendar, CalendarPeriod } from './calendar.ts';
import type { Ask, CounterKey, Counters } from './counters.ts';
import { rateOf } from './gcra.ts';
import { isBudget, LENGTH_MS, limitsFrom, type Limit, type Per } from './limit.ts';
import { isEarly, limitsOfRule, type Asking, type Rule } from './rules.ts';

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
  /** The ask for one unit; undefined of a budget, whose window ends. */
  readonly once: Ask | undefined;
}

/** Which limits hold for whom. */
export interface LimitPlan {
  /** Those that are asked before the body is read: requests and concurrency of everything that is known by then. */
  early(asking: Asking): readonly Counted[];
  /** The asks of those, one unit of each. */
  earlyAsks(asking: Asking, nowMs: number): readonly Ask[];
  /** Those that are asked once the body is known: tokens and money, and requests by model or route. */
  late(asking: Asking): readonly Counted[];
  /** An ask for so many units of a limit. @param cost 1 <= cost <= limit.max; only read of tokens, money and daily requests. @param nowMs monotonic */
  ask(counted: Counted, cost: number, nowMs: number): Ask;
}

/** Places, models and routes that are remembered of each caller; its limits for others are worked out anew. */
const MAX_PLACES = 64;

/** People behind one shared page, in one thread; those who come after them share theirs. */
const MAX_MEMBERS = 5_000;
/** No header can hold it. */
const OTHERS = '\n';

/** Works out the limits of callers, once for each caller, address, model and route. */
export function createLimitPlan({ defaults, rules }: PlanOptions, counters: Counters, calendar: Calendar): LimitPlan {
  const known = new WeakMap<Principal, Map<string, Split>>();
  /** People behind each shared page that have limits of their own. */
  const members = new Map<string, Set<string>>();
  const early = rules.filter(isEarly);
  const late = rules.filter((rule) => !isEarly(rule));
  const hasAddress = rules.some(({ per }) => per.includes('address'));

  /** What of a request its limits depend on besides the caller. */
  const placeOf = ({ network, model = '', route = '' }: Asking): string =>
    !hasAddress && late.length === 0
      ? ''
      : `${hasAddress ? network : ''} ${late.length === 0 ? '' : `${route} ${model}`}`;

  function splitOf(asking: Asking): Split {
    let places = known.get(asking.principal);
    if (places === undefined) known.set(asking.principal, (places = new Map<string, Split>()));
    const place = placeOf(asking);
    let split = places.get(place);
    if (split === undefined) {
      // Whoever comes from ever new addresses must not grow memory.
      if (places.size >= MAX_PLACES) places.clear();
      places.set(place, (split = work(asking)));
    }
    return split;
  }

  /** Whoever makes up ever new people must not fill the memory of the counters, which is everybody's. */
  function bounded(asking: Asking): Asking {
    const { id, member } = asking.principal;
    if (member === undefined) return asking;
    let of = members.get(id);
    if (of === undefined) members.set(id, (of = new Set()));
    if (of.has(member)) return asking;
    if (of.size >= MAX_MEMBERS) return { ...asking, principal: { ...asking.principal, member: OTHERS } };
    of.add(member);
    return asking;
  }

  function work(whole: Asking): Split {
    const asking = bounded(whole);
    const soon = [...ownLimits(asking.principal, defaults), ...early.flatMap((rule) => limitsOfRule(rule, asking))];
    const later = late.flatMap((rule) => limitsOfRule(rule, asking));
    const first = inOrder(soon.filter(isAskedEarly).map(counted));
    const asks = first.flatMap(({ once }) => (once === undefined ? [] : [once]));
    return {
      early: first,
      asks: asks.length === first.length ? asks : undefined,
      late: inOrder([...soon.filter((one) => !isAskedEarly(one)), ...later].map(counted)),
    };
  }

  function counted(limit: Limit): Counted {
    const counter = counters.keyOf(`${limit.name}/${limit.per ?? ''}:${limit.subject}`);
    return { limit, counter, once: isBudget(limit) ? undefined : askOf(limit, counter, 1) };
  }

  function askOf({ name, unit, max, per }: Limit, counter: CounterKey, cost: number): Ask {
    if (per === undefined) return { kind: 'concurrency', name, counter, limit: max };
    const windowMs = LENGTH_MS[per as keyof typeof LENGTH_MS];
    if (unit === 'requests') return { kind: 'rate', name, counter, rate: rateOf(max, windowMs) };
    return { kind: 'amount', name, counter, cost, bound: { kind: 'rate', limit: max, windowMs } };
  }

  function ask({ limit, counter, once }: Counted, cost: number, nowMs: number): Ask {
    const { name, max, per = 'day' } = limit;
    if (once === undefined) return { kind: 'amount', name, counter, cost, bound: boundOf(max, per, calendar, nowMs) };
    if (once.kind !== 'amount' || cost === 1) return once;
    return { kind: 'amount', name, counter, cost, bound: once.bound };
  }

  return {
    early: (asking) => splitOf(asking).early,
    earlyAsks(asking, nowMs) {
      const { early: all, asks } = splitOf(asking);
      return asks ?? all.map((one) => ask(one, 1, nowMs));
    },
    late: (asking) => splitOf(asking).late,
    ask,
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
  /** Undefined where a window is among them, which ends. */
  readonly asks: readonly Ask[] | undefined;
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

const boundOf = (limit: number, per: Per, calendar: Calendar, nowMs: number): Bound => ({
  kind: 'budget',
  limit,
  window: calendar.window(PERIODS[per], nowMs),
});
