import type { Check } from '../check.ts';

/** Refresh tokens of a public client work for whoever has copied them, where they are bound to no key. */
export const publicClientUnbound: Check = {
  id: 'public-client-unbound',
  severity: 'low',
  title: 'Public client whose tokens are bound to no key',
  standard: 'RFC 9700 §2.2.1 and §2.2.2 (sender-constrained tokens)',
  mend: 'sallyport clients edit ID --require-dpop',
  run: ({ clients }) =>
    clients
      .filter(({ record }) => record.authMethod === 'none' && !record.isDpopRequired)
      .map(({ record }) => ({
        subject: `oauth-clients/${record.id}`,
        what: `Client ${record.id} (${record.name}) cannot keep a secret, and its tokens work for whoever has them.`,
        evidence: [`authentication none, DPoP not required; refresh tokens are rotated`],
      })),
};
