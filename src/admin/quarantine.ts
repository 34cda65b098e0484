import * as z from 'zod';
import { BY_OPERATOR, holdChange, isHoldable, releaseChange } from '../directory/quarantines.ts';
import { text } from '../kernel/option.ts';
import { deny } from '../kernel/reasons.ts';
import { operation, type Resource } from './operation.ts';

const held = z.strictObject({
  id: z.string().describe('key: and the public id of an API key, or another name of a credential.'),
  rule: z.string().describe('What found it, or operator.'),
  why: z.string(),
  heldAt: z.iso.datetime(),
  state: z.enum(['held', 'released']),
});

/** A credential that is held, or was. */
export const heldCredential = z.strictObject(held.shape);
/** Credentials that are held. */
export const quarantineList = z.strictObject({ items: z.array(held), next: z.null() });

const example = {
  id: 'key:Ab12Cd',
  rule: 'stolen-key',
  why: '41 requests a minute where 3 are usual, from a network and a client that it never had',
  heldAt: '2030-01-01T00:00:00.000Z',
  state: 'held',
} as const;

const ID = 'Give key: and the public id of an API key, or a name of tokens such as subject:ISSUER SUBJECT.';

/** What is to be held. */
export const credentialHold = z.strictObject({
  id: text(ID, isHoldable),
  why: text('Give a reason of at most 200 characters.', (value) => value.length <= 200).optional(),
});

/** Credentials that nothing is let in with until somebody releases them. */
export const quarantine: Resource = {
  name: 'quarantine',
  schemas: { QuarantineList: quarantineList, HeldCredential: heldCredential, CredentialHold: credentialHold },
  operations: (deps) => [
    operation({
      id: 'listQuarantine',
      method: 'GET',
      path: '/quarantine',
      scope: 'admin:read',
      summary: 'List the credentials that are held.',
      status: 200,
      response: quarantineList,
      example: { items: [example], next: null },
      handle: () => ({
        value: {
          items: [...deps.directory.quarantines.values()].filter(({ state }) => state === 'held').map(shown),
          next: null,
        },
      }),
    }),
    operation({
      id: 'holdCredential',
      method: 'POST',
      path: '/quarantine',
      scope: 'admin:write',
      summary: 'Hold a credential: its requests are refused with 403 quarantined, and those that run end.',
      status: 201,
      body: credentialHold,
      response: heldCredential,
      example: { ...example, rule: 'operator' },
      async handle({ body, actor }) {
        const { id, why = 'held by hand' } = body;
        const key = /^key:(.*)$/.exec(id)?.[1];
        if (key !== undefined && !deps.directory.apiKeys.has(key)) return deny('unknown_object');
        const change = holdChange(deps.directory, { id, rule: BY_OPERATOR, why, heldAtMs: deps.clock.nowMs() });
        const committed = await deps.commit([change]);
        deps.logChange(actor, 'quarantine.hold', id);
        return { value: shown(change.record), committed, location: `/quarantine/${encodeURIComponent(id)}` };
      },
    }),
    operation({
      id: 'releaseCredential',
      method: 'POST',
      path: '/quarantine/{id}/release',
      scope: 'admin:write',
      summary: 'Let a credential go; it holds from the next request on.',
      status: 200,
      response: heldCredential,
      example: { ...example, state: 'released' },
      async handle({ id, actor }) {
        const before = deps.directory.quarantines.get(id);
        if (before?.state !== 'held') return deny('unknown_object');
        const change = releaseChange(before);
        const committed = await deps.commit([change]);
        deps.logChange(actor, 'quarantine.release', id);
        return { value: shown(change.record), committed };
      },
    }),
  ],
};

const shown = ({ id, rule, why, heldAtMs, state }: Parameters<typeof releaseChange>[0]) => ({
  ...{ id, rule, why, state },
  heldAt: new Date(heldAtMs).toISOString(),
});
