import type { Check } from '../check.ts';

/** Other signed texts of the same issuer, such as ID tokens, would do as access tokens. */
export const issuerTypes: Check = {
  id: 'issuer-types',
  severity: 'low',
  title: 'Issuer whose tokens need not say that they are access tokens',
  standard: 'RFC 8725 §3.11, RFC 9068 §2.1',
  mend: 'authentication.issuers[].acceptedTypes: [at+jwt], where the issuer writes it',
  run: ({ settings: { issuers } }) =>
    issuers
      .filter(({ acceptedTypes }) => acceptedTypes.some((type) => type === 'absent' || type === 'jwt'))
      .map(({ issuer, acceptedTypes }) => ({
        subject: `issuers/${issuer}`,
        what: `Tokens of ${issuer} need not say that they are access tokens.`,
        evidence: [`typ may be ${acceptedTypes.join(', ')}`],
      })),
};
