/** How an upstream is doing, once a second. */
export interface LoadSample {
  /** Requests of this gateway that are there. */
  readonly outstanding: number;
  /** Requests that wait for a place here. */
  readonly held: number;
  /** What the engine itself says; undefined where it does not. */
  readonly engine:
    | { readonly running: number; readonly waiting: number; readonly cacheUsage: number | undefined }
    | undefined;
  /** Mean time to the first byte of the streams that had one lately; undefined where there was none. */
  readonly firstByteMs: number | undefined;
}

/** The limit that was found, and what it was found by. */
export interface AdaptiveLimit {
  readonly limit: number | 'none';
  /** Samples in a row in which the limit held nobody back. */
  readonly calm: number;
  /** The shortest time to the first byte that was seen; it is forgotten little by little. */
  readonly bestMs: number | undefined;
}

/** Nothing is held back. */
export const UNLIMITED: AdaptiveLimit = { limit: 'none', calm: 0, bestMs: undefined };

/** A part of what runs may wait: an engine between two steps always has somebody waiting. */
const PART_WAITING = 0.1;
const LEAST_WAITING = 1;
/** A cache that is fuller makes the engine throw out what it has computed, to compute it again. */
const FULL_CACHE = 0.97;
/** So much longer than the best, and so long at all, is the first byte of an engine that queues. */
const TIMES_BEST = 4;
const SLOW_MS = 2_000;
const FORGET = 1.01;
const DECREASE = 0.9;
const DECREASE_BLIND = 0.8;
const INCREASE = 0.05;
const CALM_SAMPLES = 10;

/**
 * The limit from here on: what the engine cannot compute anyway waits here, where it waits fairly, and not in the
 * engine's own queue. Additive increase, multiplicative decrease (Chiu, Jain 1989), so that several gateways before one
 * engine come to equal parts. Lifted once it has held nobody back for ten samples.
 */
export function nextLimit(before: AdaptiveLimit, sample: LoadSample): AdaptiveLimit {
  const bestMs = bestOf(before.bestMs, sample.firstByteMs);
  const seen = { ...before, bestMs };
  if (isQueueing(sample, bestMs)) return { limit: lowered(before.limit, sample), calm: 0, bestMs };
  if (before.limit === 'none') return seen;
  if (sample.outstanding >= before.limit || sample.held > 0)
    return { ...seen, limit: raised(before.limit, sample), calm: 0 };
  const calm = before.calm + 1;
  return calm >= CALM_SAMPLES ? { ...UNLIMITED, bestMs } : { ...seen, calm };
}

function bestOf(best: number | undefined, now: number | undefined): number | undefined {
  if (best === undefined || now === undefined) return best ?? now;
  return Math.min(best * FORGET, now);
}

function isQueueing({ engine, firstByteMs, outstanding }: LoadSample, bestMs: number | undefined): boolean {
  if (engine !== undefined) return engine.waiting > Math.max(LEAST_WAITING, engine.running * PART_WAITING);
  if (firstByteMs === undefined || bestMs === undefined || outstanding < 2) return false;
  return firstByteMs > SLOW_MS && firstByteMs > bestMs * TIMES_BEST;
}

/** To what the engine computes of ours; below that step by step. */
function lowered(limit: number | 'none', { engine, outstanding }: LoadSample): number {
  // An earlier step down has not shown its effect before so many have ended.
  if (limit !== 'none' && outstanding > limit) return limit;
  if (limit !== 'none') return Math.max(1, Math.min(limit - 1, Math.round(limit * DECREASE)));
  if (engine === undefined) return Math.max(1, Math.floor(outstanding * DECREASE_BLIND));
  // Others may use the engine, too: of those who wait only our part is ours to hold back.
  return Math.max(1, Math.round((outstanding * engine.running) / (engine.running + engine.waiting)));
}

function raised(limit: number, { engine }: LoadSample): number {
  const hasRoom = (engine?.waiting ?? 0) === 0 && (engine?.cacheUsage ?? 0) < FULL_CACHE;
  return hasRoom ? limit + Math.max(1, Math.floor(limit * INCREASE)) : limit;
}
