import type { LogFacts, LogOutput } from '../adapters/log/output.ts';
import type { Notice } from '../kernel/export.ts';

/** What is no warning itself, but says that one is over. */
const RECOVERIES: ReadonlySet<string> = new Set([
  'audit_log_recovered',
  'counters_up',
  'issuer_recovered',
  'quarantine_shared',
  'upstream_up',
]);

/** A log whose warnings and errors are told as notices, too: what an operator would see there, and no second list of it. */
export function noticing(log: LogOutput, nowMs: () => number, tell: (notice: Notice) => void): LogOutput {
  const noticed =
    (level: 'info' | 'warn' | 'error', severity: Notice['severity']) =>
    (event: string, facts: LogFacts = {}): void => {
      log[level](event, facts);
      if (level === 'info' && !RECOVERIES.has(event)) return;
      const { tenant } = facts;
      tell({
        ...{ timeMs: nowMs(), event, severity, subject: subjectOf(facts) },
        tenant: typeof tenant === 'string' ? tenant : undefined,
        facts: Object.fromEntries(
          Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
        ),
      });
    };
  return {
    ...log,
    info: noticed('info', 'info'),
    warn: noticed('warn', 'warning'),
    error: noticed('error', 'critical'),
  };
}

/** What a line is about: the same fault of two upstreams is two. */
const SUBJECTS = ['subject', 'upstream', 'issuer', 'address', 'holder', 'user', 'row'];

const subjectOf = (facts: LogFacts): string =>
  SUBJECTS.flatMap((name) => (facts[name] === undefined ? [] : [`${name}:${facts[name]}`]))[0] ?? 'gateway';
