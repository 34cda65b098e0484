import type { Clock } from '../kernel/clock.ts';

/** Between two tries at the end: a receiver that has just stumbled is there again by then. */
const PAUSE_MS = 250;

/**
 * Tries until it works or the time is over: what a receiver did not take at the end is sent at the next start, and there
 * may be none.
 *
 * @param attempt true once there is nothing more to try
 */
export async function tryAtTheEnd(
  attempt: () => Promise<boolean>,
  clock: Pick<Clock, 'after'>,
  over: AbortSignal,
): Promise<void> {
  while (!(await attempt()) && !over.aborted) {
    await new Promise<void>((resolve) => {
      const timer = clock.after(PAUSE_MS, end);
      over.addEventListener('abort', end, { once: true });
      function end(): void {
        timer.cancel();
        over.removeEventListener('abort', end);
        resolve();
      }
    });
  }
}
