import type { LogOutput } from '../adapters/log/output.ts';
import type { Clock } from '../kernel/clock.ts';

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
