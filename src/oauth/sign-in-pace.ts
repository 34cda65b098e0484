import { LRUCache } from 'lru-cache';
import type { Clock } from '../kernel/clock.ts';

/** Slows down whoever guesses passwords or codes. */
export interface SignInPace {
  /** Counts one try; the seconds to wait where it comes too soon, which then is no try. */
  begin(name: string, network: string): number | undefined;
  /** The try was right. */
  succeeded(name: string, network: string): void;
}

/** Tries without waiting: for one name from one network, and for one name from everywhere. */
const FREE = { own: 5, all: 50 } as const;
/** Never longer, else whoever knows a name could lock its person out. */
const MAX_WAIT_S = 60;

interface Tries {
  readonly count: number;
  readonly atMs: number;
}

/** The waiting time doubles with each wrong try beyond the free ones, up to a minute. It is the same for unknown names. */
export function createSignInPace(clock: Clock): SignInPace {
  const tries = new LRUCache<string, Tries>({ max: 20_000 });

  function waitMs(key: string, free: number, nowMs: number): number {
    const { count, atMs } = tries.get(key) ?? { count: 0, atMs: 0 };
    if (count < free) return 0;
    return atMs + 1000 * Math.min(MAX_WAIT_S, 2 ** (count - free)) - nowMs;
  }

  return {
    begin(name, network) {
      const nowMs = clock.nowMs();
      const keys = [
        [`${name} ${network}`, FREE.own],
        [name, FREE.all],
      ] as const;
      const wait = Math.max(...keys.map(([key, free]) => waitMs(key, free, nowMs)));
      if (wait > 0) return Math.ceil(wait / 1000);
      // Counted before the answer is known: of many tries at once none is free of charge.
      for (const [key] of keys) tries.set(key, { count: (tries.get(key)?.count ?? 0) + 1, atMs: nowMs });
      return undefined;
    },
    succeeded(name, network) {
      tries.delete(`${name} ${network}`);
      const all = tries.get(name);
      if (all !== undefined) tries.set(name, { ...all, count: Math.max(0, all.count - 1) });
    },
  };
}
