import { daysBetween, type Check } from '../check.ts';

const DAYS = 7;

/** The old value is why it was rotated. */
export const rotationOpen: Check = {
  id: 'rotation-open',
  severity: 'low',
  title: `Old value of a rotated credential still accepted for more than ${DAYS} days`,
  standard: 'NIST SP 800-57 part 1, 5.3.4',
  mend: 'rotate again with a shorter --overlap',
  run: ({ keys, clients, nowMs }) => [
    ...keys.flatMap(({ record }) => openUntil(`api-keys/${record.id}`, record.name, record.previous?.untilMs, nowMs)),
    ...clients.flatMap(({ record }) =>
      openUntil(`oauth-clients/${record.id}`, record.name, record.previousSecret?.untilMs, nowMs),
    ),
  ],
};

function openUntil(subject: string, name: string, untilMs: number | undefined, nowMs: number) {
  if (untilMs === undefined || daysBetween(nowMs, untilMs) < DAYS) return [];
  return [
    {
      subject,
      what: `The value before the last rotation of ${name} is accepted for ${daysBetween(nowMs, untilMs)} days more.`,
      evidence: [`until ${new Date(untilMs).toISOString()}`],
    },
  ];
}
