import * as z from 'zod';
import { PASSWORD_LENGTH } from '../directory/password.ts';
import type { UserRecord } from '../directory/records.ts';
import { hasSecondFactor, type UserSecrets } from '../directory/users.ts';
import { list, text } from '../kernel/option.ts';
import { fields } from './api-key-schema.ts';
import { pageOf } from './page.ts';

const NAME = 'Give a login name of 1 to 128 letters, digits and ._@+-, such as ada or ada@example.org.';
const name = text(NAME, (value) => /^[\p{L}\p{N}._@+-]{1,128}$/u.test(value));

const PASSWORD = `Give a password of ${PASSWORD_LENGTH.min} to ${PASSWORD_LENGTH.max} characters.`;
const password = z
  .string({ error: PASSWORD })
  .min(PASSWORD_LENGTH.min, { error: PASSWORD })
  .max(PASSWORD_LENGTH.max, { error: PASSWORD });

const wish = {
  name: name.describe('By which they sign in; upper and lower case are one.'),
  tenant: text('Give the name of a tenant.').optional().describe('Left out: `default`.'),
  scopes: fields.scopes.optional().describe('All that clients can do for them. Left out: those of an API key.'),
  models: fields.models.optional(),
  groups: list(text('Give the name of a group.', (value) => value.length <= 128))
    .max(64, { error: 'Give at most 64 groups.' })
    .optional(),
};

/** What a new person is to be who is given a password. */
export const userWish = z.strictObject({
  ...wish,
  password: password.describe('Kept nowhere but as a hash, and in no answer.'),
});

/** What a new person is to be who chooses a password by an invitation. */
export const invitationWish = z.strictObject(wish);

/** A person as the admin API shows them. */
export const userShown = z.strictObject({
  id: z.string(),
  name: z.string(),
  tenant: z.string(),
  scopes: z.array(z.string()),
  models: z.array(z.string()).describe('`*` are all that their tenant may use.'),
  groups: z.array(z.string()),
  state: z.enum(['invited', 'active', 'disabled']),
  secondFactor: z.boolean().describe('Whether they sign in with a second factor.'),
  identityProvider: z
    .string()
    .nullable()
    .describe('The issuer at which they sign in; null for those who sign in here.'),
  passkeys: z.int().describe('Passkeys with which they sign in, or with which they confirm a password.'),
  recoveryCodes: z.int().describe('Recovery codes that were not used yet.'),
  createdAt: z.iso.datetime(),
  lastSignInAt: z.iso.datetime().nullable(),
  version: z.int(),
});

/** A person with the invitation that is shown this once. */
export const userWithInvitation = userShown.extend({
  invitation: z.string().describe('The link of the invitation: shown once, works once, for 24 hours.'),
});

/** A page of people. */
export const userPage = pageOf(userShown);

/** A person for people. */
export type UserShown = z.output<typeof userShown>;

/** Shows a record with what was opened of it. */
export function showUser(record: UserRecord, secrets: UserSecrets): UserShown {
  return {
    id: record.id,
    name: secrets.name,
    tenant: record.tenant,
    scopes: [...record.scopes],
    models: [...(record.models ?? ['*'])],
    groups: [...record.groups],
    state: record.state === 'deleted' ? 'disabled' : record.state,
    secondFactor: hasSecondFactor(secrets),
    identityProvider: secrets.federated?.issuer ?? null,
    passkeys: secrets.passkeys.length,
    recoveryCodes: secrets.recoveryCodes.length,
    createdAt: new Date(record.createdAtMs).toISOString(),
    lastSignInAt: record.lastSignInAtMs === undefined ? null : new Date(record.lastSignInAtMs).toISOString(),
    version: record.version,
  };
}

/** A person as examples show them. */
export const exampleUser: UserShown = {
  id: 'u_Ab12cd34Ef56gh78',
  name: 'ada',
  tenant: 'default',
  scopes: ['inference:chat', 'models:read'],
  models: ['*'],
  groups: [],
  state: 'active',
  secondFactor: false,
  identityProvider: null,
  passkeys: 0,
  recoveryCodes: 0,
  createdAt: '2030-01-01T00:00:00.000Z',
  lastSignInAt: null,
  version: 1,
};
