import type { Clock } from '../../src/kernel/clock.ts';

/** A clock that stands still until it is told. */
export interface SettableClock extends Clock {
  /** Moves time on and runs every timer that is due, in order. */
  advance(ms: number): void;
  /** Timers that wait. */
  waiting(): number;
}

interface Waiting {
  atMs: number;
  readonly run: () => void;
}

/** @param nowMs where it starts, milliseconds since the epoch */
export function settableClock(nowMs = 1_700_000_000_000): SettableClock {
  let now = nowMs;
  const timers = new Set<Waiting>();
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    after(ms, run) {
      const timer = { atMs: now + ms, run };
      timers.add(timer);
      return {
        cancel: () => void timers.delete(timer),
        refresh() {
          timer.atMs = now + ms;
          timers.add(timer);
        },
      };
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        let due: Waiting | undefined;
        for (const timer of timers) if (timer.atMs <= end && timer.atMs < (due?.atMs ?? Infinity)) due = timer;
        if (due === undefined) break;
        timers.delete(due);
        now = due.atMs;
        due.run();
      }
      now = end;
    },
    waiting: () => timers.size,
  };
}
