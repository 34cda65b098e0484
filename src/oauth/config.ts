import * as z from 'zod';
import type { DeepReadonly } from '../kernel/deep-readonly.ts';
import { choice, duration, durationOrNone, group, laterMap, laterUnset } from '../kernel/option.ts';

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
  federation: group({
    issuer: laterUnset(),
    clientId: laterUnset(),
    clientSecret: laterUnset(),
    groups: laterMap(),
  }).prefault({}),
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
