import type { ApiKeyShown } from '../../admin/api-key-schema.ts';
import type { GroupShown } from '../../admin/groups.ts';
import type { ClientShown } from '../../admin/oauth-client-schema.ts';
import type { PolicyShown } from '../../admin/policies.ts';
import type { RoleShown } from '../../admin/roles.ts';
import type { TenantShown } from '../../admin/tenants.ts';
import { readScopes } from '../../admin/scopes.ts';
import { cidr } from '../../kernel/option.ts';
import { parseDurationMs } from '../../kernel/units.ts';
import { CommandError } from '../command.ts';
import { makingOf, wishes, wishOf, type AccessFile, type ClientEntry, type KeyEntry } from './access-file.ts';

/** What is there. */
export interface Access {
  readonly tenants: readonly TenantShown[];
  readonly roles: readonly RoleShown[];
  readonly groups: readonly GroupShown[];
  readonly policies: readonly PolicyShown[];
  readonly clients: readonly ClientShown[];
  readonly keys: readonly ApiKeyShown[];
}

/** One step from what is there to what is wanted: a request to the admin API. */
export interface Step {
  readonly action: 'create' | 'change' | 'disable' | 'enable' | 'revoke';
  readonly kind: 'tenant' | 'role' | 'group' | 'policy' | 'client' | 'key';
  /** For a person: the name, for a client or key with its tenant. */
  readonly name: string;
  readonly method: 'POST' | 'PATCH';
  readonly path: string;
  readonly body: object | undefined;
  /** Names of the fields that change. */
  readonly fields: readonly string[];
}

/**
 * The steps to what a file wants, in the order in which they need each other. What is there and does not stand in the file stays as it is.
 *
 * @throws CommandError where a name means several keys, or nobody could administer the gateway any more
 */
export function planOf(file: AccessFile, access: Access, nowMs: number): readonly Step[] {
  const steps = [
    ...(file.tenants ?? []).flatMap((entry) => tenantSteps(entry, access)),
    ...(file.roles ?? []).flatMap((entry) => namedSteps('role', entry.name, wishes.role(entry), access.roles)),
    ...(file.groups ?? []).flatMap((entry) => namedSteps('group', entry.name, wishes.group(entry), access.groups)),
    ...(file.policies ?? []).flatMap((entry) =>
      namedSteps('policy', entry.name, wishes.policy(entry), access.policies),
    ),
    ...(file.clients ?? []).flatMap((entry) => clientSteps(entry, access)),
    ...(file.keys ?? []).flatMap((entry) => keySteps(entry, access)),
  ];
  if (!keepsAdministrator(file, access, nowMs)) {
    throw new CommandError(
      'Nothing was changed: no active API key with admin:write would be left, and nobody could administer the gateway over the network. Keep one, or create another one first.',
    );
  }
  return steps;
}

type TenantEntry = NonNullable<AccessFile['tenants']>[number];

function tenantSteps(entry: TenantEntry, { tenants }: Access): Step[] {
  const { name, state = 'active' } = entry;
  const wish = wishes.tenant(entry);
  const there = tenants.find((tenant) => tenant.id === name);
  const steps: Step[] = [];
  const step = (action: Step['action'], more: Partial<Step>): void => {
    const base = { action, kind: 'tenant', name, body: undefined, fields: [] } as const;
    steps.push({ ...base, method: 'POST', path: `/tenants/${name}/${action}`, ...more });
  };
  const body = there === undefined ? {} : differences(wish, there);
  const fields = Object.keys(body);
  if (there === undefined) step('create', { path: '/tenants', body: { name, ...wish } });
  else if (fields.length > 0) step('change', { method: 'PATCH', path: `/tenants/${name}`, body, fields });
  if (state !== (there?.state ?? 'active')) step(state === 'disabled' ? 'disable' : 'enable', {});
  return steps;
}

const PATHS = { role: '/roles', group: '/groups', policy: '/policies' } as const;

function namedSteps(
  kind: keyof typeof PATHS,
  name: string,
  wish: Readonly<Record<string, unknown>>,
  all: readonly { readonly id: string }[],
): Step[] {
  const there = all.find(({ id }) => id === name);
  const path = PATHS[kind];
  if (there === undefined) {
    return [{ action: 'create', kind, name, method: 'POST', path, body: { name, ...wish }, fields: [] }];
  }
  const body = differences(wish, there);
  const fields = Object.keys(body);
  if (fields.length === 0) return [];
  const own = `${path}/${encodeURIComponent(name)}`;
  return [{ action: 'change', kind, name, method: 'PATCH', path: own, body, fields }];
}

/** Fields of a wish that are not so yet. */
function differences(wish: Readonly<Record<string, unknown>>, there: object): Record<string, unknown> {
  const is: Readonly<Record<string, unknown>> = { ...there };
  const wanted = (name: string): unknown =>
    name === 'scopes' ? fullScopes(wish[name] as readonly string[]) : wish[name];
  return Object.fromEntries(Object.entries(wish).filter(([name]) => !isSame(is[name], wanted(name))));
}

/** `inference:chat` and then `messages` are two scopes of one area. */
function fullScopes(words: readonly string[]): readonly string[] {
  const read = readScopes(words);
  return read.ok ? read.scopes : [];
}

function clientSteps(entry: ClientEntry, { clients }: Access): Step[] {
  const { name, tenant = 'default', state = 'active' } = entry;
  const there = found('OAuth clients', clients, name, tenant);
  const base = { kind: 'client', name: titleOf(name, tenant), fields: [], body: undefined } as const;
  if (there === undefined) {
    if (state === 'revoked') return [];
    const body = { ...makingOf(entry), ...wishes.client(entry) };
    if (state === 'active') return [{ ...base, action: 'create', method: 'POST', path: '/oauth-clients', body }];
    throw new CommandError(`The client ${base.name} is not there yet: create it active, then disable it.`);
  }
  const path = `/oauth-clients/${there.client_id}`;
  if (state === 'revoked') return [{ ...base, action: 'revoke', method: 'POST', path: `${path}/revoke` }];
  for (const [field, value] of Object.entries(makingOf(entry))) {
    if (isSame(value, (there as Readonly<Record<string, unknown>>)[field])) continue;
    throw new CommandError(`${field} of the client ${base.name} cannot be changed: create another one.`);
  }
  const { accessTokenTtl, jwks, ...wish } = wishes.client(entry);
  const body = differences(wish, there);
  const ttlMs = accessTokenTtl === undefined ? undefined : parseDurationMs(accessTokenTtl);
  if (ttlMs !== undefined && ttlMs / 1000 !== there.accessTokenTtlS) body['accessTokenTtl'] = accessTokenTtl;
  if (jwks !== undefined && !isSame(jwks, there.jwks)) body['jwks'] = jwks;
  const fields = Object.keys(body);
  const steps: Step[] = fields.length === 0 ? [] : [{ ...base, action: 'change', method: 'PATCH', path, body, fields }];
  if (state === there.state) return steps;
  const action = state === 'disabled' ? 'disable' : 'enable';
  return [...steps, { ...base, action, method: 'POST', path: `${path}/${action}` }];
}

const titleOf = (name: string, tenant: string): string => (tenant === 'default' ? name : `${name} (${tenant})`);

function keySteps(entry: KeyEntry, { keys }: Access): Step[] {
  const { name, tenant = 'default', state = 'active' } = entry;
  const there = found('API keys', keys, name, tenant);
  const title = titleOf(name, tenant);
  const base = { kind: 'key', name: title, fields: [], body: undefined } as const;
  if (there === undefined) {
    // What is revoked and gone needs no key to be made for it.
    if (state === 'revoked') return [];
    const create: Step = {
      ...base,
      action: 'create',
      method: 'POST',
      path: '/api-keys',
      body: { name, tenant, ...wishOf(entry) },
    };
    if (state === 'active') return [create];
    throw new CommandError(`The key ${title} is not there yet: create it active, then disable it.`);
  }
  const path = `/api-keys/${there.id}`;
  if (state === 'revoked') return [{ ...base, action: 'revoke', method: 'POST', path: `${path}/revoke` }];
  const steps: Step[] = [];
  const body = changes(entry, there);
  const fields = Object.keys(body);
  if (fields.length > 0) steps.push({ ...base, action: 'change', method: 'PATCH', path, body, fields });
  if (state !== there.state) {
    const action = state === 'disabled' ? 'disable' : 'enable';
    steps.push({ ...base, action, method: 'POST', path: `${path}/${action}` });
  }
  return steps;
}

function found<One extends { readonly name: string; readonly tenant: string; readonly state: string }>(
  what: string,
  these: readonly One[],
  name: string,
  tenant: string,
): One | undefined {
  const all = these.filter((one) => one.name === name && one.tenant === tenant && one.state !== 'revoked');
  if (all.length > 1) {
    throw new CommandError(`There are ${all.length} ${what} named ${name} in ${tenant}: rename or revoke all but one.`);
  }
  return all[0];
}

function changes(entry: KeyEntry, there: ApiKeyShown): Record<string, unknown> {
  const wish = wishOf(entry);
  const is: Record<string, unknown> = { ...there, expires: there.expiresAt };
  const durationMs = entry.expires === undefined ? undefined : parseDurationMs(entry.expires);
  // A duration counts from the making of a key: to apply a file again must not give it more time.
  if (durationMs !== undefined) wish['expires'] = new Date(Date.parse(there.createdAt) + durationMs).toISOString();
  const known = (name: string): unknown => (name === 'scopes' ? scopesOf(entry) : wish[name]);
  return Object.fromEntries(
    Object.keys(wish)
      .filter((name) => !isSame(normal(name, is[name]), normal(name, known(name))))
      .map((name) => [name, wish[name]]),
  );
}

const scopesOf = (entry: KeyEntry): readonly string[] => fullScopes(wishOf(entry)['scopes'] as string[]);

/** A form in which two equal values are equal: order of lists and spelling of times and networks aside. */
function normal(name: string, value: unknown): unknown {
  if (name === 'expires' && typeof value === 'string') return Date.parse(value);
  // As the record has it: of one network there are several spellings, and each would be a change each time.
  if (name === 'allowIp') return (value as string[]).map((one) => cidr().safeParse(one).data ?? one);
  if (name === 'onBehalfOf' && typeof value === 'string') return value.toLowerCase();
  return value;
}

function isSame(a: unknown, b: unknown): boolean {
  const text = (value: unknown): string =>
    JSON.stringify(
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value).toSorted(([x], [y]) => (x < y ? -1 : 1))
        : value,
    );
  const ordered = (value: unknown): unknown => (Array.isArray(value) ? value.map(String).toSorted() : value);
  return text(ordered(a)) === text(ordered(b));
}

const ADMIN = 'admin:write';

/** Whether somebody can still administer the gateway, unless nobody could before. */
function keepsAdministrator({ keys = [], tenants = [] }: AccessFile, access: Access, nowMs: number): boolean {
  const stateOf = (id: string) =>
    tenants.find(({ name }) => name === id)?.state ?? access.tenants.find((one) => one.id === id)?.state ?? 'active';
  const isOne = ({ scopes, state, tenant, endMs }: Administrator): boolean =>
    // One that is over stays `active`, and administers nothing.
    state === 'active' && scopes.includes(ADMIN) && endMs > nowMs && stateOf(tenant) === 'active';
  const asIs = (key: ApiKeyShown) => ({ ...key, endMs: endMsOf(key.expiresAt, 0) });
  const asWanted = (entry: KeyEntry, createdMs: number) => ({
    scopes: scopesOf(entry),
    state: entry.state ?? 'active',
    tenant: entry.tenant ?? 'default',
    endMs: endMsOf(entry.expires, createdMs),
  });
  const isOf = (key: ApiKeyShown) => (entry: KeyEntry) =>
    entry.name === key.name && (entry.tenant ?? 'default') === key.tenant;
  const live = access.keys.filter(({ state }) => state !== 'revoked');
  const before = live.map(asIs).filter(({ scopes, state, endMs }) => {
    return state === 'active' && scopes.includes(ADMIN) && endMs > nowMs;
  });
  const after = [
    ...live.filter((key) => !keys.some(isOf(key))).map(asIs),
    ...keys.map((entry) => {
      const there = live.find((key) => isOf(key)(entry));
      return asWanted(entry, there === undefined ? nowMs : Date.parse(there.createdAt));
    }),
  ];
  return before.length === 0 || after.some(isOne);
}

interface Administrator {
  readonly scopes: readonly string[];
  readonly state: string;
  readonly tenant: string;
  /** Milliseconds since the epoch; Infinity where it has no end. */
  readonly endMs: number;
}

function endMsOf(expires: string | null | undefined, createdMs: number): number {
  if (expires === null || expires === undefined) return Infinity;
  const durationMs = parseDurationMs(expires);
  return durationMs === undefined ? Date.parse(expires) : createdMs + durationMs;
}
