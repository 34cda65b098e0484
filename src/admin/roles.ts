import * as z from 'zod';
import type { RoleRecord } from '../directory/records.ts';
import { bundleFields, bundleFrom, bundleShown, showBundle } from './bundle-schema.ts';
import { groupTokenEnds } from './groups.ts';
import { showLimits } from './limit-schema.ts';
import { namedOperations } from './named.ts';
import type { Operation, Resource } from './operation.ts';
import { pageOf } from './page.ts';
import type { AdminDeps } from './ports.ts';

const NAME = 'Give a name of 1 to 63 characters a-z, 0-9 and -, which begins and ends with a letter or digit.';

/** Names of roles and policies. */
export const plainName = z.string({ error: NAME }).regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, { error: NAME });

/** What a new role is to be. */
export const roleWish = z.strictObject({ name: plainName, ...bundleFields });
const roleEdit = z.strictObject(bundleFields);

/** A role as the admin API shows it. */
export const roleShown = z.strictObject({
  id: z.string().describe('The name.'),
  name: z.string(),
  ...bundleShown,
  createdAt: z.iso.datetime(),
  version: z.int(),
});

/** A page of roles. */
export const rolePage = pageOf(roleShown);

/** A role for people. */
export type RoleShown = z.output<typeof roleShown>;

/** Roles: rights under one name. */
export const roles: Resource = {
  name: 'roles',
  schemas: { Role: roleShown, RolePage: rolePage, RoleWish: roleWish, RoleEdit: roleEdit },
  operations: roleOperations,
};

function roleOperations(deps: AdminDeps): readonly Operation[] {
  const { directory } = deps;
  return namedOperations(
    {
      path: 'roles',
      what: 'role',
      title: 'Role',
      records: directory.roles,
      wish: roleWish,
      edit: roleEdit,
      shown: roleShown,
      page: rolePage,
      example: {
        id: 'chat-user',
        name: 'chat-user',
        scopes: ['inference:chat', 'models:read'],
        models: ['tiny'],
        grants: [],
        ...showLimits({ requestsPerMinute: 60 }),
        createdAt: '2030-01-01T00:00:00.000Z',
        version: 1,
      },
      show: (record: RoleRecord) => ({
        id: record.id,
        name: record.id,
        ...showBundle(record),
        createdAt: new Date(record.createdAtMs).toISOString(),
        version: record.version,
      }),
      made: ({ name, ...rest }) => ({ id: name, ...bundleFrom(rest) }),
      changed: (record, edit) => bundleFrom(edit, record),
      changesOf: (record, expectedVersion) => [
        { kind: 'role', record, expectedVersion },
        ...directory.groups
          .values()
          .filter((group) => record.version > 1 && group.roles.includes(record.id))
          .flatMap((group) => groupTokenEnds(group.id, deps)),
      ],
      effect: 'It holds from the next request on; tokens that our server has made after it end.',
    },
    deps,
  );
}
