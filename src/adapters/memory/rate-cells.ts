import type { LimitStanding } from '../../kernel/exchange.ts';
import type { ConcurrencyAsk, CounterKey, RateAsk, Refused } from '../../limits/counters.ts';
import { arrivalAt, spend, type Rate, type Spend } from '../../limits/gcra.ts';
import { rateStanding, refusedFull, refusedRate } from '../../limits/ask-standing.ts';
import { allCells, cellTableBytes, createCellTable, type CellMemory } from './cell-table.ts';

/** Bytes for that many cells and threads. */
export const rateCellBytes = (cells: number, rows: number): number =>
  cellTableBytes(cells) + allCells(cells) * 8 + allCells(cells) * 4 * (rows + 1);

/** Requests: rates by their theoretical arrival time, and how many run, changed by compare-and-swap. */
export interface RateCells {
  spendRate(ask: RateAsk, nowMs: number): { readonly cell: number; readonly result: Spend };
  unspendRate(cell: number, ask: RateAsk): void;
  /** What would refuse an ask now; undefined where nothing would. Takes nothing. */
  look(ask: RateAsk | ConcurrencyAsk, nowMs: number): Refused | undefined;
  /** Counts units that were let in elsewhere, up to the whole burst. */
  charge(ask: RateAsk, units: number, nowMs: number): void;
  /** Where less was spent, as if that much had been: until the whole rate is there again. */
  raise(ask: RateAsk, resetMs: number, nowMs: number): void;
  /** Whether a rate has room for so many units. */
  hasRoom(counter: CounterKey, rate: Rate, cost: number, nowMs: number): boolean;
  /** Takes one; the cell and how many are taken now, or undefined where the limit leaves no room. */
  take(ask: ConcurrencyAsk, nowMs: number): { readonly cell: number; readonly taken: number } | undefined;
  giveBack(cell: number): void;
  standing(ask: RateAsk | ConcurrencyAsk, nowMs: number): LimitStanding;
  /** Running requests that are held in all. */
  held(): number;
  reclaim(row: number): void;
}

/** Rates over memory that all threads share, `rateCellBytes` long. */
export function createRateCells(memory: CellMemory): RateCells {
  const { buffer, at, cells, row } = memory;
  const size = allCells(cells);
  const timesAt = at + cellTableBytes(cells);
  const times = new BigInt64Array(buffer, timesAt, size);
  const runningAt = timesAt + size * 8;
  const running = new Int32Array(buffer, runningAt, size);
  const rowOf = (index: number) => new Int32Array(buffer, runningAt + size * 4 * (index + 1), size);
  const mine = rowOf(row);
  const scratchTime = new Float64Array(1);
  const scratchBits = new BigInt64Array(scratchTime.buffer);

  const timeOf = (bits: bigint): number => {
    scratchBits[0] = bits;
    return scratchTime[0] ?? 0;
  };
  const bitsOf = (timeMs: number): bigint => {
    scratchTime[0] = timeMs;
    return scratchBits[0] ?? 0n;
  };
  const table = createCellTable(
    memory,
    (cell, nowMs) => Atomics.load(running, cell) === 0 && timeOf(Atomics.load(times, cell)) <= nowMs,
    (cell) => void Atomics.store(times, cell, 0n),
  );

  function add(cell: number, ms: number): void {
    for (;;) {
      const before = Atomics.load(times, cell);
      if (Atomics.compareExchange(times, cell, before, bitsOf(timeOf(before) + ms)) === before) return;
    }
  }

  function giveBack(cell: number): void {
    Atomics.sub(mine, cell, 1);
    Atomics.sub(running, cell, 1);
  }

  return {
    spendRate(ask, nowMs) {
      const cost = ask.cost ?? 1;
      for (;;) {
        const cell = table.find(ask.counter, ask.name, nowMs);
        const before = Atomics.load(times, cell);
        const result = spend(ask.rate, timeOf(before), cost, nowMs);
        if (!result.conforms) return { cell, result };
        if (Atomics.compareExchange(times, cell, before, bitsOf(result.tatMs)) !== before) continue;
        if (table.isStillOf(cell, ask.counter)) return { cell, result };
        add(cell, -ask.rate.intervalMs * cost);
      }
    },
    unspendRate: (cell, { rate, cost = 1 }) => add(cell, -rate.intervalMs * cost),
    look(ask, nowMs) {
      const cell = table.find(ask.counter, ask.name, nowMs);
      if (ask.kind === 'concurrency') return Atomics.load(running, cell) < ask.limit ? undefined : refusedFull(ask);
      const result = spend(ask.rate, timeOf(Atomics.load(times, cell)), ask.cost ?? 1, nowMs);
      return result.conforms ? undefined : refusedRate(ask, result, nowMs);
    },
    charge({ rate: { intervalMs, burst }, counter, name }, units, nowMs) {
      const cell = table.find(counter, name, nowMs);
      for (;;) {
        const before = Atomics.load(times, cell);
        const start = arrivalAt({ intervalMs, burst }, timeOf(before), 0, nowMs);
        const next = Math.max(start, Math.min(start + units * intervalMs, nowMs + burst * intervalMs));
        if (Atomics.compareExchange(times, cell, before, bitsOf(next)) === before) return;
      }
    },
    raise(ask, resetMs, nowMs) {
      const untilMs = nowMs + resetMs;
      // Too far ahead it was seen of another rate: told again and again it would let in one each time.
      if (arrivalAt(ask.rate, untilMs, 0, nowMs) < untilMs) return;
      const cell = table.find(ask.counter, ask.name, nowMs);
      for (;;) {
        const before = Atomics.load(times, cell);
        if (timeOf(before) >= untilMs) return;
        if (Atomics.compareExchange(times, cell, before, bitsOf(untilMs)) === before) return;
      }
    },
    hasRoom(counter, rate, cost, nowMs) {
      // Asked of failures alone: where all cells are in use it has to look where these are counted.
      const cell = table.find(counter, 'failures', nowMs);
      return spend(rate, timeOf(Atomics.load(times, cell)), cost, nowMs).conforms;
    },
    take(ask, nowMs) {
      for (;;) {
        const cell = table.find(ask.counter, ask.name, nowMs);
        const before = Atomics.load(running, cell);
        if (before >= ask.limit) return undefined;
        if (Atomics.compareExchange(running, cell, before, before + 1) !== before) continue;
        Atomics.add(mine, cell, 1);
        if (table.isStillOf(cell, ask.counter)) return { cell, taken: before + 1 };
        giveBack(cell);
      }
    },
    giveBack,
    standing(ask, nowMs) {
      const cell = table.find(ask.counter, ask.name, nowMs);
      if (ask.kind === 'concurrency') {
        const remaining = Math.max(0, ask.limit - Atomics.load(running, cell));
        return { name: ask.name, limit: ask.limit, remaining, windowS: 0, resetMs: 0 };
      }
      const tatMs = arrivalAt(ask.rate, timeOf(Atomics.load(times, cell)), 1, nowMs);
      const used = Math.ceil((tatMs - nowMs) / ask.rate.intervalMs);
      return rateStanding(ask, Math.max(0, ask.rate.burst - used), tatMs - nowMs);
    },
    held() {
      let sum = 0;
      for (let cell = 0; cell < size; cell++) sum += Atomics.load(running, cell);
      return sum;
    },
    reclaim(dead) {
      table.reclaim(dead);
      const theirs = rowOf(dead);
      for (let cell = 0; cell < size; cell++) {
        const count = Atomics.exchange(theirs, cell, 0);
        if (count !== 0) Atomics.sub(running, cell, count);
      }
    },
  };
}
