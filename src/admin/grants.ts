import * as z from 'zod';
import { deny } from '../kernel/reasons.ts';
import { operation, type Resource } from './operation.ts';

const grant = z.strictObject({
  id: z.string(),
  user: z.string(),
  client: z.string(),
  scopes: z.array(z.string()),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
});

/** What people have allowed clients. */
export const grantList = z.strictObject({ items: z.array(grant), next: z.null() });
/** A consent that was ended. */
export const grantEnded = z.strictObject({ id: z.string(), state: z.literal('revoked') });

const exampleId = 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE';

/** Consents of people. */
export const grants: Resource = {
  name: 'grants',
  schemas: { GrantList: grantList, GrantEnded: grantEnded },
  operations: (deps) => [
    operation({
      id: 'listGrants',
      method: 'GET',
      path: '/grants',
      scope: 'admin:read',
      summary: 'List what people have allowed clients.',
      status: 200,
      response: grantList,
      example: {
        items: [
          {
            id: exampleId,
            user: 'u_Ab12cd34Ef56gh78',
            client: 'c_Ab12cd34Ef56gh78',
            scopes: ['inference:chat'],
            createdAt: '2030-01-01T00:00:00.000Z',
            expiresAt: '2030-01-31T00:00:00.000Z',
          },
        ],
        next: null,
      },
      async handle() {
        const items = (await deps.access.grants()).map(({ id, user, client, scopes, createdAtMs, expiresAtMs }) => ({
          id,
          user,
          client,
          scopes: [...scopes],
          createdAt: new Date(createdAtMs).toISOString(),
          expiresAt: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
        }));
        return { value: { items, next: null } };
      },
    }),
    operation({
      id: 'revokeGrant',
      method: 'POST',
      path: '/grants/{id}/revoke',
      scope: 'admin:write',
      summary: 'End a consent with all its tokens; it holds from the next request on.',
      status: 200,
      response: grantEnded,
      example: { id: exampleId, state: 'revoked' },
      async handle({ id, actor }) {
        if (!(await deps.access.endGrant(id))) return deny('unknown_object');
        deps.logChange(actor, 'grants.revoke', id);
        return { value: { id, state: 'revoked' as const } };
      },
    }),
  ],
};
