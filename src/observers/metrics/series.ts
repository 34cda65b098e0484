/** What one series is of. All values come from bounded sets. */
export interface SeriesLabels {
  readonly route: string;
  readonly model: string;
  readonly status: number;
  readonly code: string;
}

/** Upper bounds of the buckets of request durations, seconds. */
export const DURATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const;
/** Upper bounds of the buckets of the time to the first token, seconds. */
export const FIRST_TOKEN_BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** Words (doubles) of one series. */
export const WORD = {
  count: 0,
  promptTokens: 1,
  completionTokens: 2,
  durationSum: 3,
  firstTokenCount: 4,
  firstTokenSum: 5,
  durationBuckets: 6,
  firstTokenBuckets: 6 + DURATION_BUCKETS_S.length,
} as const;
const WORDS = WORD.firstTokenBuckets + FIRST_TOKEN_BUCKETS_S.length;

/** Most series of one thread; what comes after them is counted under `other`, so that labels stay bounded. */
export const MAX_SERIES = 512;

/** Words of a thread before its series. */
export const GAUGE = {
  openStreams: 0,
  connections: 1,
  droppedLines: 2,
  faults: 3,
  countersDown: 4,
  counterFailures: 5,
  quarantineUnshared: 6,
} as const;
const GAUGES = 8;

/** Shared memory for the metrics of that many threads. */
export function createMetricsMemory(rows: number): SharedArrayBuffer {
  return new SharedArrayBuffer(rows * ROW_WORDS * 8);
}

/** Gauges of one thread, each a double that only this thread writes. */
export function gaugesOf(memory: SharedArrayBuffer, row: number): Float64Array {
  return new Float64Array(memory, row * ROW_WORDS * 8, GAUGES);
}

/** Words of one series of one thread. */
export function seriesOf(memory: SharedArrayBuffer, row: number, index: number): Float64Array {
  return new Float64Array(memory, (row * ROW_WORDS + GAUGES + index * WORDS) * 8, WORDS);
}

/** Bytes of one exemplar: six int32 words and two doubles. */
export const EXEMPLAR_BYTES = 40;
const EXEMPLARS = DURATION_BUCKETS_S.length + 1 + FIRST_TOKEN_BUCKETS_S.length + 1;
const EXEMPLAR_WORDS = (EXEMPLARS * EXEMPLAR_BYTES) / 8;

/** Where the exemplars of one series of one thread begin, in bytes. Behind the numbers: where none is written, no page of it is touched. */
export const exemplarBytesOf = (row: number, index: number): number =>
  (row * ROW_WORDS + GAUGES + MAX_SERIES * WORDS + index * EXEMPLAR_WORDS) * 8;

const ROW_WORDS = GAUGES + MAX_SERIES * (WORDS + EXEMPLAR_WORDS);
