import type { TenantRecord } from '../directory/records.ts';
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
