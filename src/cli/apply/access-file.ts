import * as z from 'zod';
import { apiKeyWish } from '../../admin/api-key-schema.ts';
import { groupWish } from '../../admin/groups.ts';
import { clientWish } from '../../admin/oauth-client-schema.ts';
import { policyWish } from '../../admin/policies.ts';
import { roleWish } from '../../admin/roles.ts';
import { formatBudget, parseBudget } from '../../kernel/own-limits.ts';
import { tenantWish } from '../../admin/tenants.ts';
import { DEFAULT_SCOPES } from '../../directory/issue.ts';
import { CAP_NAMES } from '../../vllm/fields/caps.ts';
import { UsageError } from '../command.ts';
import { yamlValueOf } from '../yaml-file.ts';

const words = z.array(z.string(), { error: 'Give a list of texts.' });
const limit = z.union([z.int(), z.literal('none')], { error: 'Give a whole number, or none.' });
const state = z.enum(['active', 'disabled', 'revoked'], { error: 'Give active, disabled or revoked.' });

const limits = {
  rpm: limit.optional(),
  tpm: limit.optional(),
  concurrency: limit.optional(),
  budgetTokens: z.string().optional(),
};
const pool = {
  poolRpm: limit.optional(),
  poolTpm: limit.optional(),
  poolConcurrency: limit.optional(),
  poolBudgetTokens: z.string().optional(),
};

const tenantEntry = z.strictObject({
  name: z.string(),
  models: words.optional(),
  ...limits,
  ...pool,
  state: z.enum(['active', 'disabled'], { error: 'Give active or disabled.' }).optional(),
});

/** Names of the flags of `keys create`; what is left out is as it would be without the flag. */
const keyEntry = z.strictObject({
  name: z.string(),
  tenant: z.string().optional(),
  scopes: words.optional(),
  models: words.optional(),
  ...limits,
  expires: z.string().optional(),
  allowIp: words.optional(),
  grant: words.optional(),
  cap: z.partialRecord(z.enum(CAP_NAMES as readonly [string, ...string[]]), z.int()).optional(),
  onBehalfOf: z.string().optional(),
  owner: z.string().optional(),
  roles: words.optional(),
  groups: words.optional(),
  state: state.optional(),
});

/** Names of the flags of `roles create`. */
const bundle = {
  scopes: words.optional(),
  models: words.optional(),
  grant: words.optional(),
  ...limits,
};
const roleEntry = z.strictObject({ name: z.string(), ...bundle });
const groupEntry = z.strictObject({
  name: z.string(),
  tenant: z.string().optional(),
  roles: words.optional(),
  ...bundle,
  ...pool,
});

/** As the admin API has them. */
const policyEntry = z.strictObject({
  name: z.string(),
  effect: z.string(),
  target: z.record(z.string(), words).optional(),
  conditions: z.record(z.string(), z.union([z.string(), words])).optional(),
});

/** Names of the flags of `clients create`; public keys stand in it themselves. */
const clientEntry = z.strictObject({
  name: z.string(),
  tenant: z.string().optional(),
  grants: words,
  scopes: words,
  models: words.optional(),
  groups: words.optional(),
  redirectUri: words.optional(),
  auth: z.string().optional(),
  jwks: z.record(z.string(), z.unknown()).optional(),
  certificateName: z.string().optional(),
  ...limits,
  accessTokenTtl: z.string().optional(),
  requireDpop: z.boolean().optional(),
  requirePar: z.boolean().optional(),
  state: state.optional(),
});

const accessFile = z.strictObject({
  tenants: z.array(tenantEntry, { error: 'Give a list of tenants.' }).optional(),
  keys: z.array(keyEntry, { error: 'Give a list of keys.' }).optional(),
  roles: z.array(roleEntry, { error: 'Give a list of roles.' }).optional(),
  groups: z.array(groupEntry, { error: 'Give a list of groups.' }).optional(),
  policies: z.array(policyEntry, { error: 'Give a list of policies.' }).optional(),
  clients: z.array(clientEntry, { error: 'Give a list of clients.' }).optional(),
});

/** The fields of an entry with the defaults of `keys create`, as the admin API takes them. */
export function wishOf(entry: KeyEntry): Record<string, unknown> {
  const [roles, groups] = [entry.roles ?? [], entry.groups ?? []];
  const isBare = roles.length + groups.length === 0;
  return {
    scopes: scopeWords(entry.scopes) ?? (isBare ? DEFAULT_SCOPES : []),
    models: entry.models ?? (isBare ? ['*'] : []),
    ...limitsOf(entry),
    expires: entry.expires ?? null,
    allowIp: entry.allowIp ?? [],
    grants: entry.grant ?? [],
    caps: entry.cap ?? {},
    onBehalfOf: entry.onBehalfOf ?? null,
    owner: entry.owner ?? null,
    roles,
    groups,
  };
}

/** In the spelling in which it is shown; what is wrong in it is told later. */
function normalBudget(text: string | undefined): string | null {
  const read = text === undefined ? undefined : parseBudget(text);
  return read === undefined ? (text ?? null) : formatBudget(read);
}

/** All four, so that what is left out is taken away. */
const limitsOf = ({ rpm, tpm, concurrency, budgetTokens }: z.output<z.ZodObject<typeof limits>>) => ({
  rpm: rpm ?? null,
  tpm: tpm ?? null,
  concurrency: concurrency ?? null,
  budgetTokens: normalBudget(budgetTokens),
});

const poolOf = ({ poolRpm, poolTpm, poolConcurrency, poolBudgetTokens }: z.output<z.ZodObject<typeof pool>>) => ({
  poolRpm: poolRpm ?? null,
  poolTpm: poolTpm ?? null,
  poolConcurrency: poolConcurrency ?? null,
  poolBudgetTokens: normalBudget(poolBudgetTokens),
});

const scopeWords = (scopes: readonly string[] | undefined) => scopes?.flatMap((word) => word.split(','));

const bundleWishOf = (entry: z.output<typeof roleEntry>) => ({
  scopes: scopeWords(entry.scopes) ?? [],
  models: entry.models ?? [],
  grants: entry.grant ?? [],
  ...limitsOf(entry),
});

/** What a role, a group, a policy and a client of the file are to be, as the admin API takes them. */
export const wishes = {
  tenant: (entry: z.output<typeof tenantEntry>) => ({
    models: entry.models ?? ['*'],
    ...limitsOf(entry),
    ...poolOf(entry),
  }),
  role: bundleWishOf,
  group: ({ tenant, roles, ...rest }: z.output<typeof groupEntry>) => ({
    tenant: tenant ?? null,
    roles: roles ?? [],
    ...bundleWishOf(rest),
    ...poolOf(rest),
  }),
  policy: ({ effect, target = {}, conditions = {} }: z.output<typeof policyEntry>) => ({ effect, target, conditions }),
  client: (entry: ClientEntry) => ({
    grants: entry.grants,
    scopes: scopeWords(entry.scopes) ?? [],
    models: entry.models ?? ['*'],
    groups: entry.groups ?? [],
    redirectUris: entry.redirectUri ?? [],
    ...limitsOf(entry),
    dpopRequired: entry.requireDpop ?? false,
    parRequired: entry.requirePar ?? false,
    ...(entry.accessTokenTtl === undefined ? {} : { accessTokenTtl: entry.accessTokenTtl }),
    ...(entry.jwks === undefined ? {} : { jwks: entry.jwks }),
  }),
};

/** What of a client cannot be changed: it is said at its making alone. */
export const makingOf = (entry: ClientEntry) => ({
  name: entry.name,
  tenant: entry.tenant ?? 'default',
  ...(entry.auth === undefined ? {} : { authMethod: entry.auth }),
  ...(entry.certificateName === undefined ? {} : { certificateName: entry.certificateName }),
});

/** What the admin API would refuse, found before anything is changed. */
function mistakesOf({
  tenants = [],
  roles = [],
  groups = [],
  policies = [],
  clients = [],
  keys = [],
}: AccessFile): string[] {
  const of = (list: string, index: number, { error }: { readonly error?: z.ZodError | undefined }): string[] =>
    (error?.issues ?? []).map(({ path, message }) => `${[list, index, ...path].map(String).join('.')}: ${message}`);
  return [
    ...tenants.flatMap((entry, i) =>
      of('tenants', i, tenantWish.safeParse({ name: entry.name, ...wishes.tenant(entry) })),
    ),
    ...roles.flatMap((entry, i) => of('roles', i, roleWish.safeParse({ name: entry.name, ...wishes.role(entry) }))),
    ...groups.flatMap((entry, i) => of('groups', i, groupWish.safeParse({ name: entry.name, ...wishes.group(entry) }))),
    ...policies.flatMap((entry, i) =>
      of('policies', i, policyWish.safeParse({ name: entry.name, ...wishes.policy(entry) })),
    ),
    ...clients.flatMap((entry, i) =>
      of('clients', i, clientWish.safeParse({ ...makingOf(entry), ...wishes.client(entry) })),
    ),
    ...keys.flatMap((entry, i) => of('keys', i, apiKeyWish.safeParse({ name: entry.name, ...wishOf(entry) }))),
  ];
}

/** What an access file wants to be. */
export type AccessFile = z.output<typeof accessFile>;
/** A client of it. */
export type ClientEntry = z.output<typeof clientEntry>;
/** A key of it. */
export type KeyEntry = z.output<typeof keyEntry>;

/**
 * Reads an access file.
 *
 * @throws UsageError with every mistake, each by its path, never with what stood there
 */
export function parseAccessFile(text: string): AccessFile {
  const read = accessFile.safeParse(yamlValueOf(text) ?? {});
  if (!read.success) {
    throw new UsageError(
      read.error.issues
        .map(({ path, message }) => `${path.map(String).join('.') || 'the file'}: ${message}`)
        .join('\n'),
    );
  }
  const mistakes = mistakesOf(read.data);
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  const twice = duplicateOf(read.data);
  if (twice !== undefined) throw new UsageError(`${twice} stands there twice: which of the two is meant?`);
  return read.data;
}

function duplicateOf({
  tenants = [],
  roles = [],
  groups = [],
  policies = [],
  clients = [],
  keys = [],
}: AccessFile): string | undefined {
  const seen = new Set<string>();
  const names = [
    ...tenants.map(({ name }) => `the tenant ${name}`),
    ...roles.map(({ name }) => `the role ${name}`),
    ...groups.map(({ name }) => `the group ${name}`),
    ...policies.map(({ name }) => `the policy ${name}`),
    ...clients.map(({ name, tenant = 'default' }) => `the client ${name} of the tenant ${tenant}`),
    ...keys.map(({ name, tenant = 'default' }) => `the key ${name} of the tenant ${tenant}`),
  ];
  return names.find((name) => seen.size === seen.add(name).size);
}
