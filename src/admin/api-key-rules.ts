import type { ApiKeyRecord, GroupRecord, RoleRecord, TenantRecord } from '../directory/records.ts';
import type { DirectoryState } from '../directory/state.ts';
import { nearest } from '../kernel/nearest.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import type { Expiry } from './api-key-schema.ts';

/** When a key ends, in milliseconds since the epoch; undefined: never. */
export function expiryFrom(expiry: Expiry | null | undefined, nowMs: number): number | undefined {
  if (expiry === null || expiry === undefined) return undefined;
  return 'atMs' in expiry ? expiry.atMs : nowMs + expiry.afterMs;
}

/** Refuses an end that is over. */
export function pastExpiry(expiresAtMs: number | undefined, nowMs: number): Denial | undefined {
  if (expiresAtMs === undefined || expiresAtMs > nowMs) return undefined;
  return deny('value_out_of_range', { param: 'expires', message: 'This time is over: give one that is to come.' });
}

/** Refuses a tenant that does not exist, with the way to make it. */
export function unknownTenant(name: string, known: readonly string[]): Denial {
  const near = nearest(name, known);
  const hint = near === undefined ? '' : ` Did you mean ${near}?`;
  const message = `There is no tenant "${name.slice(0, 64)}".${hint} Create it with: sallyport tenants create ${name.slice(0, 64)}`;
  return deny('invalid_field', { param: 'tenant', message });
}

/** Refuses a key that could not be used from its making on. */
export function disabledTenant({ id, isDisabled }: TenantRecord): Denial | undefined {
  if (!isDisabled) return undefined;
  return deny('conflict', {
    param: 'tenant',
    message: `The tenant ${id} is disabled, so its keys do not work. Enable it with: sallyport tenants enable ${id}`,
  });
}

/** Refuses a grant beyond the tenant's: it would never hold, and that is better said now than found out later. */
export function foreignModel(tenant: TenantRecord, models: readonly string[] | undefined): Denial | undefined {
  if (models === undefined || tenant.models === undefined || tenant.models.includes('*')) return undefined;
  const index = models.findIndex((model) => model !== '*' && tenant.models?.includes(model) !== true);
  if (index < 0) return undefined;
  const message = `The tenant ${tenant.id} may use only: ${tenant.models.join(', ')}.`;
  return deny('invalid_field', { param: `models[${index}]`, message });
}

/** Refuses an owner who is not there, or of another tenant: nobody could answer for the key. */
export function unknownOwner(
  owner: string | null | undefined,
  tenant: string,
  { users }: Pick<DirectoryState, 'users'>,
): Denial | undefined {
  if (owner === null || owner === undefined) return undefined;
  const user = users.get(owner);
  if (user !== undefined && user.state !== 'deleted' && user.tenant === tenant) return undefined;
  const message = `There is nobody with this id in the tenant ${tenant}. See: sallyport users list`;
  return deny('invalid_field', { param: 'owner', message });
}

/** Refuses roles and groups that are not there: a slip in a name would give nothing, and nobody would notice. */
export function unknownBundle(
  {
    roles = [],
    groups = [],
  }: { readonly roles?: readonly string[] | undefined; readonly groups?: readonly string[] | undefined },
  directory: Pick<DirectoryState, 'roles' | 'groups'>,
): Denial | undefined {
  return unknownName('role', roles, directory.roles) ?? unknownName('group', groups, directory.groups);
}

function unknownName(
  what: 'role' | 'group',
  names: readonly string[],
  known: ReadonlyMap<string, RoleRecord | GroupRecord>,
): Denial | undefined {
  const index = names.findIndex((name) => known.get(name)?.state !== 'active');
  const name = names[index];
  if (name === undefined) return undefined;
  const near = nearest(
    name,
    [...known.values()].filter(({ state }) => state === 'active').map(({ id }) => id),
  );
  const hint =
    near === undefined ? `Create it with: sallyport ${what}s create ${name.slice(0, 64)}` : `Did you mean ${near}?`;
  const message = `There is no ${what} "${name.slice(0, 64)}". ${hint}`;
  return deny('invalid_field', { param: `${what}s[${index}]`, message });
}

/** Refuses a key without any right of its own that has none by a role or group either. */
export function noRights({
  scopes,
  models,
  roles,
  groups,
}: Pick<ApiKeyRecord, 'scopes' | 'models' | 'roles' | 'groups'>): Denial | undefined {
  if (roles.length + groups.length > 0) return undefined;
  if (scopes.length === 0) return deny('value_out_of_range', { param: 'scopes', message: 'Give at least one scope.' });
  if (models?.length !== 0) return undefined;
  const message = 'Give at least one model, or leave it out for all that the tenant may use.';
  return deny('value_out_of_range', { param: 'models', message });
}
