import { daysBetween, dayOf, type Check } from '../check.ts';

const DAYS = 180;

/** The longer a key signs, the more a copy of it is worth. */
export const signingKeyOld: Check = {
  id: 'signing-key-old',
  severity: 'low',
  title: `Signing key older than ${DAYS} days`,
  standard: 'NIST SP 800-57 part 1, 5.3.6',
  mend: 'sallyport signing-keys rotate',
  run: ({ signingKeys, nowMs }) =>
    signingKeys
      .filter(({ isCurrent, createdAtMs }) => isCurrent && daysBetween(createdAtMs, nowMs) >= DAYS)
      .map(({ kid, createdAtMs }) => ({
        subject: `signing-keys/${kid}`,
        what: `Tokens are signed with a key that is ${daysBetween(createdAtMs, nowMs)} days old.`,
        evidence: [`made on ${dayOf(createdAtMs)}`],
      })),
};
