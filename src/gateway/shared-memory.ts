import { randomBytes } from 'node:crypto';
import { createBodyMemory } from '../adapters/http-server/body-budget.ts';
import { createBanMemory } from '../adapters/memory/ban-cells.ts';
import { createCounterMemory } from '../adapters/memory/counters.ts';
import { createReplayMemory } from '../adapters/memory/replay-set.ts';
import { createMetricsMemory } from '../observers/metrics/series.ts';
import { counterSeed } from './limit-book.ts';
import { createRecordsMemory } from './threads/records-messages.ts';

/** For requests, connections and failures; 12 bytes each, and four for each thread. */
const COUNTER_CELLS = 131_072;
/** For tokens and money; 56 bytes each, and eight for each thread. */
const AMOUNT_CELLS = 262_144;
/** 2 MiB: some 2,000 proofs a second are remembered for as long as they could be repeated. */
const REPLAY_CELLS = 262_144;
/** 4 MiB. */
const BAN_CELLS = 65_536;

/**
 * The memory that all threads of a gateway have in common, but that of the upstreams, which a reload may replace. A row for
 * each worker, and where the control plane counts, too, one more for it.
 */
export function createSharedMemory(workers: number, hmacKey: Uint8Array, monotonicMs: number) {
  const rows = workers + 1;
  return {
    counters: createCounterMemory(COUNTER_CELLS, rows, counterSeed(hmacKey), AMOUNT_CELLS),
    bodies: createBodyMemory(rows),
    metrics: createMetricsMemory(rows),
    replays: createReplayMemory(REPLAY_CELLS, randomBytes(16).toString('hex')),
    bans: createBanMemory(BAN_CELLS, randomBytes(16).toString('hex'), monotonicMs),
    records: createRecordsMemory(workers),
    heartbeats: new SharedArrayBuffer(rows * 4),
  };
}
