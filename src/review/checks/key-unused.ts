import { idleDays, useOf, type Check } from '../check.ts';

const DAYS = 90;

/** A key that nobody misses is one whose theft nobody notices. */
export const keyUnused: Check = {
  id: 'key-unused',
  severity: 'medium',
  title: `API key that was not used for ${DAYS} days`,
  standard: 'NIST SP 800-53 AC-2(3) (disable accounts)',
  mend: 'sallyport keys disable ID',
  run: ({ keys, nowMs }) =>
    keys
      .filter(({ record, lastUseMs }) => idleDays(record.createdAtMs, lastUseMs, nowMs) >= DAYS)
      .map(({ record, lastUseMs }) => ({
        subject: `api-keys/${record.id}`,
        what: `API key ${record.id} (${record.name}) was not used for ${idleDays(record.createdAtMs, lastUseMs, nowMs)} days.`,
        evidence: [useOf(record.createdAtMs, lastUseMs)],
        mend: `sallyport keys disable ${record.id}`,
      })),
};
