import * as z from 'zod';
import type { GroupRecord, RecordChange } from '../directory/records.ts';
import { markOf, OWN_ISSUER, revocationChange } from '../directory/revocations.ts';
import { text } from '../kernel/option.ts';
import { unknownBundle, unknownTenant } from './api-key-rules.ts';
import { names } from './api-key-schema.ts';
import { bundleFields, bundleFrom, bundleShown, showBundle } from './bundle-schema.ts';
import { poolFields, poolFrom, poolShown, showLimits, showPool } from './limit-schema.ts';
import { namedOperations } from './named.ts';
import type { Operation, Resource } from './operation.ts';
import { pageOf } from './page.ts';
import type { AdminDeps } from './ports.ts';

const NAME = 'Give a name of 1 to 128 letters, digits and ._:@/-, as it stands in the groups claim of an issuer.';

/** The name of a group: issuers write theirs as paths, addresses or numbers. */
const groupName = z.string({ error: NAME }).regex(/^[\p{L}\p{N}._:@/-]{1,128}$/u, { error: NAME });

const more = {
  tenant: text('Give the name of a tenant.')
    .nullable()
    .optional()
    .describe('The tenant whose members alone it counts for; null: all of them.'),
  roles: names('role').optional().describe('Roles that its members have.'),
  ...poolFields,
};

/** What a new group is to be. */
export const groupWish = z.strictObject({ name: groupName, ...more, ...bundleFields });
const groupEdit = z.strictObject({ ...more, ...bundleFields });

/** A group as the admin API shows it. */
export const groupShown = z.strictObject({
  id: z.string().describe('The name.'),
  name: z.string(),
  tenant: z.string().nullable(),
  roles: z.array(z.string()),
  ...bundleShown,
  ...poolShown,
  createdAt: z.iso.datetime(),
  version: z.int(),
});

/** A page of groups. */
export const groupPage = pageOf(groupShown);

/** A group for people. */
export type GroupShown = z.output<typeof groupShown>;

/** Groups: what keys, clients, people and tokens with a name in common have in common. */
export const groups: Resource = {
  name: 'groups',
  schemas: { Group: groupShown, GroupPage: groupPage, GroupWish: groupWish, GroupEdit: groupEdit },
  operations: groupOperations,
};

/** Ends the tokens that our own server has made after a group: their scopes and models were read when they were made. */
export function groupTokenEnds(group: string, { directory, clock }: AdminDeps): readonly RecordChange[] {
  return [revocationChange(directory, markOf('group', OWN_ISSUER, group), true, undefined, clock.nowMs())];
}

function groupOperations(deps: AdminDeps): readonly Operation[] {
  const { directory } = deps;

  function content(
    given: Omit<z.output<typeof groupWish>, 'name'>,
    before?: GroupRecord,
  ):
    | Pick<GroupRecord, 'tenant' | 'roles' | 'scopes' | 'models' | 'grants' | 'limits' | 'pool'>
    | ReturnType<typeof unknownTenant> {
    const tenant = given.tenant === undefined ? before?.tenant : (given.tenant ?? undefined);
    if (tenant !== undefined && !directory.tenants.has(tenant)) {
      return unknownTenant(tenant, [...directory.tenants.keys()]);
    }
    const refused = unknownBundle({ roles: given.roles }, directory);
    const pool = poolFrom(given, before?.pool);
    return refused ?? { tenant, roles: given.roles ?? before?.roles ?? [], pool, ...bundleFrom(given, before) };
  }

  return namedOperations(
    {
      path: 'groups',
      what: 'group',
      title: 'Group',
      records: directory.groups,
      wish: groupWish,
      edit: groupEdit,
      shown: groupShown,
      page: groupPage,
      example: {
        id: 'staff',
        name: 'staff',
        tenant: null,
        roles: ['chat-user'],
        scopes: [],
        models: [],
        grants: [],
        ...showLimits({}),
        ...showPool({}),
        createdAt: '2030-01-01T00:00:00.000Z',
        version: 1,
      },
      show: (record: GroupRecord) => ({
        id: record.id,
        name: record.id,
        tenant: record.tenant ?? null,
        roles: [...record.roles],
        ...showBundle(record),
        ...showPool(record.pool),
        createdAt: new Date(record.createdAtMs).toISOString(),
        version: record.version,
      }),
      made({ name, ...rest }) {
        const made = content(rest);
        return 'code' in made ? made : { id: name, ...made };
      },
      changed: (record, edit) => content(edit, record),
      changesOf: (record, expectedVersion) => [
        { kind: 'group', record, expectedVersion },
        // Nothing can have been made after a group that was not there.
        ...(record.version === 1 ? [] : groupTokenEnds(record.id, deps)),
      ],
      effect: 'It holds from the next request on; tokens that our server has made after it end.',
    },
    deps,
  );
}
