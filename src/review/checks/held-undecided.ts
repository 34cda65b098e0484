import { daysBetween, dayOf, type Check } from '../check.ts';

const DAYS = 7;

/** Either it was stolen, and is to be ended; or it was not, and somebody cannot work. */
export const heldUndecided: Check = {
  id: 'held-undecided',
  severity: 'medium',
  title: `Credential that has been held for more than ${DAYS} days`,
  standard: 'NIST SP 800-61 (incident handling)',
  mend: 'sallyport quarantine release ID, or sallyport keys revoke ID',
  run: ({ held, nowMs }) =>
    held
      .filter(({ heldAtMs }) => daysBetween(heldAtMs, nowMs) >= DAYS)
      .map(({ id, rule, heldAtMs }) => ({
        subject: `quarantine/${id}`,
        what: `${id} has been held for ${daysBetween(heldAtMs, nowMs)} days, and nobody has decided.`,
        evidence: [`since ${dayOf(heldAtMs)}, for ${rule}`],
      })),
};
