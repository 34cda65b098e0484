import * as z from 'zod';
import { duration } from '../kernel/option.ts';
import { operation, type Resource } from './operation.ts';

const signingKey = z.strictObject({
  kid: z.string(),
  alg: z.string(),
  use: z.enum(['current', 'previous']),
  createdAt: z.iso.datetime(),
  until: z.iso.datetime().nullable().describe('When what it has signed counts no more.'),
});

/** Signing keys of our own authorization server. */
export const signingKeyList = z.strictObject({ items: z.array(signingKey), next: z.null() });

const rotation = z.strictObject({
  overlap: duration('0s', '30d').prefault('1d').describe('How long what the keys before have signed still counts.'),
});

const example = {
  items: [
    {
      kid: '3f0c1c2e-7a51-4a53-9a0e-2f6f3f8a0c11',
      alg: 'ES256',
      use: 'current' as const,
      createdAt: '2030-01-01T00:00:00.000Z',
      until: null,
    },
  ],
  next: null,
};

/** The keys that tokens of our own are signed with. */
export const signingKeys: Resource = {
  name: 'signing-keys',
  schemas: { SigningKeyList: signingKeyList, SigningKeyRotation: rotation },
  operations: (deps) => {
    const shown = async () => ({
      items: (await deps.signingKeys.list()).map(({ kid, alg, isCurrent, createdAtMs, untilMs }) => ({
        kid,
        alg,
        use: isCurrent ? ('current' as const) : ('previous' as const),
        createdAt: new Date(createdAtMs).toISOString(),
        until: untilMs === undefined ? null : new Date(untilMs).toISOString(),
      })),
      next: null,
    });
    return [
      operation({
        id: 'listSigningKeys',
        method: 'GET',
        path: '/signing-keys',
        scope: 'admin:read',
        summary: 'List the signing keys of the authorization server, without their private halves.',
        status: 200,
        response: signingKeyList,
        example,
        handle: async () => ({ value: await shown() }),
      }),
      operation({
        id: 'rotateSigningKeys',
        method: 'POST',
        path: '/signing-keys/rotate',
        scope: 'admin:write',
        summary: 'Make new signing keys; what the keys before have signed still counts for the overlap.',
        status: 200,
        body: rotation,
        response: signingKeyList,
        example,
        async handle({ body, actor }) {
          await deps.signingKeys.rotate(body.overlap);
          deps.logChange(actor, 'signing-keys.rotate', `overlap=${body.overlap}`);
          return { value: await shown() };
        },
      }),
    ];
  },
};
