import * as z from 'zod';
import { deny } from '../kernel/reasons.ts';
import { operation, type Resource } from './operation.ts';

const session = z.strictObject({ id: z.string(), user: z.string(), signedInAt: z.iso.datetime() });

/** Browsers in which somebody is signed in. */
export const sessionList = z.strictObject({ items: z.array(session), next: z.null() });
/** A sign-in that was ended. */
export const sessionEnded = z.strictObject({ id: z.string(), state: z.literal('revoked') });

const exampleId = 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE';

/** Sign-ins of people. */
export const sessions: Resource = {
  name: 'sessions',
  schemas: { SessionList: sessionList, SessionEnded: sessionEnded },
  operations: (deps) => [
    operation({
      id: 'listSessions',
      method: 'GET',
      path: '/sessions',
      scope: 'admin:read',
      summary: 'List the browsers in which people are signed in.',
      status: 200,
      response: sessionList,
      example: {
        items: [{ id: exampleId, user: 'u_Ab12cd34Ef56gh78', signedInAt: '2030-01-01T00:00:00.000Z' }],
        next: null,
      },
      async handle() {
        const items = (await deps.access.sessions()).map(({ id, user, signedInAtMs }) => ({
          id,
          user,
          signedInAt: new Date(signedInAtMs).toISOString(),
        }));
        return { value: { items, next: null } };
      },
    }),
    operation({
      id: 'revokeSession',
      method: 'POST',
      path: '/sessions/{id}/revoke',
      scope: 'admin:write',
      summary: 'End a sign-in with all that was given in it; it holds from the next request on.',
      status: 200,
      response: sessionEnded,
      example: { id: exampleId, state: 'revoked' },
      async handle({ id, actor }) {
        if (!(await deps.access.endSession(id))) return deny('unknown_object');
        deps.logChange(actor, 'sessions.revoke', id);
        return { value: { id, state: 'revoked' as const } };
      },
    }),
  ],
};
