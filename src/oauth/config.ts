import * as z from 'zod';
import type { DeepReadonly } from '../kernel/deep-readonly.ts';
import { choice, duration, durationOrNone, group, issuerUrl, text } from '../kernel/option.ts';

/** The company's OpenID provider, at which people sign in. */
const federation = group({
  issuer: issuerUrl('Give the issuer of the provider: an https URL without query or fragment.')
    .optional()
    .describe('The OpenID provider at which people sign in; its metadata is found by discovery.'),
  clientId: text('Give the client id by which the provider knows this gateway.')
    .optional()
    .describe('Our client id there.'),
  clientSecret: text('Give the secret of that client, best as ${env:NAME} or ${file:PATH}.')
    .optional()
    .describe('Its secret.'),
  groups: z
    .record(
      text('Give the name of a group at the provider.'),
      text('Give the name of a group of this gateway, as groups list shows it.', (name) => name.length <= 128),
      { error: 'Give a map from groups of the provider to groups of this gateway.' },
    )
    .prefault({})
    .describe('Groups of the claim `groups`, and the group of this gateway that each stands for.'),
}).superRefine(({ issuer, clientId, clientSecret, groups }, context) => {
  const say = (name: string, message: string) =>
    context.addIssue({ code: 'custom', path: [name], message, input: undefined });
  if (issuer === undefined) {
    if (clientId !== undefined || clientSecret !== undefined || Object.keys(groups).length > 0)
      say('issuer', 'Give the issuer of the provider, or leave out the rest.');
    return;
  }
  if (clientId === undefined) say('clientId', 'Give the client id by which the provider knows this gateway.');
  if (clientSecret === undefined)
    say('clientSecret', 'Give the secret of that client, best as ${env:NAME} or ${file:PATH}.');
  if (Object.keys(groups).length === 0)
    say('groups', 'Give at least one group: nobody could sign in, such as { engineers: chat-users }.');
});

/** The authorization server of our own. Comes out in milliseconds: `accessTokenTtlMs`, `refreshTokenTtlMs`. */
export const authorizationServerConfig = group({
  enabled: z
    .union([z.boolean(), z.literal('auto')], {
      error: 'Give true, false or auto (on from the first client or user on).',
    })
    .prefault('auto')
    .describe('Whether it answers; auto: from the first client or user on.'),
  accessTokenTtl: duration('1m', '1h').prefault('10m').describe('Longest life of an access token.'),
  refreshTokenTtl: duration('10m', '30d').prefault('8h').describe('How long a refresh token that is not used lives.'),
  requireSecondFactor: choice('none', 'admins', 'all')
    .prefault('admins')
    .describe('Who must sign in with a second factor; admins: before a scope that administers is granted.'),
  ownerMaxAge: durationOrNone('1h', '3650d')
    .prefault('none')
    .describe('How long somebody may not have signed in before the API keys that belong to them stop.'),
  federation: federation.prefault({}),
})
  .prefault({})
  .transform(({ accessTokenTtl, refreshTokenTtl, ownerMaxAge, ...rest }) => ({
    ...rest,
    ownerMaxAgeMs: ownerMaxAge,
    accessTokenTtlMs: accessTokenTtl,
    refreshTokenTtlMs: refreshTokenTtl,
  }));

/** The authorization server as it comes out. */
export type AuthorizationServerConfig = DeepReadonly<z.output<typeof authorizationServerConfig>>;
