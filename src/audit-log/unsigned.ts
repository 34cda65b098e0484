/** Records that no checkpoint is over. */
export interface Unsigned {
  readonly records: number;
  /** Milliseconds between the earliest and the latest of them; 0 where they have no times. */
  readonly spanMs: number;
}

/** There are none. */
export const NOTHING_UNSIGNED: Unsigned = { records: 0, spanMs: 0 };

/** Counts them one by one. */
export function createUnsigned(): { saw: (timeMs: number | undefined) => void; told: () => Unsigned } {
  let [records, firstMs, lastMs] = [0, Infinity, -Infinity];
  return {
    saw(timeMs) {
      records++;
      if (timeMs === undefined) return;
      firstMs = Math.min(firstMs, timeMs);
      lastMs = Math.max(lastMs, timeMs);
    },
    told: () => ({ records, spanMs: Math.max(0, lastMs - firstMs) }),
  };
}

/**
 * A checkpoint is made each second: of what spans more than this somebody has taken the checkpoints away, or written it
 * without the gateway. Records come up to a minute late (those that stand for many), and a machine may be slow.
 */
export const MOST_UNSIGNED_MS = 120_000;
