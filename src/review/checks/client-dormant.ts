import { idleDays, useOf, type Check } from '../check.ts';

const DAYS = 90;

/** A client that nobody uses still has a secret that somebody may find. */
export const clientDormant: Check = {
  id: 'client-dormant',
  severity: 'medium',
  title: `OAuth client whose tokens were not used for ${DAYS} days`,
  standard: 'NIST SP 800-53 AC-2(3) (disable accounts)',
  mend: 'sallyport clients disable ID',
  run: ({ clients, nowMs }) =>
    clients
      .filter(({ record, lastUseMs }) => idleDays(record.createdAtMs, lastUseMs, nowMs) >= DAYS)
      .map(({ record, lastUseMs }) => ({
        subject: `oauth-clients/${record.id}`,
        what: `Client ${record.id} (${record.name}) was not used for ${idleDays(record.createdAtMs, lastUseMs, nowMs)} days.`,
        evidence: [useOf(record.createdAtMs, lastUseMs)],
        mend: `sallyport clients disable ${record.id}`,
      })),
};
