import { hash } from 'node:crypto';
import type { Ask, AmountAsk, CounterKey, RateAsk } from '../../limits/counters.ts';
import type { SeenBudget } from '../../limits/journal.ts';

/** What everything of ours on the server begins with: one hash tag, so that a cluster keeps it in one slot. */
export const PREFIX = '{sallyport}:';

/** r rate, c concurrency, a units that drain, d units of a budget. */
export type Kind = 'r' | 'c' | 'a' | 'd';

/** What bounds a counter, as the function reads it. */
export interface Item {
  readonly kind: Kind;
  /** Names the counter on the server. */
  readonly id: string;
  readonly p1: number;
  readonly p2: number;
  readonly p3: number;
  /** Of a budget when its window ends, monotonic; 0 of others. */
  readonly endsAtMs: number;
}

/** A key whose subject is a hash on the server, for names hold personal data: 128 bits of SHA-256 as base64url. */
export class HashedKey implements CounterKey {
  readonly hi: number;
  readonly lo: number;
  readonly name: string;
  #id: string | undefined;

  constructor({ hi, lo, name }: CounterKey) {
    this.hi = hi;
    this.lo = lo;
    this.name = name;
  }

  get id(): string {
    return (this.#id ??= hash('sha256', this.name, 'base64url').slice(0, 22));
  }
}

const idOf = (key: CounterKey): string => (key instanceof HashedKey ? key.id : new HashedKey(key).id);

/** What an ask counts. */
export function itemOf(ask: Ask): Item {
  const id = idOf(ask.counter);
  if (ask.kind === 'rate') return { kind: 'r', id, p1: ask.rate.intervalMs, p2: ask.rate.burst, p3: 0, endsAtMs: 0 };
  if (ask.kind === 'concurrency') return { kind: 'c', id, p1: ask.limit, p2: 0, p3: 0, endsAtMs: 0 };
  const { bound } = ask;
  if (bound.kind === 'rate') return { kind: 'a', id, p1: bound.limit, p2: bound.windowMs, p3: 0, endsAtMs: 0 };
  const { startMs, endMs, endsAtMs } = bound.window;
  return { kind: 'd', id, p1: bound.limit, p2: startMs, p3: endMs, endsAtMs };
}

/** A budget whose limit nobody asks about: what is told or recalled of it is never refused. @param endsAtMs monotonic */
export const budgetItem = ({ id, windowStartMs, windowEndMs }: SeenBudget, endsAtMs: number): Item => ({
  kind: 'd',
  id,
  p1: 0,
  p2: windowStartMs,
  p3: windowEndMs,
  endsAtMs,
});

/** Units that an ask takes. */
export const costOf = (ask: Ask): number => (ask.kind === 'concurrency' ? 1 : (ask.cost ?? 1));

/** Name of a counter behind the prefix. Units of both kinds are kept alike. */
export const fieldOf = ({ kind, id }: Pick<Item, 'kind' | 'id'>): string => `${kind === 'd' ? 'a' : kind}:${id}`;

/** Key of a counter. */
export const keyOf = (item: Pick<Item, 'kind' | 'id'>): string => PREFIX + fieldOf(item);

/**
 * The six words of an item. The end of a budget's window is told in milliseconds from now: clocks of the server and the
 * instances may differ by more than a window.
 */
export const wordsOf = (item: Item, first: number, second: number, nowMs: number): readonly string[] => [
  item.kind,
  String(first),
  String(second),
  String(item.p1),
  String(item.p2),
  String(item.kind === 'd' ? Math.ceil(item.endsAtMs - nowMs) : item.p3),
];

/** An ask whose units may be spent ahead. */
export type LeasableAsk = RateAsk | AmountAsk;
