import { grantedModels, withMore } from '../directory/credentials.ts';
import type { ClientRecord, UserRecord } from '../directory/records.ts';
import { rightsOf, type HeldRights } from '../directory/rights.ts';
import type { DirectoryState } from '../directory/state.ts';
import type { Scope } from '../kernel/scope.ts';

/** What tokens can have: all of a client where it acts for itself, else what it and the person both have. */
export interface Entitlements {
  scopes(client: ClientRecord, user: UserRecord | undefined): readonly Scope[];
  /** Cut to the tenant's; `*`: all. */
  models(client: ClientRecord, user: UserRecord | undefined): readonly string[];
  /** Closed fields that are open to it. */
  grants(client: ClientRecord, user: UserRecord | undefined): readonly string[];
  /** Groups of whom it is for: of the person, or of the client where there is nobody. */
  groups(client: ClientRecord, user: UserRecord | undefined): readonly string[];
}

/** Reads the directory each time: what was changed counts for the next token. */
export function createEntitlements(directory: Pick<DirectoryState, 'tenants' | 'roles' | 'groups'>): Entitlements {
  const held = ({ groups, tenant }: ClientRecord | UserRecord): HeldRights =>
    rightsOf({ roles: [], groups }, tenant, directory);
  const scopesOf = (one: ClientRecord | UserRecord): readonly Scope[] => [
    ...new Set([...one.scopes, ...held(one).scopes]),
  ];
  const modelsOf = (one: ClientRecord | UserRecord) => withMore(one.models, held(one).models);
  return {
    scopes(client, user) {
      const own = scopesOf(client);
      if (user === undefined) return own;
      const theirs = scopesOf(user);
      return own.filter((scope) => theirs.includes(scope));
    },
    models(client, user) {
      const tenant = directory.tenants.get((user ?? client).tenant);
      const own = grantedModels(modelsOf(client), tenant?.models);
      return user === undefined ? own : grantedModels(modelsOf(user), own);
    },
    grants(client, user) {
      const own = held(client).grants;
      if (user === undefined) return own;
      const theirs = held(user).grants;
      return own.filter((grant) => theirs.includes(grant));
    },
    groups: (client, user) => held(user ?? client).groups,
  };
}
