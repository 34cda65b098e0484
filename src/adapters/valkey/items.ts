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
  if (ask.kind === 'rate') return { kind: 'r', id, p1: ask.rate.intervalMs, p2: ask.rate.burst, p3: 0 };
  if (ask.kind === 'concurrency') return { kind: 'c', id, p1: ask.limit, p2: 0, p3: 0 };
  const { bound } = ask;
  if (bound.kind === 'rate') return { kind: 'a', id, p1: bound.limit, p2: bound.windowMs, p3: 0 };
  return { kind: 'd', id, p1: bound.limit, p2: bound.window.startMs, p3: bound.window.endMs };
}

/** A budget whose limit nobody asks about: what is told or recalled of it is never refused. */
export const budgetItem = ({ id, windowStartMs, windowEndMs }: SeenBudget): Item => ({
  kind: 'd',
  id,
  p1: 0,
  p2: windowStartMs,
  p3: windowEndMs,
});

/** Units that an ask takes. */
export const costOf = (ask: Ask): number => (ask.kind === 'concurrency' ? 1 : (ask.cost ?? 1));

/** Name of a counter behind the prefix. Units of both kinds are kept alike. */
export const fieldOf = ({ kind, id }: Pick<Item, 'kind' | 'id'>): string => `${kind === 'd' ? 'a' : kind}:${id}`;

/** Key of a counter. */
export const keyOf = (item: Pick<Item, 'kind' | 'id'>): string => PREFIX + fieldOf(item);

/** The six words of an item. */
export const wordsOf = ({ kind, p1, p2, p3 }: Item, first: number, second: number): readonly string[] => [
  kind,
  String(first),
  String(second),
  String(p1),
  String(p2),
  String(p3),
];

/** An ask whose units may be spent ahead. */
export type LeasableAsk = RateAsk | AmountAsk;
