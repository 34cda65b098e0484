import * as z from 'zod';
import type { ApiKeyRecord } from '../directory/records.ts';
import { cidr, duration, list, text } from '../kernel/option.ts';
import { parseDurationMs } from '../kernel/units.ts';
import { CAP_NAMES } from '../vllm/fields/caps.ts';
import { GRANTS } from '../vllm/fields/field.ts';
import { limitFields, limitsShown, showLimits } from './limit-schema.ts';
import { pageOf } from './page.ts';
import { readScopes } from './scopes.ts';

/** When a key ends: some time after its making, or at a time. */
export type Expiry = { readonly afterMs: number } | { readonly atMs: number };

const DAY_MS = 86_400_000;
const LONGEST_MS = 3650 * DAY_MS;
const EXPIRES = 'Give a duration from 1s to 3650d such as 30d, or a time such as 2030-01-31T00:00:00Z.';

const expires = z.string({ error: EXPIRES }).transform((value, context): Expiry => {
  const afterMs = parseDurationMs(value);
  if (afterMs !== undefined && afterMs >= 1000 && afterMs <= LONGEST_MS) return { afterMs };
  const atMs = parseTimeMs(value);
  if (!Number.isNaN(atMs)) return { atMs };
  context.issues.push({ code: 'custom', message: EXPIRES, input: value });
  return z.NEVER;
});
const RFC_3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since the epoch; NaN for what is no time. `Date.parse` alone reads 31 February as 3 March. */
function parseTimeMs(value: string): number {
  const [, local = ''] = RFC_3339.exec(value) ?? [];
  const localMs = Date.parse(`${local}Z`);
  if (Number.isNaN(localMs) || !new Date(localMs).toISOString().startsWith(local)) return NaN;
  return Date.parse(value);
}

/** Scopes as people write them; there may be none where something else gives some. */
export const anyScopes = z
  .array(z.string({ error: 'Give scopes as texts.' }), { error: 'Give a list of scopes.' })
  .max(32, { error: 'Give at most 32 scopes.' })
  .transform((words, context) => {
    const read = readScopes(words);
    if (read.ok) return read.scopes;
    context.issues.push({ code: 'custom', message: read.hint, input: words, path: [read.index] });
    return z.NEVER;
  });

const scopes = anyScopes.refine((all) => all.length > 0, { error: 'Give at least one scope.' });

const GRANT_WORDS: readonly string[] = GRANTS;
const grants = list(text(`Give a grant: ${GRANTS.join(', ')}.`, (word) => GRANT_WORDS.includes(word))).max(32, {
  error: 'Give at most 32 grants.',
});

const CAP_WORDS: readonly string[] = CAP_NAMES;
const CAPS = `Give caps by name with whole numbers from 0 to 1000000000: ${CAP_NAMES.join(', ')}.`;
const caps = z
  .record(z.string(), z.int({ error: CAPS }).min(0, { error: CAPS }).max(1_000_000_000, { error: CAPS }), {
    error: CAPS,
  })
  .refine((value) => Object.keys(value).every((name) => CAP_WORDS.includes(name)), { error: CAPS });

const BEHALF = 'Give header: and the name of a header that carries nothing else, such as header:x-openwebui-user-id.';
/** Headers that decide something already, or that whoever is on the way may change. */
const TAKEN_HEADERS =
  /^(authorization|proxy-.*|cookie|set-cookie|host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|origin|forwarded|via|x-api-key|x-forwarded-.*|x-real-ip|x-request-id|user-agent|accept|accept-.*|sec-.*|dpop|date|anthropic-.*|openai-.*)$/;
const onBehalfOf = z.string({ error: BEHALF }).transform((value, context) => {
  const name = /^header:([A-Za-z0-9-]{1,64})$/.exec(value)?.[1]?.toLowerCase();
  if (name !== undefined && !TAKEN_HEADERS.test(name)) return name;
  context.issues.push({ code: 'custom', message: BEHALF, input: value });
  return z.NEVER;
});

/** Names of roles or groups. */
export const names = (what: 'role' | 'group') =>
  list(text(`Give the name of a ${what}.`, (name) => name.length <= 128)).max(64, {
    error: `Give at most 64 ${what}s.`,
  });

const NAME = 'Give a name of 1 to 128 characters without control characters.';

/** Models, of which there may be none likewise. */
export const anyModels = list(text('Give the name of a model.', (name) => name.length <= 256)).max(256, {
  error: 'Give at most 256 models.',
});

/** Fields of a key that can be given at its making and changed later. */
export const fields = {
  name: text(NAME, (name) => name.length <= 128).describe('For people; need not be unique.'),
  scopes: scopes.describe('What it may do, such as `inference:chat`.'),
  models: list(text('Give the name of a model.', (name) => name.length <= 256))
    .min(1, { error: 'Give at least one model, or leave it out for all that the tenant may use.' })
    .max(256, { error: 'Give at most 256 models.' })
    .describe('Models that it may use; `*` are all that its tenant may use.'),
  ...limitFields,
  allowIp: list(cidr())
    .max(256, { error: 'Give at most 256 networks.' })
    .describe('Networks from which it may be used; empty: from everywhere.'),
  grants: grants.describe('Closed fields that it may use, by the name of their grant.'),
  onBehalfOf: onBehalfOf
    .nullable()
    .describe(
      'Header in which its holder, a page that many share, names the person it asks for: `header:NAME`. Limits, caches and records are then kept for each person; null: none.',
    ),
  owner: text('Give the id of a person, as users list shows it.', (id) => /^u_[0-9A-Za-z]{16}$/.test(id))
    .nullable()
    .describe('Id of the person that it belongs to: it stops with them; null: nobody.'),
  roles: names('role').describe('Roles whose rights it has beside its own.'),
  groups: names('group').describe('Groups whose rights it has beside its own.'),
  caps: caps.describe('Caps of `validation.caps` that it raises or lowers, and `outputTokens`.'),
  expires: expires.nullable().describe('A duration from now, or a time; null: never.'),
};

/** What a new API key is to be. */
export const apiKeyWish = z.strictObject({
  name: fields.name,
  tenant: text('Give the name of a tenant.').optional().describe('Left out: `default`.'),
  scopes: anyScopes
    .optional()
    .describe(
      'Left out: the inference scopes of this version and `models:read`, with roles or groups none but theirs.',
    ),
  models: anyModels.optional().describe('Left out: all that the tenant may use, with roles or groups none but theirs.'),
  ...limitFields,
  allowIp: fields.allowIp.optional(),
  grants: fields.grants.optional(),
  caps: fields.caps.optional(),
  owner: fields.owner.optional(),
  roles: fields.roles.optional(),
  groups: fields.groups.optional(),
  onBehalfOf: fields.onBehalfOf.optional(),
  expires: fields.expires.optional(),
});

const VALUE = 'Give the secret as clients send it: 20 to 512 letters, digits and -._~+/, with = at its end only.';

/** A secret in use that is to become an API key, and what that is to be. */
export const apiKeyImport = apiKeyWish.extend({
  value: z
    .string({ error: VALUE })
    .regex(/^(?=.{20,512}$)[A-Za-z0-9\-._~+/]+=*$/, { error: VALUE })
    .refine((value) => !value.startsWith('sp_'), {
      error: 'This is an API key of a gateway: create a new one instead.',
    })
    .describe('Kept nowhere but as a digest, and in no answer.'),
});

/** Fields of an API key that are to change; those left out stay. */
export const apiKeyEdit = z.strictObject({ ...fields, scopes: anyScopes, models: anyModels }).partial();

/** How an API key gets a new value. */
export const rotation = z.strictObject({
  overlap: duration('0s', '365d').prefault('0s').describe('How long the value before stays accepted.'),
});

/** An API key as the admin API shows it. */
export const apiKeyShown = z.strictObject({
  id: z.string(),
  name: z.string(),
  tenant: z.string(),
  scopes: z.array(z.string()),
  models: z.array(z.string()).describe('`*` are all that its tenant may use.'),
  ...limitsShown,
  allowIp: z.array(z.string()),
  grants: z.array(z.string()),
  caps: z.record(z.string(), z.int()),
  owner: z.string().nullable(),
  roles: z.array(z.string()),
  groups: z.array(z.string()),
  unused: z
    .array(z.string())
    .describe('What it may do beside that and has not done for 30 days, by scope and `model:NAME`.'),
  onBehalfOf: z.string().nullable(),
  legacy: z.boolean().describe('Its value was imported: a secret from before, to be replaced.'),
  state: z.enum(['active', 'disabled', 'revoked']),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  lastUsedAt: z.iso.datetime().nullable(),
  previousUntil: z.iso.datetime().nullable().describe('Until when the value before the last rotation is accepted.'),
  version: z.int(),
});

/** An API key with the value that is shown this once. */
export const apiKeyWithValue = apiKeyShown.extend({ key: z.string().describe('Shown once and kept nowhere.') });

/** A page of API keys. */
export const apiKeyPage = pageOf(apiKeyShown);

/** An API key for people. */
export type ApiKeyShown = z.output<typeof apiKeyShown>;

/** Shows a record. Deleted ones are not shown at all. */
export function showApiKey(
  record: ApiKeyRecord,
  lastUsedAtMs: number | undefined,
  unused: readonly string[],
  nowMs: number,
): ApiKeyShown {
  const { previous } = record;
  return {
    id: record.id,
    name: record.name,
    tenant: record.tenant,
    scopes: [...record.scopes],
    models: [...(record.models ?? ['*'])],
    ...showLimits(record.limits),
    allowIp: [...record.allowIp],
    grants: [...record.grants],
    caps: { ...record.caps },
    owner: record.owner ?? null,
    roles: [...record.roles],
    groups: [...record.groups],
    unused: [...unused],
    onBehalfOf: record.onBehalfOf === undefined ? null : `header:${record.onBehalfOf}`,
    legacy: record.isImported,
    state: record.state === 'deleted' ? 'revoked' : record.state,
    createdAt: isoTime(record.createdAtMs),
    expiresAt: record.expiresAtMs === undefined ? null : isoTime(record.expiresAtMs),
    lastUsedAt: lastUsedAtMs === undefined ? null : isoTime(lastUsedAtMs),
    previousUntil: previous === undefined || previous.untilMs <= nowMs ? null : isoTime(previous.untilMs),
    version: record.version,
  };
}

const isoTime = (ms: number): string => new Date(ms).toISOString();

/** An API key as examples show it. */
export const exampleApiKey: ApiKeyShown = {
  id: 'Ab12cd',
  name: 'team chat',
  tenant: 'default',
  scopes: ['inference:chat', 'models:read'],
  models: ['*'],
  ...showLimits({ requestsPerMinute: 120, budget: { tokens: 1_000_000, per: 'day' } }),
  allowIp: ['10.0.0.0/8'],
  grants: ['fields:beam-search'],
  caps: { n: 8 },
  owner: null,
  roles: [],
  groups: ['staff'],
  unused: ['models:read'],
  onBehalfOf: null,
  legacy: false,
  state: 'active',
  createdAt: '2030-01-01T00:00:00.000Z',
  expiresAt: '2030-01-31T00:00:00.000Z',
  lastUsedAt: null,
  previousUntil: null,
  version: 1,
};
