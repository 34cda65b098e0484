import { crc32 } from 'node:zlib';
import type { UpstreamStates } from '../../forward/upstream-states.ts';

/** Shared memory for the states of `upstreams` upstreams and `rows` threads. */
export interface UpstreamMemory {
  readonly buffer: SharedArrayBuffer;
  readonly upstreams: number;
  readonly rows: number;
}

const OUTSTANDING = 0;
const FAULTS = 1;
const IS_DOWN = 2;
const LAST_TRY_S = 3;
const LAST_ROUTE = 4;
const RING_NEXT = 5;
const RING = 6;
const RING_SIZE = 20;
const WORDS = RING + RING_SIZE;

const FAULTS_TO_DOWN = 3;
const PRINCIPALS_TO_DOWN = 3;
/** Highest bit of a ring entry: the request got no 5xx. The rest is a hash of its principal. */
const GOOD = 1 << 30;

/** Sets shared memory aside. */
export function createUpstreamMemory(upstreams: number, rows: number): UpstreamMemory {
  return { buffer: new SharedArrayBuffer((upstreams * WORDS + rows * upstreams) * 4), upstreams, rows };
}

/** States of one thread over the memory that all share. */
export interface SharedUpstreamStates extends UpstreamStates {
  /** Gives back the outstanding requests of the thread `row`. Only once that thread has ended. */
  reclaim(row: number): void;
}

/** @param row index of this thread */
export function createUpstreamStates(memory: UpstreamMemory, row: number): SharedUpstreamStates {
  const words = new Int32Array(memory.buffer);
  const rowAt = (r: number, index: number) => memory.upstreams * WORDS + r * memory.upstreams + index;
  const at = (index: number, field: number) => index * WORDS + field;

  function note(index: number, principalId: string, isGood: boolean): void {
    const next = Atomics.add(words, at(index, RING_NEXT), 1);
    const entry = hashOf(principalId) | (isGood ? GOOD : 0);
    Atomics.store(words, at(index, RING + (((next % RING_SIZE) + RING_SIZE) % RING_SIZE)), entry);
  }

  function noteFault(index: number): void {
    if (Atomics.add(words, at(index, FAULTS), 1) + 1 >= FAULTS_TO_DOWN) Atomics.store(words, at(index, IS_DOWN), 1);
  }

  return {
    begin(index) {
      Atomics.add(words, at(index, OUTSTANDING), 1);
      Atomics.add(words, rowAt(row, index), 1);
    },
    end(index) {
      Atomics.sub(words, rowAt(row, index), 1);
      Atomics.sub(words, at(index, OUTSTANDING), 1);
    },
    outstanding: (index) => Atomics.load(words, at(index, OUTSTANDING)),
    isUp: (index) => Atomics.load(words, at(index, IS_DOWN)) === 0,
    mayTry(index, nowMs) {
      const nowS = Math.floor(nowMs / 1000) & 0x7fffffff;
      const last = Atomics.load(words, at(index, LAST_TRY_S));
      return last !== nowS && Atomics.compareExchange(words, at(index, LAST_TRY_S), last, nowS) === last;
    },
    noteSuccess(index, routeIndex, principalId) {
      note(index, principalId, true);
      Atomics.store(words, at(index, FAULTS), 0);
      Atomics.store(words, at(index, IS_DOWN), 0);
      Atomics.store(words, at(index, LAST_ROUTE), routeIndex + 1);
    },
    noteFault,
    noteTimeout(index, answersBefore) {
      if (Atomics.load(words, at(index, RING_NEXT)) === answersBefore) noteFault(index);
    },
    answers: (index) => Atomics.load(words, at(index, RING_NEXT)),
    noteServerError(index, principalId) {
      note(index, principalId, false);
      // The connection works: what failed is this request.
      Atomics.store(words, at(index, FAULTS), 0);
      const principals = new Set<number>();
      for (let i = 0; i < RING_SIZE; i++) {
        const entry = Atomics.load(words, at(index, RING + i));
        if (entry === 0 || (entry & GOOD) !== 0) return;
        principals.add(entry);
      }
      if (principals.size >= PRINCIPALS_TO_DOWN) Atomics.store(words, at(index, IS_DOWN), 1);
    },
    markUp(index) {
      Atomics.store(words, at(index, FAULTS), 0);
      for (let i = 0; i < RING_SIZE; i++) Atomics.store(words, at(index, RING + i), 0);
      Atomics.store(words, at(index, IS_DOWN), 0);
    },
    lastRoute: (index) => Atomics.load(words, at(index, LAST_ROUTE)) - 1,
    reclaim(dead) {
      for (let index = 0; index < memory.upstreams; index++) {
        const count = Atomics.exchange(words, rowAt(dead, index), 0);
        Atomics.sub(words, at(index, OUTSTANDING), count);
      }
    },
  };
}

/** Never 0, and without the bit of `GOOD`. */
const hashOf = (principalId: string): number => (crc32(principalId) & (GOOD - 1)) | 1;
