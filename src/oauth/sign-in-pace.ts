import { LRUCache } from 'lru-cache';
import type { Clock } from '../kernel/clock.ts';

/** Slows down whoever guesses passwords or codes. */
export interface SignInPace {
  /** Counts one try; the seconds to wait where it comes too soon, which then is no try. */
  begin(name: string, network: string, what?: 'password' | 'code'): number | undefined;
  /** The try was right. */
  succeeded(name: string, network: string): void;
}

/** Tries without waiting: for one name from one network, and for one name from everywhere. */
const FREE = { own: 5, all: 50 } as const;
/** Never longer, else whoever knows a name could lock its person out. */
const MAX_WAIT_S = 60;
/**
 * For codes from everywhere: they have six digits, so in months of one a minute one is hit (NIST SP 800-63B §3.2.2). Nobody comes
 * there without the password.
 */
const MAX_CODE_WAIT_S = 3600;

interface Tries {
  readonly count: number;
  readonly atMs: number;
}

/**
 * The waiting time doubles with each wrong try beyond the free ones, up to a minute. It is the same for unknown names. From a
 * network in which somebody was right before only their tries from there count: else others could keep them out for good.
 */
export function createSignInPace(clock: Clock): SignInPace {
  const tries = new LRUCache<string, Tries>({ max: 20_000 });
  const known = new LRUCache<string, true>({ max: 20_000 });

  function waitMs(key: string, free: number, maxS: number, nowMs: number): number {
    const { count, atMs } = tries.get(key) ?? { count: 0, atMs: 0 };
    if (count < free) return 0;
    return atMs + 1000 * Math.min(maxS, 2 ** (count - free)) - nowMs;
  }

  return {
    begin(name, network, what = 'password') {
      const nowMs = clock.nowMs();
      const own = `${name} ${network}`;
      const keys = [
        [own, FREE.own, MAX_WAIT_S],
        [name, FREE.all, what === 'code' ? MAX_CODE_WAIT_S : MAX_WAIT_S],
      ] as const;
      const judged = known.has(own) ? keys.slice(0, 1) : keys;
      const wait = Math.max(...judged.map(([key, free, maxS]) => waitMs(key, free, maxS, nowMs)));
      if (wait > 0) return Math.ceil(wait / 1000);
      // Counted before the answer is known: of many tries at once none is free of charge.
      for (const [key] of keys) tries.set(key, { count: (tries.get(key)?.count ?? 0) + 1, atMs: nowMs });
      return undefined;
    },
    succeeded(name, network) {
      tries.delete(`${name} ${network}`);
      known.set(`${name} ${network}`, true);
      const all = tries.get(name);
      if (all !== undefined) tries.set(name, { ...all, count: Math.max(0, all.count - 1) });
    },
  };
}
