import { isAdmin, type Check } from '../check.ts';

/** One password that is guessed or phished administers the gateway. */
export const adminWithoutSecondFactor: Check = {
  id: 'admin-without-second-factor',
  severity: 'high',
  title: 'Administrator without a second factor',
  standard: 'NIST SP 800-53 IA-2(1), NIST SP 800-63B AAL2',
  mend: 'have them set one up at /oauth/account, and keep authorizationServer.requireSecondFactor: admins',
  run: ({ people, settings: { requireSecondFactor } }) =>
    people
      .filter(({ scopes, hasSecondFactor }) => isAdmin(scopes) && hasSecondFactor === false)
      .map(({ id, state }) => ({
        subject: `users/${id}`,
        what: `${id} may administer, and has neither a passkey nor a second factor.`,
        evidence: [`${state}; requireSecondFactor is ${requireSecondFactor}`],
      })),
};
