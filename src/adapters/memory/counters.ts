import { hash } from 'node:crypto';
import type { LimitStanding } from '../../kernel/exchange.ts';
import type { AmountAsk, Ask, CounterKey, LocalCounters, RateAsk, Refused } from '../../limits/counters.ts';
import { concurrencyStanding, rateStanding, refused, refusedFull, refusedRate } from '../../limits/ask-standing.ts';
import { Hold } from '../../limits/hold.ts';
import { amountCellBytes, createAmountCells, type BudgetSpend } from './amount-cells.ts';
import { createRateCells, rateCellBytes } from './rate-cells.ts';

/** Counters in memory that all threads share, exact without a message (docs/adr/0004-shared-counters.md). */
export interface CounterMemory {
  readonly buffer: SharedArrayBuffer;
  /** Cells for requests, a power of two. */
  readonly cells: number;
  /** Cells for tokens and money, a power of two. */
  readonly amountCells: number;
  /** Rows: one more than the largest thread index. */
  readonly rows: number;
  /** Keys the hash, else callers could choose addresses that share a bucket. The same after a restart, so that budgets are found again. */
  readonly seed: string;
}

/** Sets shared memory aside for that many cells and threads; the machine gives pages only to what is used. */
export function createCounterMemory(cells: number, rows: number, seed: string, amountCells = cells): CounterMemory {
  const bytes = eights(rateCellBytes(cells, rows)) + amountCellBytes(amountCells, rows);
  return { buffer: new SharedArrayBuffer(bytes), cells, amountCells, rows, seed };
}

/** Counters of one thread over the memory that all share. */
export interface SharedCounters extends LocalCounters {
  /** Gives back all that the thread `row` holds. Only once that thread has ended. */
  reclaim(row: number): void;
  /** Running requests that are held in all; 0 when all is quiet. */
  held(): number;
  /** Tokens and money that are reserved in all; 0 when all is quiet. */
  reserved(): number;
  /** Takes one unit of a cell if fewer than `limit` are taken; the cell, or undefined. */
  acquire(counter: CounterKey, limit: number, nowMs: number): number | undefined;
  /** Gives back one unit. */
  giveBack(cell: number): void;
  /**
   * Where less was spent, as if that much had been.
   *
   * @param spent of a rate milliseconds until the whole of it is there again, of an amount units
   */
  raise(ask: RateAsk | AmountAsk, spent: number, nowMs: number): void;
  /** Counts units that were let in elsewhere, up to the whole limit. */
  charge(ask: RateAsk | AmountAsk, units: number, nowMs: number): void;
  /** Budgets that were written to since this was asked last. */
  takeChangedBudgets(): BudgetSpend[];
  /** Puts back a budget that was kept elsewhere; before anybody spends. */
  restoreBudget(spend: BudgetSpend): void;
}

/** @param row index of this thread, 0 <= row < memory.rows */
export function createSharedCounters(memory: CounterMemory, row: number): SharedCounters {
  const { buffer, rows, seed } = memory;
  const rates = createRateCells({ buffer, at: 0, cells: memory.cells, rows, row });
  const amountsAt = eights(rateCellBytes(memory.cells, rows));
  const amounts = createAmountCells({ buffer, at: amountsAt, cells: memory.amountCells, rows, row });
  const full = createFullBook();

  function takeOne(ask: Ask, nowMs: number, standings: LimitStanding[], holds: CellHold[]): Refused | undefined {
    if (ask.kind === 'rate') {
      const { cell, result } = rates.spendRate(ask, nowMs);
      if (!result.conforms) return refusedRate(ask, result, nowMs);
      if (result.remaining === 0) full.note(ask, nowMs);
      standings.push(rateStanding(ask, result.remaining, Math.max(0, result.tatMs - nowMs)));
      holds.push(new CellHold(ask, cell));
    } else if (ask.kind === 'concurrency') {
      const taken = rates.take(ask, nowMs);
      if (taken === undefined) return refusedFull(ask);
      if (taken.taken === ask.limit) full.note(ask, nowMs);
      standings.push(concurrencyStanding(ask, ask.limit - taken.taken));
      holds.push(new CellHold(ask, taken.cell));
    } else {
      const result = amounts.reserve(ask, nowMs);
      if ('retryAfterMs' in result) return refused(ask, result.retryAfterMs, result.standing);
      if (result.standing.remaining === 0) full.note(ask, nowMs);
      standings.push(result.standing);
      holds.push(new CellHold(ask, result.cell));
    }
    return undefined;
  }

  function lookAtOne(ask: Ask, nowMs: number): Refused | undefined {
    if (ask.kind !== 'amount') return rates.look(ask, nowMs);
    const noRoom = amounts.look(ask, nowMs);
    return noRoom && refused(ask, noRoom.retryAfterMs, noRoom.standing);
  }

  /** Of all that would refuse, what has to be waited for longest. */
  function refusalOf(asks: readonly Ask[], nowMs: number): Refused | undefined {
    let longest: Refused | undefined;
    for (const ask of asks) {
      const refusal = lookAtOne(ask, nowMs);
      if (refusal !== undefined && refusal.retryAfterMs > (longest?.retryAfterMs ?? -1)) longest = refusal;
    }
    return longest;
  }

  return {
    keyOf(name) {
      const digest = hash('sha256', `${seed}\0${name}`, 'buffer');
      return { hi: digest.readInt32LE(0), lo: digest.readInt32LE(4) | 1, name };
    },

    spend(asks, atMs) {
      const nowMs = Math.floor(atMs);
      const inTheWay = full.isAny(asks, nowMs) ? refusalOf(asks, nowMs) : undefined;
      if (inTheWay !== undefined) {
        full.note(inTheWay.ask, nowMs);
        return inTheWay;
      }
      const standings: LimitStanding[] = [];
      const holds: CellHold[] = [];
      for (const ask of asks) {
        const refusal = takeOne(ask, nowMs, standings, holds);
        if (refusal === undefined) continue;
        full.note(ask, nowMs);
        for (const { ask: taken, cell } of holds) {
          if (taken.kind === 'rate') rates.unspendRate(cell, taken);
          else if (taken.kind === 'concurrency') rates.giveBack(cell);
          else amounts.settle(cell, taken, taken.cost, 0, nowMs);
        }
        return refusalOf(asks, nowMs) ?? refusal;
      }
      return { kind: 'spent', standings, holds };
    },

    extend(spent, totals, atMs) {
      const nowMs = Math.floor(atMs);
      let refusal: Refused | undefined;
      let index = 0;
      for (const hold of spent.holds) {
        if (!(hold instanceof CellHold) || hold.ask.kind !== 'amount') continue;
        const more = hold.missing(totals[index++] ?? 0);
        if (more <= 0) continue;
        const cell = amounts.extend(hold.cell, hold.ask, more, nowMs);
        if (cell === undefined) refusal ??= refused(hold.ask, 0, amounts.standing(hold.ask, nowMs));
        else {
          hold.cell = cell;
          hold.reserved += more;
        }
      }
      return refusal;
    },

    progress(spent, actuals, atMs) {
      const nowMs = Math.floor(atMs);
      let index = 0;
      for (const hold of spent.holds) {
        if (!(hold instanceof CellHold) || hold.ask.kind !== 'amount') continue;
        const step = hold.progress(actuals[index++] ?? 0, nowMs);
        if (step !== undefined) hold.cell = amounts.settle(hold.cell, hold.ask, step.given, step.more, nowMs);
      }
    },

    settle(spent, actuals, atMs) {
      const nowMs = Math.floor(atMs);
      let index = 0;
      for (const hold of spent.holds) {
        if (!(hold instanceof CellHold)) continue;
        if (hold.ask.kind === 'concurrency') rates.giveBack(hold.cell);
        else if (hold.ask.kind === 'amount') {
          const { given, more } = hold.end(actuals[index++] ?? 0, nowMs);
          amounts.settle(hold.cell, hold.ask, given, more, nowMs);
        }
      }
    },

    standing: (ask, nowMs) =>
      ask.kind === 'amount' ? amounts.standing(ask, Math.floor(nowMs)) : rates.standing(ask, Math.floor(nowMs)),
    hasRoom: (counter, rate, nowMs, cost = 1) => rates.hasRoom(counter, rate, cost, Math.floor(nowMs)),
    acquire: (counter, limit, nowMs) => rates.take({ kind: 'concurrency', name: 'held', counter, limit }, nowMs)?.cell,
    giveBack: (cell) => rates.giveBack(cell),

    reclaim(dead) {
      rates.reclaim(dead);
      amounts.reclaim(dead);
    },
    held: () => rates.held(),
    reserved: () => amounts.reserved(),
    charge(ask, units, atMs) {
      const nowMs = Math.floor(atMs);
      if (ask.kind === 'rate') rates.charge(ask, units, nowMs);
      else amounts.charge(ask, units, nowMs);
    },
    raise(ask, spent, atMs) {
      const nowMs = Math.floor(atMs);
      if (ask.kind === 'rate') rates.raise(ask, spent, nowMs);
      else amounts.raise(ask, spent, nowMs);
    },
    takeChangedBudgets: () => amounts.takeChanged(),
    restoreBudget: (spend) => amounts.restore(spend),
  };
}

/** Counters that were found full lately, by a few bits of their names. */
interface FullBook {
  note(ask: Ask, nowMs: number): void;
  isAny(asks: readonly Ask[], nowMs: number): boolean;
}

/**
 * Where one of several limits was full lately, all are looked at before anything is taken: who has used up a limit of its own
 * would else, with each try, hold for a moment what it shares with others. For everybody else to look would be in vain.
 */
function createFullBook(): FullBook {
  const seenAtMs = new Float64Array(FULL_SLOTS).fill(-Infinity);
  const slotOf = ({ counter }: Ask): number => (counter.lo >>> 1) & (FULL_SLOTS - 1);
  return {
    note(ask, nowMs) {
      seenAtMs[slotOf(ask)] = nowMs;
    },
    isAny(asks, nowMs) {
      for (const ask of asks) if (nowMs - (seenAtMs[slotOf(ask)] ?? 0) < FULL_MS) return asks.length > 1;
      return false;
    },
  };
}

/** A power of two. */
const FULL_SLOTS = 1_024;
const FULL_MS = 1_000;

/** What a spend holds in one cell. */
class CellHold extends Hold {
  cell: number;

  constructor(ask: Ask, cell: number) {
    super(ask);
    this.cell = cell;
  }
}

/** Numbers of eight bytes begin at multiples of eight. */
const eights = (bytes: number): number => Math.ceil(bytes / 8) * 8;
