import { dayOf, type Check } from '../check.ts';

/** A secret is sent with each request, and is known to both sides; a key pair is neither. */
export const clientSharedSecret: Check = {
  id: 'client-shared-secret',
  severity: 'info',
  title: 'OAuth client with a shared secret',
  standard: 'RFC 9700 §2.5',
  mend: 'make the client anew with --auth private_key_jwt or tls_client_auth',
  run: ({ clients }) =>
    clients
      .filter(({ record }) => record.authMethod === 'client_secret_basic')
      .map(({ record }) => ({
        subject: `oauth-clients/${record.id}`,
        what: `Client ${record.id} (${record.name}) shows who it is by a secret.`,
        evidence: [`made on ${dayOf(record.createdAtMs)}, client_secret_basic`],
      })),
};
