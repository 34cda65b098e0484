import * as z from 'zod';
import { BY_OPERATOR, holdChange, isHoldable, keyIdOf, releaseChange } from '../directory/quarantines.ts';
import { markOf, OWN_ISSUER } from '../directory/revocations.ts';
import { text } from '../kernel/option.ts';
import { deny } from '../kernel/reasons.ts';
import { operation, type Resource } from './operation.ts';
import type { AdminDeps } from './ports.ts';

const held = z.strictObject({
  id: z.string().describe('key: and the public id of an API key, or another name of a credential.'),
  rule: z.string().describe('What found it, or operator.'),
  why: z.string(),
  heldAt: z.iso.datetime(),
  state: z.enum(['held', 'released']),
});

/** A credential that is held, or was. */
export const heldCredential = z.strictObject({
  ...held.shape,
  shared: z
    .boolean()
    .optional()
    .describe(
      'Whether the other instances can know of it, and have not held it anew; left out where no others share what is held.',
    ),
});
/** Credentials that are held. */
export const quarantineList = z.strictObject({ items: z.array(held), next: z.null() });

const example = {
  id: 'key:Ab12Cd',
  rule: 'stolen-key',
  why: '41 requests a minute where 3 are usual, from a network and a client that it never had',
  heldAt: '2030-01-01T00:00:00.000Z',
  state: 'held',
} as const;

const ID =
  'Give key: and the public id of an API key, or a name of tokens: subject:ISSUER SUBJECT, client:ISSUER ID, token:ISSUER HASH, grant:, session: or pair: likewise; the issuer is own for the gateway’s server.';

/** What is to be held. */
export const credentialHold = z.strictObject({
  id: text(ID, (value) => /^[a-z]+:.{1,1024}$/s.test(value)),
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
        const { why = 'held by hand' } = body;
        const id = heldName(body.id, deps);
        const key = keyIdOf(id);
        const record = key === undefined ? undefined : deps.directory.apiKeys.get(key);
        if (key !== undefined && record === undefined) return deny('unknown_object');
        if (!isHoldable(id)) return deny('invalid_field', { param: 'id', message: ID });
        const { tenant } = record ?? {};
        const change = holdChange(deps.directory, { id, rule: BY_OPERATOR, why, heldAtMs: deps.clock.nowMs(), tenant });
        const committed = await deps.commit([change]);
        deps.logChange(actor, 'quarantine.hold', id);
        const value = { ...shown(change.record), ...(await sharedOf(id, deps)) };
        return { value, committed, location: `/quarantine/${encodeURIComponent(id)}` };
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
      async handle({ id: name, actor }) {
        const id = heldName(name, deps);
        const before = deps.directory.quarantines.get(id);
        if (before?.state !== 'held') return deny('unknown_object');
        const change = releaseChange(before);
        const committed = await deps.commit([change]);
        deps.logChange(actor, 'quarantine.release', id);
        return { value: { ...shown(change.record), ...(await sharedOf(id, deps)) }, committed };
      },
    }),
  ],
};

/**
 * The name by which a credential is known (`Principal.marks`) for one that findings, alerts and people use: a client of our own by
 * its id alone, our own server by its URL. Else nothing would be held, and it would look as if it were.
 */
function heldName(name: string, { directory, people }: Pick<AdminDeps, 'directory' | 'people'>): string {
  const client = /^client:(\S+)$/.exec(name)?.[1];
  if (client !== undefined && directory.clients.has(client)) return markOf('client', OWN_ISSUER, client);
  const [, kind, issuer, id] = /^([a-z]+):(\S+) (.+)$/s.exec(name) ?? [];
  return kind !== undefined && issuer === people.publicUrl ? `${kind}:${OWN_ISSUER} ${id}` : name;
}

async function sharedOf(id: string, deps: Pick<AdminDeps, 'isHoldShared'>): Promise<{ readonly shared?: boolean }> {
  const shared = await deps.isHoldShared(id);
  return shared === undefined ? {} : { shared };
}

const shown = ({ id, rule, why, heldAtMs, state }: Parameters<typeof releaseChange>[0]) => ({
  ...{ id, rule, why, state },
  heldAt: new Date(heldAtMs).toISOString(),
});
