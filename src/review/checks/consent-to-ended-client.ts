import { dayOf, type Check } from '../check.ts';

/** What was let in for a client that is gone is let in for nobody that anybody knows. */
export const consentToEndedClient: Check = {
  id: 'consent-to-ended-client',
  severity: 'medium',
  title: 'Consent given to a client that is unknown or ended',
  standard: 'RFC 9700 §4.12 (revocation), RFC 6819 §5.2.2.4',
  mend: 'sallyport grants revoke ID',
  run: ({ consents }) =>
    consents
      .filter(({ clientState }) => clientState !== 'active')
      .map(({ id, user, client, clientState, scopes, createdAtMs }) => ({
        subject: `grants/${id}`,
        what: `${user} lets client ${client}, which is ${clientState}, use ${scopes.join(' ')}.`,
        evidence: [`given on ${dayOf(createdAtMs)}`],
        mend: `sallyport grants revoke ${id}`,
      })),
};
