import type { Alert, AlertMessage, Severity } from './alert.ts';
import { worseOf } from './alert.ts';

/** Counts alerts by event, of what is summed up instead of told. */
export interface Tally {
  add(event: string, severity: Severity, count: number): void;
  readonly count: number;
  readonly severity: Severity;
  /** The most frequent first, one a line. */
  lines(): string[];
}

/** Events that are told apart. */
const MAX_EVENTS = 50;
const MAX_LINES = 20;

/** Nothing is counted yet. */
export function createTally(): Tally {
  const counts = new Map<string, number>();
  let severity: Severity = 'info';
  let count = 0;
  return {
    add(event, worse, more) {
      const name = counts.has(event) || counts.size < MAX_EVENTS ? event : 'other';
      counts.set(name, (counts.get(name) ?? 0) + more);
      severity = worseOf(severity, worse);
      count += more;
    },
    get count() {
      return count;
    },
    get severity() {
      return severity;
    },
    lines() {
      const sorted = [...counts].sort(([, one], [, other]) => other - one);
      const rest = sorted.slice(MAX_LINES).reduce((sum, [, more]) => sum + more, 0);
      const lines = sorted.slice(0, MAX_LINES).map(([event, more]) => `${event}: ${more}`);
      return rest === 0 ? lines : [...lines, `others: ${rest}`];
    },
  };
}

/** A message of what is summed up. */
export const summary = (
  kind: 'left-out' | 'digest',
  nowMs: number,
  title: string,
  facts: Pick<AlertMessage, 'severity' | 'count' | 'lines'>,
): AlertMessage => ({
  ...{ kind, timeMs: nowMs, group: JSON.stringify([kind]), event: kind, tenant: undefined, title },
  ...{ alerts: new Array<Alert>(), isResolved: false, ...facts },
});
