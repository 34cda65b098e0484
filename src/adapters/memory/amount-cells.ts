import type { LimitStanding } from '../../kernel/exchange.ts';
import {
  amountAt,
  inForceUntilMs,
  MOST_UNITS,
  reserve,
  roomIn,
  settle,
  type Amount,
  type Bound,
} from '../../limits/amount.ts';
import type { AmountAsk } from '../../limits/counters.ts';
import { amountStanding } from '../../limits/ask-standing.ts';
import { allCells, cellTableBytes, createCellTable, lockWord, type CellMemory } from './cell-table.ts';

/** Words of eight bytes that a cell has: used, since, reserved, in force until. */
const WORDS = 4;

/** Bytes for that many cells and threads. */
export const amountCellBytes = (cells: number, rows: number): number =>
  cellTableBytes(cells) + allCells(cells) * 8 * (WORDS + rows) + allCells(cells) * 8;

/** What one counter of a budget has used, to be kept elsewhere. */
export interface BudgetSpend {
  readonly hi: number;
  readonly lo: number;
  /** Start of its window, milliseconds since the epoch. */
  readonly windowStartMs: number;
  /** End of its window, monotonic milliseconds. */
  readonly endsAtMs: number;
  readonly used: number;
}

/** What stands in the way of a reservation. */
export interface NoRoom {
  readonly retryAfterMs: number;
  readonly standing: LimitStanding;
}

/** What a reservation took, or what stood in its way. */
export type Reserved = { readonly cell: number; readonly standing: LimitStanding } | NoRoom;

/** Tokens and money: reserved, then settled, each counter under a lock of its own. */
export interface AmountCells {
  reserve(ask: AmountAsk, nowMs: number): Reserved;
  /** What would stand in the way of a reservation; undefined where nothing would. */
  look(ask: AmountAsk, nowMs: number): NoRoom | undefined;
  /**
   * Reserves more for one that has reserved before; the counter's cell, or undefined where there is no room.
   *
   * @param cell that it had. What has counted all that it reserved keeps its cell from nobody once its window is over: by then
   *   it may be another counter's, and is found anew
   */
  extend(cell: number, ask: AmountAsk, more: number, nowMs: number): number | undefined;
  /** Gives the counter's cell. @param cell as of `extend` */
  settle(cell: number, ask: AmountAsk, reserved: number, actual: number, nowMs: number): number;
  standing(ask: AmountAsk, nowMs: number): LimitStanding;
  /** Counts units that were used elsewhere, up to the whole limit. */
  charge(ask: AmountAsk, units: number, nowMs: number): void;
  /** Where less was used, as if that much had been. */
  raise(ask: AmountAsk, used: number, nowMs: number): void;
  /** Units that are reserved in all, over all counters. */
  reserved(): number;
  reclaim(row: number): void;
  /** Budgets that were written to since this was asked last. */
  takeChanged(): BudgetSpend[];
  /** Puts back what was kept elsewhere; before anybody spends. */
  restore(spend: BudgetSpend): void;
}

/** Amounts over memory that all threads share, `amountCellBytes` long. */
export function createAmountCells(memory: CellMemory): AmountCells {
  const { buffer, at, cells, rows, row } = memory;
  const size = allCells(cells);
  const wordsAt = at + cellTableBytes(cells);
  const words = new Float64Array(buffer, wordsAt, size * WORDS);
  const rowAt = (index: number) => wordsAt + size * 8 * (WORDS + index);
  const mine = new Float64Array(buffer, rowAt(row), size);
  const locks = new Int32Array(buffer, rowAt(rows), size);
  const changed = new Int32Array(buffer, rowAt(rows) + size * 4, size);

  const read = (cell: number): Amount => ({
    used: words[cell * WORDS] ?? 0,
    sinceMs: words[cell * WORDS + 1] ?? 0,
    reserved: words[cell * WORDS + 2] ?? 0,
    untilMs: words[cell * WORDS + 3] ?? 0,
  });

  function write(cell: number, amount: Amount, bound: Bound, nowMs: number): void {
    const at = cell * WORDS;
    words[at] = amount.used;
    words[at + 1] = amount.sinceMs;
    words[at + 2] = amount.reserved;
    words[at + 3] = inForceUntilMs(bound, amount, nowMs);
    if (bound.kind === 'budget') Atomics.store(changed, cell, 1);
  }

  function isOver(cell: number, nowMs: number): boolean {
    const { used, untilMs, reserved } = read(cell);
    return reserved === 0 && (used === 0 || untilMs <= nowMs);
  }

  const table = createCellTable(
    memory,
    // Whoever has the lock is about to write.
    (cell, nowMs) => Atomics.load(locks, cell) === 0 && isOver(cell, nowMs),
    (cell) => words.fill(0, cell * WORDS, (cell + 1) * WORDS),
  );

  /** Runs on the counter's own cell, under its lock. */
  function locked<Result>(ask: AmountAsk, nowMs: number, run: (cell: number) => Result): Result {
    for (;;) {
      const cell = table.find(ask.counter, ask.name, nowMs);
      lockWord(locks, cell, row);
      try {
        if (table.isStillOf(cell, ask.counter)) return run(cell);
      } finally {
        Atomics.store(locks, cell, 0);
      }
    }
  }

  /** Runs on one cell, whosever it is. */
  function lockedCell<Result>(cell: number, run: () => Result): Result {
    lockWord(locks, cell, row);
    try {
      return run();
    } finally {
      Atomics.store(locks, cell, 0);
    }
  }

  return {
    // This and `settle` without a function for each call: every request with a limit comes here twice.
    reserve(ask, nowMs) {
      for (;;) {
        const cell = table.find(ask.counter, ask.name, nowMs);
        lockWord(locks, cell, row);
        try {
          if (!table.isStillOf(cell, ask.counter)) continue;
          const result = reserve(ask.bound, read(cell), ask.cost, nowMs);
          const standing = amountStanding(ask, result.amount, nowMs);
          if (!result.conforms) return { retryAfterMs: result.retryAfterMs, standing };
          write(cell, result.amount, ask.bound, nowMs);
          // Last: a thread that dies in between must not give back what others hold.
          mine[cell] = (mine[cell] ?? 0) + ask.cost;
          return { cell, standing };
        } finally {
          Atomics.store(locks, cell, 0);
        }
      }
    },
    look(ask, nowMs) {
      // Without the lock: whoever is let pass is judged again when it takes.
      const cell = table.find(ask.counter, ask.name, nowMs);
      if (ask.cost <= roomIn(ask.bound, amountAt(ask.bound, read(cell), nowMs))) return undefined;
      return locked(ask, nowMs, (own) => {
        const result = reserve(ask.bound, read(own), ask.cost, nowMs);
        if (result.conforms) return undefined;
        return { retryAfterMs: result.retryAfterMs, standing: amountStanding(ask, result.amount, nowMs) };
      });
    },
    settle(cell, ask, reserved, actual, nowMs) {
      if (reserved === 0 && actual === 0) return cell;
      for (let own = cell; ; own = table.find(ask.counter, ask.name, nowMs)) {
        lockWord(locks, own, row);
        try {
          if (!table.isStillOf(own, ask.counter)) continue;
          mine[own] = Math.max(0, (mine[own] ?? 0) - reserved);
          write(own, settle(ask.bound, read(own), reserved, actual, nowMs), ask.bound, nowMs);
          return own;
        } finally {
          Atomics.store(locks, own, 0);
        }
      }
    },
    extend(cell, ask, more, nowMs) {
      for (let own = cell; ; own = table.find(ask.counter, ask.name, nowMs)) {
        lockWord(locks, own, row);
        try {
          if (!table.isStillOf(own, ask.counter)) continue;
          const result = reserve(ask.bound, read(own), more, nowMs, true);
          if (!result.conforms) return undefined;
          write(own, result.amount, ask.bound, nowMs);
          mine[own] = (mine[own] ?? 0) + more;
          return own;
        } finally {
          Atomics.store(locks, own, 0);
        }
      }
    },
    standing: (ask, nowMs) =>
      locked(ask, nowMs, (cell) => amountStanding(ask, amountAt(ask.bound, read(cell), nowMs), nowMs)),
    charge: (ask, units, nowMs) =>
      locked(ask, nowMs, (cell) => {
        const now = amountAt(ask.bound, read(cell), nowMs);
        const used = Math.max(now.used, Math.min(now.used + units, ask.bound.limit));
        write(cell, { ...now, used }, ask.bound, nowMs);
      }),
    raise: (ask, used, nowMs) =>
      locked(ask, nowMs, (cell) => {
        const now = amountAt(ask.bound, read(cell), nowMs);
        if (now.used < used) write(cell, { ...now, used }, ask.bound, nowMs);
      }),
    reserved() {
      let sum = 0;
      for (let cell = 0; cell < size; cell++) sum += words[cell * WORDS + 2] ?? 0;
      return sum;
    },
    reclaim(dead) {
      table.reclaim(dead);
      const all = Array.from({ length: rows }, (_, index) => new Float64Array(buffer, rowAt(index), size));
      for (let cell = 0; cell < size; cell++) {
        Atomics.compareExchange(locks, cell, dead + 1, 0);
        const theirs = all[dead]?.[cell] ?? 0;
        if (theirs === 0 && (words[cell * WORDS + 2] ?? 0) === 0) continue;
        lockedCell(cell, () => {
          all[dead]?.fill(0, cell, cell + 1);
          // What the others hold, rather than less what this one did: it may have ended between the two words.
          words[cell * WORDS + 2] = all.reduce((sum, row) => sum + (row[cell] ?? 0), 0);
        });
      }
    },
    takeChanged() {
      const taken: BudgetSpend[] = [];
      for (let cell = 0; cell < cells; cell++) {
        if (Atomics.load(changed, cell) === 0 || Atomics.exchange(changed, cell, 0) === 0) continue;
        const spend = lockedCell(cell, () => {
          const key = table.keyAt(cell);
          const { used, sinceMs, untilMs } = read(cell);
          return key && { ...key, windowStartMs: sinceMs, endsAtMs: untilMs, used };
        });
        if (spend !== undefined) taken.push(spend);
      }
      return taken;
    },
    restore({ hi, lo, windowStartMs, endsAtMs, used }) {
      const cell = table.find({ hi, lo, name: '' }, 'restored', 0);
      words.set([Math.min(used, MOST_UNITS), windowStartMs, 0, endsAtMs], cell * WORDS);
    },
  };
}
