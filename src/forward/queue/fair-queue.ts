/** What a caller waits for: somebody reads along, or nobody does. */
export type Priority = 'interactive' | 'batch';

/** One that waits. Its identity is what `remove` goes by. */
export interface Waiting<Item> {
  readonly item: Item;
  readonly tenant: string;
  readonly priority: Priority;
}

/** Who waits for one upstream. */
export interface FairQueue<Item> {
  /** How many wait. */
  size(): number;
  /** How many of a tenant wait. */
  sizeOf(tenant: string): number;
  /** The part of what is served that is a tenant's now, above 0 and at most 1, itself among those who wait. */
  shareOf(tenant: string): number;
  /** Lets one wait. @returns who gives way for it, perhaps it itself; undefined while there is room for all */
  push(waiting: Waiting<Item>): Waiting<Item> | undefined;
  /**
   * Takes out whose turn it is among those that `take` accepts; undefined where it accepts nobody. A tenant whose
   * first is not accepted is passed over for this time.
   */
  next(take: (waiting: Waiting<Item>) => boolean): Waiting<Item> | undefined;
  /** Takes out one that waits no more; false where it did not wait. */
  remove(waiting: Waiting<Item>): boolean;
  has(waiting: Waiting<Item>): boolean;
}

/** Turns of a tenant after which the longest waiting of all its classes is next. */
const TURNS_A_BATCH = 8;

interface Line<Item> {
  readonly interactive: Set<Waiting<Item>>;
  readonly batch: Set<Waiting<Item>>;
  /** Virtual time of its next turn. */
  turnAt: number;
  /** Turns since one of `batch`. */
  turns: number;
}

/**
 * A queue with fair shares by start-time fair queueing (Goyal, Vin, Cheng 1996): a turn of a tenant costs it virtual
 * time, the less the more weight it has, and the tenant with the earliest virtual time is next. So a tenant that floods
 * waits for itself, and nobody saves up turns while it has nothing to ask. Within a tenant `interactive` goes first,
 * but each eighth turn is the other class's; within a class it is first come, first served.
 *
 * @param size most that wait. Above it the newest of the tenant with the most for its weight gives way
 * @param weightOf above 0; asked for each turn, so that a change of weights holds for those who wait, too
 */
export function createFairQueue<Item>(size: () => number, weightOf: (tenant: string) => number): FairQueue<Item> {
  const lines = new Map<string, Line<Item>>();
  let now = 0;
  let count = 0;

  const lengthOf = ({ interactive, batch }: Line<Item>): number => interactive.size + batch.size;

  function lineOf(tenant: string): Line<Item> {
    let line = lines.get(tenant);
    if (line === undefined)
      lines.set(tenant, (line = { interactive: new Set(), batch: new Set(), turnAt: now, turns: 0 }));
    return line;
  }

  function remove(waiting: Waiting<Item>): boolean {
    const line = lines.get(waiting.tenant);
    if (line?.[waiting.priority].delete(waiting) !== true) return false;
    count--;
    // Virtual time means nothing once nobody waits: nothing is kept of anybody.
    if (count === 0) {
      lines.clear();
      now = 0;
    }
    return true;
  }

  /** The tenant with the most for its weight, the newcomer's among equals: it is the one that fills the queue. */
  function largest(newcomer: string): Line<Item> | undefined {
    let found = lines.get(newcomer);
    let most = found === undefined ? 0 : lengthOf(found) / weightOf(newcomer);
    for (const [tenant, line] of lines) {
      const part = lengthOf(line) / weightOf(tenant);
      if (part > most) [found, most] = [line, part];
    }
    return found;
  }

  function pushOut(newcomer: string): Waiting<Item> | undefined {
    const line = largest(newcomer);
    const newest = line === undefined ? undefined : (newestOf(line.batch) ?? newestOf(line.interactive));
    if (newest !== undefined) remove(newest);
    return newest;
  }

  /** Tenants with somebody who waits, whose turn is first. */
  function inTurn(): [string, Line<Item>][] {
    return [...lines].filter(([, line]) => lengthOf(line) > 0).sort(([, a], [, b]) => a.turnAt - b.turnAt);
  }

  function served(tenant: string, line: Line<Item>, { priority }: Waiting<Item>): void {
    now = Math.max(now, line.turnAt);
    line.turnAt += 1 / weightOf(tenant);
    line.turns = priority === 'batch' ? 0 : line.turns + 1;
    // Who has nothing to ask saves up no turns; who has had turns just now does not come back as one that had none.
    for (const [name, other] of lines) if (lengthOf(other) === 0 && other.turnAt <= now) lines.delete(name);
  }

  return {
    size: () => count,
    sizeOf(tenant) {
      const line = lines.get(tenant);
      return line === undefined ? 0 : lengthOf(line);
    },
    shareOf(tenant) {
      const own = weightOf(tenant);
      let all = own;
      for (const [name, line] of lines) if (name !== tenant && lengthOf(line) > 0) all += weightOf(name);
      return own / all;
    },
    push(waiting) {
      lineOf(waiting.tenant)[waiting.priority].add(waiting);
      count++;
      return count > size() ? pushOut(waiting.tenant) : undefined;
    },
    next(take) {
      for (const [tenant, line] of inTurn()) {
        const first = firstOf(line);
        if (first === undefined || !take(first)) continue;
        served(tenant, line, first);
        remove(first);
        return first;
      }
      return undefined;
    },
    remove,
    has: (waiting) => lines.get(waiting.tenant)?.[waiting.priority].has(waiting) === true,
  };
}

function firstOf<Item>({ interactive, batch, turns }: Line<Item>): Waiting<Item> | undefined {
  const [a] = interactive;
  const [b] = batch;
  return turns + 1 >= TURNS_A_BATCH ? (b ?? a) : (a ?? b);
}

/** Sets keep the order in which they were filled. */
function newestOf<Item>(line: ReadonlySet<Waiting<Item>>): Waiting<Item> | undefined {
  let newest: Waiting<Item> | undefined;
  for (const waiting of line) newest = waiting;
  return newest;
}
