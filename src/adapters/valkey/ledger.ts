import type { UntoldSpend } from '../../limits/journal.ts';
import { budgetItem, fieldOf, type Item } from './items.ts';

/** What the server has to be told of one counter. */
export interface Entry {
  readonly item: Item;
  /** Units to give back; below 0 they were taken without asking. */
  back: number;
  /** Units that were used, below 0 where more was counted before. Of a rate milliseconds of it, so that parts of units can be given back; below 0 they were not. */
  delta: number;
}

/** A numbered settlement. */
export interface Batch {
  readonly seq: number;
  readonly entries: readonly Entry[];
}

/**
 * The books of one thread: what it holds on the server, and what it has not told it yet. Nothing is told twice: what may have
 * arrived is told again only where the server has not noted its number.
 */
export interface Ledger {
  /** Notes what the server has given. */
  hold(item: Item, units: number): void;
  /** Notes what was taken without it; it is told with the next settlement, or the next session. */
  holdUntold(item: Item, units: number): void;
  /** Ends a hold. @param used units that it really cost, below 0 where more was counted before */
  release(item: Item, units: number, used: number): void;
  /** Counts what was spent of a rate without asking, or below 0 takes it back. @param ms units times their interval */
  charge(item: Item, ms: number): void;
  /** The next settlement, of at most 200 counters; undefined where there is nothing to tell. */
  take(): Batch | undefined;
  told(seq: number): void;
  hasUntold(): boolean;
  /** What a new session announces, all that is held: from here on nothing of it is untold. */
  announced(): ReadonlyMap<string, number>;
  /** Names of all that is held. */
  heldFields(): Iterable<string>;
  /** After a new session: what of the old one did not arrive is to be told again. @param lastSeq what did */
  rejoined(lastSeq: number): void;
  /** What of budgets is not known to have arrived, with the numbers by which it is told, or will be. */
  untoldBudgets(): UntoldSpend[];
  /** Counters that had to be forgotten untold, for there were too many. */
  lost(): number;
}

const BATCH = 200;
/** Counters whose spending can wait for the server: some 20 MB. */
const MOST_UNTOLD = 65_536;

/**
 * @param before what a thread that ended had not told: under way until the server says what of it arrived
 * @param endsAt a time of the calendar on the monotonic clock
 */
export function createLedger(before: readonly UntoldSpend[], endsAt: (windowEndMs: number) => number): Ledger {
  const held = new Map<string, number>();
  const untold = new Map<string, Entry>();
  const underWay = batchesOf(before, endsAt);
  let seq = Math.max(0, ...underWay.keys());
  let closed = 0;
  let lost = 0;

  function note(item: Item, back: number, delta: number): void {
    const { kind, id, p2 } = item;
    // What belongs to another window is counted there.
    const name = kind === 'd' ? `d:${id}:${p2}` : fieldOf(item);
    const entry = untold.get(name);
    if (delta < 0 && (entry?.delta ?? 0) + delta < 0) {
      // In its place among the others: nothing goes below 0 there, so that what comes first is not the same.
      if (entry !== undefined) {
        untold.delete(name);
        untold.set(`${name} ${++closed}`, entry);
      }
      return add(`${name} ${++closed}`, { item, back, delta });
    }
    if (entry !== undefined) {
      entry.back += back;
      entry.delta += delta;
      return;
    }
    add(name, { item, back, delta });
  }

  function add(name: string, entry: Entry): void {
    if (untold.size >= MOST_UNTOLD) {
      const [first = name] = untold.keys();
      untold.delete(first);
      lost++;
    }
    untold.set(name, entry);
  }

  function count(item: Item, units: number): void {
    const field = fieldOf(item);
    const sum = (held.get(field) ?? 0) + units;
    if (sum > 0) held.set(field, sum);
    else held.delete(field);
  }

  return {
    hold: count,
    holdUntold(item, units) {
      count(item, units);
      note(item, -units, 0);
    },
    release(item, units, used) {
      count(item, -units);
      note(item, units, used);
    },
    charge: (item, ms) => note(item, 0, ms),
    take() {
      if (untold.size === 0) return undefined;
      const entries: Entry[] = [];
      for (const [name, entry] of untold) {
        untold.delete(name);
        if (entry.back !== 0 || entry.delta !== 0) entries.push(entry);
        if (entries.length === BATCH) break;
      }
      if (entries.length === 0) return undefined;
      const batch = { seq: ++seq, entries };
      underWay.set(seq, batch);
      return batch;
    },
    told: (number) => void underWay.delete(number),
    hasUntold: () => untold.size > 0,
    announced() {
      for (const entry of untold.values()) {
        entry.back = 0;
        entry.delta = toldLate(entry);
      }
      return held;
    },
    heldFields: () => held.keys(),
    rejoined(lastSeq) {
      // The one who was here before may have told more than it has left word of.
      seq = Math.max(seq, lastSeq);
      for (const batch of underWay.values()) {
        if (batch.seq <= lastSeq) continue;
        for (const entry of batch.entries) if (toldLate(entry) !== 0) note(entry.item, 0, toldLate(entry));
      }
      underWay.clear();
    },
    untoldBudgets() {
      const spends = [...underWay.values()].flatMap(({ seq: number, entries }) => entries.flatMap(spendOf(number)));
      let place = 0;
      for (const entry of untold.values()) {
        if (entry.delta === 0) continue;
        spends.push(...spendOf(seq + 1 + Math.floor(place++ / BATCH))(entry));
      }
      return spends;
    },
    lost: () => lost,
  };
}

/** What drains and was counted too much has drained by the time that it is told late: then nothing comes back. */
const toldLate = ({ item, delta }: Entry): number => (item.kind === 'd' ? delta : Math.max(0, delta));

/** What an entry tells of a budget, or nothing. */
const spendOf =
  (seq: number) =>
  ({ item: { kind, id, p2, p3 }, delta }: Entry): UntoldSpend[] =>
    kind === 'd' && delta !== 0 ? [{ id, windowStartMs: p2, windowEndMs: p3, used: delta, seq }] : [];

function batchesOf(spends: readonly UntoldSpend[], endsAt: (windowEndMs: number) => number): Map<number, Batch> {
  const bySeq = Map.groupBy(spends, ({ seq }) => seq);
  return new Map(
    [...bySeq].map(([seq, all]) => [
      seq,
      {
        seq,
        entries: all.map((one) => ({ item: budgetItem(one, endsAt(one.windowEndMs)), back: 0, delta: one.used })),
      },
    ]),
  );
}
