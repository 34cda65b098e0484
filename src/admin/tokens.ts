import * as z from 'zod';
import { markOf, OWN_ISSUER, type MarkKind, revocationChange } from '../directory/revocations.ts';
import { VersionConflict } from '../directory/store.ts';
import { text } from '../kernel/option.ts';
import { deny } from '../kernel/reasons.ts';
import { operation, type Resource } from './operation.ts';

const tokenUse = z.strictObject({
  issuer: z.string(),
  client: z.string().nullable(),
  subject: z.string(),
  lastIssuedAt: z.iso.datetime().nullable(),
  lastUsedAt: z.iso.datetime(),
  count: z.int().describe('Requests.'),
  networks: z.array(z.string()).describe('Addresses, or networks of IPv6, from which they came; at most 16.'),
});

/** The use of access tokens by client and subject. */
export const tokenUseList = z.strictObject({ items: z.array(tokenUse), next: z.null() });

const KINDS = ['token', 'client', 'subject', 'grant', 'session'] as const satisfies readonly MarkKind[];
/** Ids of other issuers may hold spaces, such as names of a directory. */
const one = text('Give its id, as the log shows it.', (value) => value.length <= 512).optional();
/** An issuer holds none: with one, two things could have the same name. */
const issuer = text('Give the issuer as its tokens write it.', (value) => !value.includes(' ')).optional();

/** Which tokens are to count no more. */
export const tokenRevocation = z
  .strictObject({
    issuer: issuer.describe('Left out: the gateway’s own server.'),
    token: one.describe('One token, by the 22 characters that the log shows.'),
    client: one.describe('All tokens of this client until now.'),
    subject: one.describe('All tokens of this subject until now.'),
    grant: one.describe('All tokens of this consent.'),
    session: one.describe('All tokens of this sign-in.'),
  })
  .refine((body) => KINDS.filter((kind) => body[kind] !== undefined).length === 1, {
    error: 'Say what is to be revoked by exactly one of: token, client, subject, grant, session.',
  });

/** What was revoked. */
export const tokenRevoked = z.strictObject({ revoked: z.string(), at: z.iso.datetime() });

const TRIES = 5;

/** Access tokens: who uses them, and taking them back. */
export const tokens: Resource = {
  name: 'tokens',
  schemas: { TokenUseList: tokenUseList, TokenRevocation: tokenRevocation, TokenRevoked: tokenRevoked },
  operations: (deps) => [
    operation({
      id: 'listTokens',
      method: 'GET',
      path: '/tokens',
      scope: 'admin:read',
      summary: 'List the use of access tokens by client and subject, the last used first.',
      status: 200,
      response: tokenUseList,
      example: {
        items: [
          {
            issuer: 'https://llm.example.org',
            client: 'c_Ab12cd34Ef56gh78',
            subject: 'c_Ab12cd34Ef56gh78',
            lastIssuedAt: '2030-01-01T00:00:00.000Z',
            lastUsedAt: '2030-01-01T00:05:00.000Z',
            count: 12,
            networks: ['192.0.2.7'],
          },
        ],
        next: null,
      },
      handle() {
        const items = deps
          .tokenUses()
          .toSorted((a, b) => b.lastUsedAtMs - a.lastUsedAtMs)
          .map(({ issuer, client, subject, lastIssuedAtMs, lastUsedAtMs, count, networks }) => ({
            issuer,
            client: client === '' ? null : client,
            subject,
            lastIssuedAt: lastIssuedAtMs === undefined ? null : new Date(lastIssuedAtMs).toISOString(),
            lastUsedAt: new Date(lastUsedAtMs).toISOString(),
            count,
            networks: [...networks],
          }));
        return { value: { items, next: null } };
      },
    }),
    operation({
      id: 'revokeTokens',
      method: 'POST',
      path: '/tokens/revoke',
      scope: 'admin:write',
      summary: 'Revoke tokens, of our own or of another issuer; it holds from the next request on.',
      status: 200,
      body: tokenRevocation,
      response: tokenRevoked,
      example: { revoked: 'client:own c_Ab12cd34Ef56gh78', at: '2030-01-01T00:00:00.000Z' },
      async handle({ body, actor }) {
        const kind = KINDS.find((name) => body[name] !== undefined) ?? 'token';
        const mark = markOf(kind, body.issuer ?? OWN_ISSUER, body[kind] ?? '');
        for (let tries = 1; ; tries += 1) {
          const nowMs = deps.clock.nowMs();
          // Kept for good: how long a token of others may live is not ours to know.
          const change = revocationChange(deps.directory, mark, body.issuer === undefined, undefined, nowMs);
          try {
            const committed = await deps.commit([change]);
            deps.logChange(actor, 'tokens.revoke', mark);
            return { value: { revoked: mark, at: new Date(nowMs).toISOString() }, committed };
          } catch (error) {
            if (!(error instanceof VersionConflict)) throw error;
            if (tries === TRIES) return deny('precondition_failed');
          }
        }
      },
    }),
  ],
};
