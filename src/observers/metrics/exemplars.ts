import { DURATION_BUCKETS_S, EXEMPLAR_BYTES, exemplarBytesOf, FIRST_TOKEN_BUCKETS_S } from './series.ts';

/** A request that stands for a bucket: by its trace one sees why it took so long. */
export interface Exemplar {
  readonly traceId: string;
  /** What was measured, seconds. */
  readonly valueS: number;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
}

/** The two histograms of a series, with the first of their slots. One slot for each bucket, the last one's without bound. */
export const SLOT = { duration: 0, firstToken: DURATION_BUCKETS_S.length + 1 } as const;

/** Slots of a series. */
export const SLOTS = SLOT.firstToken + FIRST_TOKEN_BUCKETS_S.length + 1;

const SEQ = 0;
const ID = 1;
const ID_WORDS = 4;
/** Doubles of a slot, behind its int32 words. */
const VALUE = 3;
const TIME = 4;

/** The exemplars of one series of one thread, which alone writes them. */
export interface ExemplarCells {
  write(slot: number, exemplar: Exemplar): void;
  /** Undefined where there is none, or where it is being written now. */
  read(slot: number): Exemplar | undefined;
  clear(): void;
}

/** @param index of the series */
export function exemplarsOf(memory: SharedArrayBuffer, row: number, index: number): ExemplarCells {
  const start = exemplarBytesOf(row, index);
  const words = new Int32Array(memory, start, (SLOTS * EXEMPLAR_BYTES) / 4);
  const doubles = new Float64Array(memory, start, (SLOTS * EXEMPLAR_BYTES) / 8);
  const wordAt = (slot: number) => (slot * EXEMPLAR_BYTES) / 4;
  const doubleAt = (slot: number) => (slot * EXEMPLAR_BYTES) / 8;

  return {
    write(slot, { traceId, valueS, timeMs }) {
      const at = wordAt(slot);
      const seq = Atomics.load(words, at + SEQ);
      // Odd while it is written: half of one trace's id and half of another's lead nowhere.
      Atomics.store(words, at + SEQ, seq + 1);
      for (let i = 0; i < ID_WORDS; i++) {
        Atomics.store(words, at + ID + i, Number.parseInt(traceId.slice(i * 8, i * 8 + 8), 16) | 0);
      }
      doubles[doubleAt(slot) + VALUE] = valueS;
      doubles[doubleAt(slot) + TIME] = timeMs;
      Atomics.store(words, at + SEQ, seq + 2);
    },
    read(slot) {
      const at = wordAt(slot);
      const seq = Atomics.load(words, at + SEQ);
      if (seq === 0 || (seq & 1) === 1) return undefined;
      let traceId = '';
      for (let i = 0; i < ID_WORDS; i++) {
        traceId += (Atomics.load(words, at + ID + i) >>> 0).toString(16).padStart(8, '0');
      }
      const valueS = doubles[doubleAt(slot) + VALUE] ?? 0;
      const timeMs = doubles[doubleAt(slot) + TIME] ?? 0;
      return Atomics.load(words, at + SEQ) === seq ? { traceId, valueS, timeMs } : undefined;
    },
    clear: () => void words.fill(0),
  };
}

/** The newer of two. */
export const newer = (a: Exemplar | undefined, b: Exemplar | undefined): Exemplar | undefined =>
  a === undefined || (b !== undefined && b.timeMs > a.timeMs) ? b : a;
