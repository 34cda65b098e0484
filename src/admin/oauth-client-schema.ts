import * as z from 'zod';
import type { ClientRecord } from '../directory/records.ts';
import { isLoopbackHost } from '../kernel/host.ts';
import { choice, duration, flag, list, text } from '../kernel/option.ts';
import { fields, names } from './api-key-schema.ts';
import { limitFields, limitsShown, showLimits } from './limit-schema.ts';
import { pageOf } from './page.ts';

const REDIRECT =
  'Give an https URL, an http URL of this machine such as http://127.0.0.1/callback, or a reverse-domain scheme such as com.example.app:/callback, without fragment or wildcard.';

const redirectUri = text(REDIRECT, isRedirectUri);

/** RFC 9700 §2.6, RFC 8252 §7: where an answer may go that carries a code. */
function isRedirectUri(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || value.includes('#') || value.includes('*') || /\s/.test(value)) return false;
  if (url.username !== '' || url.password !== '') return false;
  if (url.protocol === 'https:') return true;
  if (url.protocol === 'http:') return isLoopbackHost(url.hostname);
  // A scheme of an app has a dot in it: `javascript:`, `data:` and their like do not.
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol);
}

const JWKS = 'Give a JWK Set with public keys, such as {"keys":[{"kty":"EC",…}]}.';
const jwks = z
  .strictObject(
    { keys: z.array(z.record(z.string(), z.unknown()), { error: JWKS }).min(1, { error: JWKS }).max(16) },
    { error: JWKS },
  )
  .refine(({ keys }) => keys.every((key) => !['d', 'k', 'p', 'q', 'priv'].some((name) => Object.hasOwn(key, name))), {
    error: 'A key of this set shows its private half: give public keys only, and replace that key.',
  });

const CERTIFICATE = 'Give one name of the certificate: dns:NAME, uri:URI or email:ADDRESS.';
const certificateName = z
  .string({ error: CERTIFICATE })
  .regex(/^(dns|uri|email):[\x21-\x7e]{1,256}$/, { error: CERTIFICATE });

const wish = {
  name: fields.name,
  tenant: text('Give the name of a tenant.').optional().describe('Left out: `default`.'),
  grants: list(choice('client_credentials', 'authorization_code', 'device_code'))
    .min(1, { error: 'Give at least one grant.' })
    .describe('How it gets tokens; the two with a user come with refresh tokens.'),
  scopes: fields.scopes.describe('All that its tokens can have: nothing is granted that is not named here.'),
  models: fields.models.optional(),
  groups: names('group').optional().describe('Groups whose rights it has, too.'),
  redirectUris: list(redirectUri).max(32, { error: 'Give at most 32 addresses.' }).optional(),
  authMethod: choice('client_secret_basic', 'private_key_jwt', 'tls_client_auth', 'none')
    .optional()
    .describe(
      'How it shows that it is itself; none for apps that cannot keep a secret. Left out: client_secret_basic.',
    ),
  jwks: jwks.optional().describe('Its public keys, for private_key_jwt.'),
  certificateName: certificateName.optional().describe('The name of its certificate, for tls_client_auth.'),
  ...limitFields,
  accessTokenTtl: duration('1m', '1h')
    .optional()
    .describe('Life of its access tokens, never beyond the configured one.'),
  dpopRequired: flag().optional().describe('Its tokens must be bound to a key (RFC 9449).'),
  parRequired: flag().optional().describe('Its authorization requests must be pushed (RFC 9126).'),
};

/** What a new client is to be. */
export const clientWish = z.strictObject(wish);

/** Fields of a client that are to change; those left out stay. */
export const clientEdit = z
  .strictObject({ ...wish, tenant: z.never().optional(), authMethod: z.never().optional() })
  .partial()
  .omit({ tenant: true, authMethod: true });

/** A client as the admin API shows it. */
export const clientShown = z.strictObject({
  client_id: z.string(),
  name: z.string(),
  tenant: z.string(),
  grants: z.array(z.string()),
  scopes: z.array(z.string()),
  models: z.array(z.string()).describe('`*` are all that its tenant may use.'),
  groups: z.array(z.string()),
  unused: z
    .array(z.string())
    .describe('What its tokens may do and have not done for 30 days, by scope and `model:NAME`.'),
  redirectUris: z.array(z.string()),
  authMethod: z.string(),
  certificateName: z.string().nullable(),
  jwks: z.record(z.string(), z.unknown()).nullable().describe('Its public keys.'),
  ...limitsShown,
  accessTokenTtlS: z.int().nullable(),
  dpopRequired: z.boolean(),
  parRequired: z.boolean(),
  state: z.enum(['active', 'disabled', 'revoked']),
  createdAt: z.iso.datetime(),
  previousUntil: z.iso.datetime().nullable().describe('Until when the secret before the last rotation is accepted.'),
  version: z.int(),
});

/** A client with the secret that is shown this once; null where it has none. */
export const clientWithSecret = clientShown.extend({
  client_secret: z.string().nullable().describe('Shown once and kept nowhere.'),
});

/** A page of clients. */
export const clientPage = pageOf(clientShown);

/** A client for people. */
export type ClientShown = z.output<typeof clientShown>;

/** Shows a record. */
export function showClient(record: ClientRecord, unused: readonly string[], nowMs: number): ClientShown {
  const { certificateName: name, previousSecret, limits } = record;
  return {
    client_id: record.id,
    name: record.name,
    tenant: record.tenant,
    grants: [...record.grants],
    scopes: [...record.scopes],
    models: [...(record.models ?? ['*'])],
    groups: [...record.groups],
    unused: [...unused],
    redirectUris: [...record.redirectUris],
    authMethod: record.authMethod,
    jwks: record.jwks ?? null,
    certificateName: name === undefined ? null : `${name.kind}:${name.value}`,
    ...showLimits(limits),
    accessTokenTtlS: record.accessTokenTtlMs === undefined ? null : record.accessTokenTtlMs / 1000,
    dpopRequired: record.isDpopRequired,
    parRequired: record.isParRequired,
    state: record.state === 'deleted' ? 'revoked' : record.state,
    createdAt: new Date(record.createdAtMs).toISOString(),
    previousUntil:
      previousSecret === undefined || previousSecret.untilMs <= nowMs
        ? null
        : new Date(previousSecret.untilMs).toISOString(),
    version: record.version,
  };
}

/** A client as examples show it. */
export const exampleClient: ClientShown = {
  client_id: 'c_Ab12cd34Ef56gh78',
  name: 'nightly batch',
  tenant: 'default',
  grants: ['client_credentials'],
  scopes: ['inference:chat'],
  models: ['*'],
  groups: [],
  unused: [],
  redirectUris: [],
  authMethod: 'client_secret_basic',
  certificateName: null,
  jwks: null,
  ...showLimits({}),
  accessTokenTtlS: null,
  dpopRequired: false,
  parRequired: false,
  state: 'active',
  createdAt: '2030-01-01T00:00:00.000Z',
  previousUntil: null,
  version: 1,
};
