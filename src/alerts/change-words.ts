import type { JsonValue } from '../kernel/json.ts';
import type { ChangeRecord } from '../kernel/record.ts';
import type { Severity } from './alert.ts';

/** What is said of a change that somebody should know of. */
export interface ChangeWords {
  readonly severity: Severity;
  readonly title: string;
  readonly todo: readonly string[];
}

/** Holders of rights, as they are called. */
const HOLDERS: Readonly<Record<string, string>> = {
  'api-keys': 'An API key',
  'oauth-clients': 'An OAuth client',
  users: 'A person',
  roles: 'A role',
  groups: 'A group',
};

/** Changes by resource and operation. */
const CHANGES: Readonly<Record<string, string>> = {
  'signing-keys.rotate': 'The signing keys of access tokens are rotated',
  'keyring.rotate': 'The keyring is rotated',
  'audit-log.rotate-key': 'The signing key of the audit log is rotated',
  'silences.create': 'Alerts are silenced',
  'audit-log.erase': 'What the audit log says of the people of a tenant can be read by nobody any more',
  'tenants.disable': 'A tenant is disabled',
};

const UNDO: Readonly<Record<string, (id: string) => string>> = {
  'api-keys': (id) => `sallyport keys revoke ${id}`,
  'oauth-clients': (id) => `sallyport clients disable ${id}`,
  users: (id) => `sallyport users disable ${id}`,
  silences: (id) => `sallyport alerts unsilence ${id}`,
};

/** Ids that a command takes as they are. */
const PLAIN_ID = /^[\w-]{1,64}$/;

/** Words of a change; undefined where nobody is to be told. */
export function changeWordsOf({
  resource,
  operation,
  id,
  before,
  after,
  gained,
}: ChangeRecord): ChangeWords | undefined {
  const undo = Object.hasOwn(UNDO, resource) && PLAIN_ID.test(id) ? UNDO[resource]?.(id) : undefined;
  const todo = undo === undefined ? [] : [`where nobody of yours did it: ${undo}`];
  const name = `${resource}.${operation}`;
  const title = Object.hasOwn(CHANGES, name) ? CHANGES[name] : undefined;
  if (title !== undefined) return { severity: 'warning', title, todo };
  const holder = Object.hasOwn(HOLDERS, resource) ? HOLDERS[resource] : undefined;
  // Who can administer can undo everything else: it is what a thief makes first.
  const now = [...adminScopes(after?.['scopes']), ...adminScopes(gained)];
  if (holder === undefined || now.every((scope) => adminScopes(before?.['scopes']).includes(scope))) return undefined;
  return { severity: 'warning', title: `${holder} has got rights of an administrator`, todo };
}

const adminScopes = (scopes: JsonValue | readonly string[] | undefined): readonly JsonValue[] =>
  Array.isArray(scopes) ? scopes.filter((scope) => scope === 'admin:write' || scope === 'lora:write') : [];
