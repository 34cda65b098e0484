import type { Clock } from '../../kernel/clock.ts';
import { amountAt, type Amount } from '../../limits/amount.ts';
import type { AmountAsk, RateAsk } from '../../limits/counters.ts';
import type { SeenBudget } from '../../limits/journal.ts';
import { budgetItem, fieldOf, itemOf, type Item } from './items.ts';

/** How a counter stood when the server told of it last. */
interface Seen {
  readonly item: Item;
  /** Of a rate: when the whole of it is there again. Of units: the time of `amount`. Monotonic. */
  readonly atMs: number;
  readonly amount: Amount | undefined;
}

/** A counter as a new session tells it to a server that may have lost it: of a rate milliseconds, else units. */
export interface Recalled {
  readonly item: Item;
  readonly spent: number;
}

/**
 * What this thread has last seen of the counters that it uses. All threads together have seen every state but those that
 * nobody was told of: so a server that has lost its data gets them back, and without it each instance knows what is left.
 */
export interface MemoryOfServer {
  /** @param resetMs until the whole rate is there again */
  seeRate(ask: RateAsk, resetMs: number, nowMs: number): void;
  /** @param amount with a rate's `sinceMs` on the monotonic clock */
  seeAmount(item: Item, amount: Amount, nowMs: number): void;
  /** What the function answers for a settled item: used, since, reserved. */
  seeSettled(item: Item, words: readonly string[], nowMs: number): void;
  /** Milliseconds of a rate, or units used and reserved; 0 for what was not seen. */
  spentOf(ask: RateAsk | AmountAsk, nowMs: number): number;
  /** All that may still be in force. */
  recalled(nowMs: number): Recalled[];
  /** Budgets that were heard of since this was asked last. */
  takeHeard(): SeenBudget[];
}

/** How many counters are remembered. Those not used for longest are forgotten first, of budgets those whose window has ended before them. */
export interface MemoryBounds {
  readonly budgets: number;
  /** Of all that comes back by itself: however many there are, no budget is forgotten for them. */
  readonly others: number;
}

/** How often it is looked for budgets whose window has ended, where there are too many. */
const FORGET_MS = 1_000;

/**
 * @param before budgets that were heard of by a process that has ended
 * @param endsAt a time of the calendar on the monotonic clock
 */
export function createMemoryOfServer(
  most: MemoryBounds,
  clock: Pick<Clock, 'monotonicMs'>,
  before: readonly SeenBudget[],
  endsAt: (windowEndMs: number) => number,
): MemoryOfServer {
  const budgets = new Map<string, Seen>();
  const others = new Map<string, Seen>();
  /** Fields of budgets. */
  const heard = new Set<string>();
  let forgetsAtMs = -Infinity;
  for (const one of before) {
    const endsAtMs = endsAt(one.windowEndMs);
    const item = budgetItem(one, endsAtMs);
    see(item, {
      item,
      atMs: 0,
      amount: { used: one.used, sinceMs: one.windowStartMs, untilMs: endsAtMs, reserved: 0 },
    });
  }
  heard.clear();

  function see(item: Item, one: Seen): void {
    const field = fieldOf(item);
    // It is told once: what drained may have become a budget when the configuration was changed, or the other way round.
    budgets.delete(field);
    others.delete(field);
    if (item.kind !== 'd') {
      others.set(field, one);
      return forgetOldest(others, most.others);
    }
    budgets.set(field, one);
    heard.add(field);
    if (budgets.size > most.budgets) forgetEnded();
    forgetOldest(budgets, most.budgets);
  }

  function forgetEnded(): void {
    const nowMs = clock.monotonicMs();
    if (nowMs < forgetsAtMs) return;
    forgetsAtMs = nowMs + FORGET_MS;
    for (const [field, { amount }] of budgets) {
      if (amount !== undefined && amount.untilMs <= nowMs) budgets.delete(field);
    }
  }

  return {
    seeRate(ask, resetMs, nowMs) {
      const item = itemOf(ask);
      see(item, { item, atMs: nowMs + resetMs, amount: undefined });
    },
    seeAmount: (item, amount, nowMs) => see(item, { item, atMs: nowMs, amount }),
    seeSettled(item, words, nowMs) {
      if (item.kind === 'a' || item.kind === 'd')
        see(item, { item, atMs: nowMs, amount: amountFrom(item, words, nowMs) });
    },
    spentOf(ask, nowMs) {
      const item = itemOf(ask);
      const one = (item.kind === 'd' ? budgets : others).get(fieldOf(item));
      if (one === undefined) return 0;
      if (ask.kind === 'rate') return Math.max(0, one.atMs - nowMs);
      if (one.amount === undefined) return 0;
      const { used, reserved } = amountAt(ask.bound, one.amount, nowMs);
      return used + reserved;
    },
    recalled(nowMs) {
      return [...budgets.values(), ...others.values()].flatMap(({ item, atMs, amount }) => {
        const spent = amount === undefined ? atMs - nowMs : drained(item, amount, nowMs);
        return spent > 0 ? [{ item: amount === undefined ? item : inItsWindow(item, amount), spent }] : [];
      });
    },
    takeHeard() {
      const all = [...heard].flatMap((field) => {
        const one = budgets.get(field);
        if (one?.amount === undefined) return [];
        const { id, p2, p3 } = inItsWindow(one.item, one.amount);
        return [{ id, windowStartMs: p2, windowEndMs: p3, used: one.amount.used }];
      });
      heard.clear();
      return all;
    },
  };
}

function forgetOldest(seen: Map<string, Seen>, most: number): void {
  if (seen.size <= most) return;
  const [oldest] = seen.keys();
  if (oldest !== undefined) seen.delete(oldest);
}

/** Units as the function tells of them: used, since, reserved. Those that drain have done so up to now. */
export function amountFrom(item: Item, [used, since, reserved]: readonly string[], nowMs: number): Amount {
  const sinceMs = item.kind === 'a' ? nowMs : Number(since);
  const untilMs = item.kind === 'a' ? 0 : endOf(item, sinceMs, nowMs);
  return { used: Number(used), sinceMs, untilMs, reserved: Number(reserved) };
}

/** When a window ends, monotonic. A later one than was asked for may lie far ahead; it is over a whole length from now at the latest. */
function endOf({ p2, p3, endsAtMs }: Item, sinceMs: number, nowMs: number): number {
  return sinceMs === p2 ? endsAtMs : Math.min(endsAtMs + sinceMs - p2, nowMs + p3 - p2);
}

/** What is left of used units. A budget's window may be over: then its counter is not found by anybody. */
function drained({ kind, p1, p2 }: Item, amount: Amount, nowMs: number): number {
  return kind === 'a' ? amountAt({ kind: 'rate', limit: p1, windowMs: p2 }, amount, nowMs).used : amount.used;
}

/** A window that another instance has begun is the counter's, whatever was asked for. */
function inItsWindow(item: Item, { sinceMs, untilMs }: Amount): Item {
  const { kind, p2, p3 } = item;
  return kind === 'd' ? { ...item, p2: sinceMs, p3: sinceMs + p3 - p2, endsAtMs: untilMs } : item;
}
