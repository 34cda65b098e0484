import type { Check } from '../check.ts';

/** Whoever gets a weaker key of another kind into the issuer's key set could sign with it. */
export const issuerAlgorithms: Check = {
  id: 'issuer-algorithms',
  severity: 'medium',
  title: 'Issuer without pinned algorithms',
  standard: 'RFC 8725 §3.1, RFC 9068 §4',
  mend: 'authentication.issuers[].algorithms: [ES256], or what the issuer signs with',
  run: ({ settings: { issuers, knownAlgorithms } }) =>
    issuers
      .filter(({ algorithms }) => knownAlgorithms.every((name) => algorithms.includes(name)))
      .map(({ issuer }) => ({
        subject: `issuers/${issuer}`,
        what: `Tokens of ${issuer} may be signed with any algorithm that there is.`,
        evidence: [`${knownAlgorithms.length} algorithms are accepted`],
      })),
};
