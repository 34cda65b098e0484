import type { Clock } from '../kernel/clock.ts';
import { grantedModels, withMore } from './credentials.ts';
import type { ApiKeyRecord, ClientRecord } from './records.ts';
import { rightsOf } from './rights.ts';
import type { DirectoryState } from './state.ts';

/** Permissions that nobody has used for so long are named. */
const UNUSED_MS = 30 * 86_400_000;

/** What is asked about the use of permissions. */
export interface PermissionBook {
  readonly directory: DirectoryState;
  readonly lastPermissionUseMs: (holder: string, permission: string) => number | undefined;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/**
 * What a key or client may do and has not done for 30 days: scopes, and models as `model:NAME`; `model:*` where it may use
 * all and has used none.
 *
 * @param holder `key:` or `client:` with its id
 */
export function unusedOf(
  holder: string,
  record: ApiKeyRecord | ClientRecord,
  { directory, lastPermissionUseMs, clock }: PermissionBook,
): string[] {
  const roles = 'roles' in record ? record.roles : [];
  const held = rightsOf({ roles, groups: record.groups }, record.tenant, directory);
  const models = grantedModels(withMore(record.models, held.models), directory.tenants.get(record.tenant)?.models);
  const all = [...record.scopes, ...held.scopes, ...models.map((model) => `model:${model}`)];
  const afterMs = clock.nowMs() - UNUSED_MS;
  const isUsed = (permission: string): boolean => (lastPermissionUseMs(holder, permission) ?? -Infinity) > afterMs;
  return [...new Set(all)].filter((permission) => !isUsed(permission));
}
