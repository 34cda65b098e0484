import { daysBetween, dayOf, type Check } from '../check.ts';

const DAYS = 365;

/** A value that was passed around for a year is known to more people than anybody remembers. */
export const keyOld: Check = {
  id: 'key-old',
  severity: 'low',
  title: `API key or secret older than ${DAYS} days`,
  standard: 'NIST SP 800-57 part 1, 5.3 (cryptoperiods)',
  mend: 'sallyport keys rotate ID --overlap 24h',
  run: ({ keys, nowMs }) =>
    keys
      // A rotation makes a new version; one that never was changed has its first value.
      .filter(({ record }) => record.version === 1 && daysBetween(record.createdAtMs, nowMs) >= DAYS)
      .map(({ record }) => ({
        subject: `api-keys/${record.id}`,
        what: `API key ${record.id} (${record.name}) has the value that it was made with ${daysBetween(record.createdAtMs, nowMs)} days ago.`,
        evidence: [`made on ${dayOf(record.createdAtMs)}, never changed since`],
        mend: `sallyport keys rotate ${record.id}`,
      })),
};
