import type { Silence } from '../kernel/export.ts';
import type { Alert } from './alert.ts';

/** Whoever could silence this, too, would hide what they do next, and nobody would know that there is a silence. */
const NEVER_SILENCED: ReadonlySet<string> = new Set(['silences.create']);

/** The silence that hides an alert; undefined where it is told. What has ended hides nothing. */
export const silenceOf = (alert: Alert, silences: readonly Silence[], nowMs: number): Silence | undefined =>
  NEVER_SILENCED.has(alert.event)
    ? undefined
    : silences.find((silence) => silence.untilMs > nowMs && matches(alert, silence.match));

/** All matchers that are given must match; one that says nothing would hide everything, and matches nothing. */
function matches(alert: Alert, { event, tenant, subject, severity }: Silence['match']): boolean {
  const asked = [
    [event, alert.event],
    [tenant, alert.tenant ?? ''],
    [subject, alert.subject],
    [severity, alert.severity],
  ] as const;
  const given = asked.filter(([wanted]) => wanted !== undefined);
  return given.length > 0 && given.every(([wanted = '', value]) => isLike(wanted, value));
}

const isLike = (wanted: string, value: string): boolean =>
  wanted.endsWith('*') ? value.startsWith(wanted.slice(0, -1)) : value === wanted;
