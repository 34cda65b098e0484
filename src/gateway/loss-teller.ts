import type { LogOutput } from '../adapters/log/output.ts';
import type { Clock } from '../kernel/clock.ts';
import type { LifecycleRecord } from '../kernel/record.ts';

/** How often losses are told while they go on: each batch of a storm may be one. */
const EVERY_MS = 60_000;

/** Tells of records that are missing from the audit log: at once, then the sum of each minute. */
export function createLossTeller(clock: Pick<Clock, 'after'>, log: Pick<LogOutput, 'error'>): (count: number) => void {
  let untold = 0;
  let isCalm = true;

  function tell(): void {
    isCalm = untold === 0;
    if (isCalm) return;
    log.error('audit_log_gap', { lost: untold });
    untold = 0;
    clock.after(EVERY_MS, tell);
  }

  return (count) => {
    untold += count;
    if (isCalm) tell();
  };
}

/**
 * What the log is told where a worker has ended before its time, or whoever can make one end could ask unseen.
 *
 * @param lost records that it had not handed over
 * @param running requests that it had at an upstream: none of them has a record of its end
 */
export const gapOfWorker = (row: number, lost: number, running: number, timeMs: number): LifecycleRecord | undefined =>
  lost + running === 0
    ? undefined
    : { kind: 'lifecycle', timeMs, activity: 'gap', detail: { reason: 'worker-ended', worker: row, lost, running } };
