import type { Check } from '../check.ts';

/** Who has one today may take it off tomorrow. */
export const secondFactorNotRequired: Check = {
  id: 'second-factor-not-required',
  severity: 'medium',
  title: 'No second factor is asked of administrators',
  standard: 'NIST SP 800-53 IA-2(1)',
  mend: 'authorizationServer.requireSecondFactor: admins',
  run: ({ people, settings: { requireSecondFactor } }) =>
    requireSecondFactor !== 'none' || people.length === 0
      ? []
      : [
          {
            subject: 'config/authorizationServer.requireSecondFactor',
            what: 'Nobody is asked for a second factor, administrators among them.',
            evidence: [`${people.length} people sign in`],
          },
        ],
};
