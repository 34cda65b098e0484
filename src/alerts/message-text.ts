import type { Alert, AlertMessage } from './alert.ts';

/** What a message is headed with: severity, what, of whom. */
export function headOf({ kind, severity, title, count, tenant, isResolved }: AlertMessage): string {
  if (kind === 'test' || kind === 'owner') return title;
  if (kind === 'digest') return `Summary: ${title}`;
  const mark = isResolved ? 'RESOLVED' : severity.toUpperCase();
  const of = tenant === undefined ? '' : ` [${tenant}]`;
  return `${mark}: ${title}${of}${count > 1 && kind === 'alerts' ? ` (${count} times)` : ''}`;
}

/** The whole message as lines of plain text, for mail. */
export function linesOf(message: AlertMessage): string[] {
  const { alerts, count, lines } = message;
  const left = count - alerts.length;
  return [
    ...alerts.flatMap((alert) => [...alertLines(alert), '']),
    ...(left > 0 && alerts.length > 0 ? [`and ${left} more of the same kind`, ''] : []),
    ...lines,
  ];
}

const alertLines = (alert: Alert): string[] => [
  `${new Date(alert.timeMs).toISOString()}  ${alert.isResolved ? 'over: ' : ''}${alert.event}  ${alert.subject}`,
  ...(alert.why === '' ? [] : [`  why: ${alert.why}`]),
  ...alert.todo.map((line) => `  do:  ${line}`),
];

/** A message that only shows that a channel works. */
export const testMessage = (timeMs: number): AlertMessage => ({
  ...{ kind: 'test', timeMs, group: '["test"]', event: 'test', tenant: undefined, severity: 'info', count: 0 },
  ...{ title: 'Test message of Sallyport', alerts: [], isResolved: false },
  lines: ['This channel works. Nothing has happened.'],
});
