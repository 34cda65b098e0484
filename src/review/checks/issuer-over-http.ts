import type { Check } from '../check.ts';

/** Whoever is in between gives us keys of their own. */
export const issuerOverHttp: Check = {
  id: 'issuer-over-http',
  severity: 'medium',
  title: 'Issuer on plain http',
  standard: 'RFC 8414 §2, RFC 9700 §2.6',
  mend: 'give the issuer a certificate and its https URL',
  run: ({ settings: { issuers } }) =>
    issuers
      .filter(({ issuer }) => issuer.startsWith('http:'))
      .map(({ issuer }) => ({
        subject: `issuers/${issuer}`,
        what: `The keys of ${issuer} are fetched over plain http.`,
        evidence: [issuer],
      })),
};
