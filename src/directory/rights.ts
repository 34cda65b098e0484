import type { Scope } from '../kernel/scope.ts';
import { saysSomething, strictest } from '../kernel/own-limits.ts';
import type { Pool } from '../kernel/exchange.ts';
import type { Bundle, GroupRecord, RecordChange, RoleRecord } from './records.ts';

/** Roles and groups by name, as one thread knows them. */
export interface Rights {
  /** Changes with each change of a role or group: what was made of them before is out of date then. */
  readonly generation: number;
  /**
   * What roles and groups give together; names of nothing give nothing.
   *
   * @param tenant whose member it is for; groups of another one give nothing
   */
  of(holder: { readonly roles: readonly string[]; readonly groups: readonly string[] }, tenant: string): HeldRights;
  apply(changes: readonly RecordChange[]): void;
}

/** Rights with the names of what they come from. */
export interface HeldRights extends Bundle {
  /** All of them, those that came with groups among them. */
  readonly roles: readonly string[];
  /**
   * All that count for the tenant. As with roles those that are not there, or not any more, give nothing and are named all the
   * same: a policy that denies them must not end with them.
   */
  readonly groups: readonly string[];
  /** What the groups' members share. */
  readonly pools: readonly Pool[];
}

/** @param roles, groups the snapshot to start from */
export function createRights(roles: readonly RoleRecord[], groups: readonly GroupRecord[]): Rights {
  const rolesByName = new Map(roles.map((role) => [role.id, role]));
  const groupsByName = new Map(groups.map((group) => [group.id, group]));
  let generation = 0;
  return {
    get generation() {
      return generation;
    },
    of: (holder, tenant) => rightsOf(holder, tenant, { roles: rolesByName, groups: groupsByName }),
    apply(changes) {
      for (const change of changes) {
        if (change.kind === 'role') rolesByName.set(change.record.id, change.record);
        else if (change.kind === 'group') groupsByName.set(change.record.id, change.record);
        else continue;
        generation += 1;
      }
    },
  };
}

/** What roles and groups give together, after the records as they are now. */
export function rightsOf(
  holder: { readonly roles: readonly string[]; readonly groups: readonly string[] },
  tenant: string,
  book: { readonly roles: ReadonlyMap<string, RoleRecord>; readonly groups: ReadonlyMap<string, GroupRecord> },
): HeldRights {
  if (holder.roles.length === 0 && holder.groups.length === 0) return NO_RIGHTS;
  // A claim may say a name twice: it is one group all the same.
  const names = unique(holder.groups);
  const groups = names.flatMap((name) => {
    const group = book.groups.get(name);
    return group?.state === 'active' && (group.tenant ?? tenant) === tenant ? [group] : [];
  });
  const roleNames = new Set([...holder.roles, ...groups.flatMap((group) => group.roles)]);
  const roles = [...roleNames].flatMap((name) => {
    const role = book.roles.get(name);
    return role?.state === 'active' ? [role] : [];
  });
  const bundles: readonly Bundle[] = [...roles, ...groups];
  return {
    roles: [...roleNames],
    groups: names.filter((name) => {
      const group = book.groups.get(name);
      return group?.state !== 'active' || (group.tenant ?? tenant) === tenant;
    }),
    scopes: unique(bundles.flatMap(({ scopes }): readonly Scope[] => scopes)),
    models: unique(bundles.flatMap(({ models }) => models)),
    grants: unique(bundles.flatMap(({ grants }) => grants)),
    limits: strictest(bundles.map(({ limits }) => limits)),
    pools: groups.flatMap((group) => poolOf(group, tenant)),
  };
}

/** Of somebody with neither role nor group. */
export const NO_RIGHTS: HeldRights = {
  roles: [],
  groups: [],
  scopes: [],
  models: [],
  grants: [],
  limits: {},
  pools: [],
};

const unique = <One>(all: readonly One[]): readonly One[] => [...new Set(all)];

/** What the members of a group share; those of each tenant for themselves, so that none can use up another's. */
function poolOf({ id, pool }: GroupRecord, tenant: string): readonly Pool[] {
  return saysSomething(pool)
    ? [{ name: `group.${id}`, subject: JSON.stringify(['group', tenant, id]), limits: pool }]
    : [];
}
