import { LRUCache } from 'lru-cache';
import type { Clock } from '../kernel/clock.ts';

/** Seconds between two questions of a device at first, and by how much they grow (RFC 8628 §3.5). */
export const POLL_INTERVAL_S = 5;

/** Whether a device asks too soon for its token; each time it does it has to wait longer. */
export type PollPace = (deviceCode: string) => boolean;

/** @returns true where the device must slow down */
export function createPollPace(clock: Clock): PollPace {
  const polls = new LRUCache<string, { atMs: number; intervalMs: number }>({ max: 10_000 });
  return (deviceCode) => {
    const nowMs = clock.nowMs();
    const before = polls.get(deviceCode);
    const intervalMs = before?.intervalMs ?? POLL_INTERVAL_S * 1000;
    const isEarly = before !== undefined && nowMs < before.atMs + intervalMs;
    polls.set(deviceCode, { atMs: nowMs, intervalMs: isEarly ? intervalMs + POLL_INTERVAL_S * 1000 : intervalMs });
    return isEarly;
  };
}
