import { crc32 } from 'node:zlib';
import type { UpstreamStates } from '../../forward/upstream-states.ts';
import { FIELD, layoutOf, RING_SIZE, type UpstreamMemory } from './upstream-memory.ts';
import { createUpstreamPlaces } from './upstream-places.ts';

const FAULTS_TO_DOWN = 3;
const PRINCIPALS_TO_DOWN = 3;
/** Highest bit of a ring entry: the request got no 5xx. The rest is a hash of its principal. */
const GOOD = 1 << 30;

/** States of one thread, which also knows the upstreams by their numbers in the memory. */
export interface SharedUpstreamStates extends UpstreamStates {
  numberOf(index: number): number;
  /** -1 where the configuration has it no more. */
  indexOf(upstream: number): number;
}

/**
 * States of one thread over the memory that all share.
 *
 * @param row index of this thread
 * @param onFreed told when a place comes free at an upstream that somebody waits for, by its number in the memory
 */
export function createUpstreamStates(
  memory: UpstreamMemory,
  row: number,
  onFreed: (upstream: number) => void = () => undefined,
): SharedUpstreamStates {
  const words = new Int32Array(memory.buffer);
  const layout = layoutOf(memory);
  const places = createUpstreamPlaces(memory);
  const numberOf = (index: number): number => memory.numbers[index] ?? 0;
  const at = (index: number, field: number): number => layout.field(numberOf(index), field);

  function note(index: number, principalId: string, isGood: boolean): void {
    const next = Atomics.add(words, at(index, FIELD.RING_NEXT), 1);
    const entry = hashOf(principalId) | (isGood ? GOOD : 0);
    Atomics.store(words, at(index, FIELD.RING + (((next % RING_SIZE) + RING_SIZE) % RING_SIZE)), entry);
  }

  function noteFault(index: number): void {
    const faults = Atomics.add(words, at(index, FIELD.FAULTS), 1) + 1;
    if (faults >= FAULTS_TO_DOWN) Atomics.store(words, at(index, FIELD.IS_DOWN), 1);
  }

  return {
    begin: (index, tenant, nowMs) => places.take(row, numberOf(index), tenant, nowMs),
    end(index, tenant) {
      const number = numberOf(index);
      // First given back, then looked: see the waiting room for the other half.
      places.giveBack(row, number, tenant);
      if (places.waiting(number) > 0) onFreed(number);
    },
    numberOf,
    indexOf: (number) => memory.numbers.indexOf(number),
    outstanding: (index) => Atomics.load(words, at(index, FIELD.OUTSTANDING)),
    isLimited: (index) => places.limit(numberOf(index)) !== 'none',
    waiting: (index) => places.waiting(numberOf(index)),
    isUp: (index) => Atomics.load(words, at(index, FIELD.IS_DOWN)) === 0,
    mayTry(index, nowMs) {
      const nowS = Math.floor(nowMs / 1000) & 0x7fffffff;
      const last = Atomics.load(words, at(index, FIELD.LAST_TRY_S));
      return last !== nowS && Atomics.compareExchange(words, at(index, FIELD.LAST_TRY_S), last, nowS) === last;
    },
    noteSuccess(index, routeIndex, principalId) {
      note(index, principalId, true);
      Atomics.store(words, at(index, FIELD.FAULTS), 0);
      Atomics.store(words, at(index, FIELD.IS_DOWN), 0);
      Atomics.store(words, at(index, FIELD.LAST_ROUTE), routeIndex + 1);
    },
    noteFault,
    noteTimeout(index, answersBefore) {
      if (Atomics.load(words, at(index, FIELD.RING_NEXT)) === answersBefore) noteFault(index);
    },
    noteFirstByte(index, ms) {
      Atomics.add(words, at(index, FIELD.FIRST_BYTE_MS), Math.round(ms));
      Atomics.add(words, at(index, FIELD.FIRST_BYTES), 1);
    },
    answers: (index) => Atomics.load(words, at(index, FIELD.RING_NEXT)),
    noteServerError(index, principalId) {
      note(index, principalId, false);
      // The connection works: what failed is this request.
      Atomics.store(words, at(index, FIELD.FAULTS), 0);
      const principals = new Set<number>();
      for (let i = 0; i < RING_SIZE; i++) {
        const entry = Atomics.load(words, at(index, FIELD.RING + i));
        if (entry === 0 || (entry & GOOD) !== 0) return;
        principals.add(entry);
      }
      if (principals.size >= PRINCIPALS_TO_DOWN) Atomics.store(words, at(index, FIELD.IS_DOWN), 1);
    },
    markUp(index) {
      Atomics.store(words, at(index, FIELD.FAULTS), 0);
      for (let i = 0; i < RING_SIZE; i++) Atomics.store(words, at(index, FIELD.RING + i), 0);
      Atomics.store(words, at(index, FIELD.IS_DOWN), 0);
    },
    lastRoute: (index) => Atomics.load(words, at(index, FIELD.LAST_ROUTE)) - 1,
  };
}

/** Never 0, and without the bit of `GOOD`. */
const hashOf = (principalId: string): number => (crc32(principalId) & (GOOD - 1)) | 1;
