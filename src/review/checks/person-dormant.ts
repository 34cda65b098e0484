import { dayOf, idleDays, type Check } from '../check.ts';

const DAYS = 90;

/** Somebody who has left, and whose account has not. */
export const personDormant: Check = {
  id: 'person-dormant',
  severity: 'medium',
  title: `Person who has not signed in for ${DAYS} days`,
  standard: 'NIST SP 800-53 AC-2(3) (disable accounts)',
  mend: 'sallyport users disable ID',
  run: ({ people, nowMs }) =>
    people
      .filter(({ createdAtMs, lastSignInAtMs }) => idleDays(createdAtMs, lastSignInAtMs, nowMs) >= DAYS)
      .map(({ id, createdAtMs, lastSignInAtMs }) => ({
        subject: `users/${id}`,
        what: `${id} has not signed in for ${idleDays(createdAtMs, lastSignInAtMs, nowMs)} days.`,
        evidence: [
          `made on ${dayOf(createdAtMs)}, ${lastSignInAtMs === undefined ? 'never signed in' : `last on ${dayOf(lastSignInAtMs)}`}`,
        ],
        mend: `sallyport users disable ${id}`,
      })),
};
