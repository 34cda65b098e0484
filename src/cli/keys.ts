import * as z from 'zod';
import { apiKeyPage, apiKeyShown, apiKeyWithValue, type ApiKeyShown } from '../admin/api-key-schema.ts';
import { parseApiKey } from '../directory/api-key.ts';
import { askOne, withAdmin, type AdminClient } from './admin-client.ts';
import { UsageError, type Command, type CommandIo } from './command.ts';
import type { FlagKinds, Flags } from './flags.ts';
import { LIMIT_FLAGS, limitFacts, limitFieldsOf } from './limit-flags.ts';
import { networkFacts, networksIn, networksOf } from './networks.ts';
import { allPages } from './pages.ts';
import { wholeStdin } from './stdin.ts';
import { json, listOf, pairs, table, timeText } from './text.ts';
import { userIdOf } from './users.ts';
import { runVerb, type Verb } from './verbs.ts';

/** API keys. */
export const keys: Command = {
  name: 'keys',
  summary: 'create, import, list, show, edit, revoke, disable, enable, rotate and delete API keys',
  help: `sallyport keys create --name NAME [--tenant T] [--scopes a,b] [--models m1,m2] [--rpm N|none]
                      [--tpm N|none] [--concurrency N|none] [--budget-tokens N/day|none] [--expires 30d]
                      [--allow-ip CIDR…] [--deny-ip CIDR…]
                      [--grant fields:beam-search…] [--cap n=8…] [--on-behalf-of header:NAME]
                      [--owner USER] [--roles r1,r2] [--groups g1,g2] [--json]
sallyport keys import --name NAME --value-stdin [the flags of create] [--json]
sallyport keys list [--tenant T] [--json]
sallyport keys show|revoke|disable|enable|delete ID [--json]
sallyport keys edit ID [the flags of create but --tenant] [--json]
sallyport keys rotate ID [--overlap 24h] [--json]

--tpm limits tokens per minute, --budget-tokens tokens of an hour, a day or a month (1000000/day); see limits show.

Works with the gateway running and without it; a change holds from the next request on. The value of a key is shown
once. Without --scopes a key has inference:chat,completions,responses,messages,embeddings and models:read; without
--models it may use all models of its tenant. --grant opens closed fields, --cap raises or lowers a cap of validation.caps. --on-behalf-of names
the header in which a page that many share says who asks: limits, caches and records are then kept for each person.
--owner names the person that a key belongs to: it stops when they are disabled, or have not signed in for ownerMaxAge.
With --roles or --groups it has what they give, and nothing beside it that is not named.
import takes over a secret that is in use, such as vLLM's --api-key, so that its holders move one by one; it is marked
legacy. revoke, disable and delete end what runs on the key; revoke and delete are for good, and delete hides it. rotate
ends the value before at once, or after --overlap.

Example: sallyport keys create --name team-chat --models tiny --rpm 120 --expires 30d`,
  run: (words, io) => runVerb('keys', VERBS, [], words, io),
};

const CREATE: FlagKinds = {
  name: 'text',
  tenant: 'text',
  scopes: 'list',
  models: 'list',
  expires: 'text',
  'allow-ip': 'list',
  'deny-ip': 'list',
  cap: 'list',
  grant: 'list',
  'on-behalf-of': 'text',
  owner: 'text',
  roles: 'list',
  groups: 'list',
  ...LIMIT_FLAGS,
};

const { tenant: _, ...EDIT } = CREATE;

const VERBS: readonly Verb[] = [
  { name: 'create', kinds: CREATE, words: 'any', run: create },
  { name: 'import', kinds: { ...CREATE, 'value-stdin': 'flag' }, words: 'any', run: takeOver },
  { name: 'list', kinds: { tenant: 'text' }, words: [], run: list },
  { name: 'show', kinds: {}, words: ['ID'], run: (flags, io) => onOne(flags, io, 'GET', '', 'show') },
  { name: 'revoke', kinds: {}, words: ['ID'], run: (flags, io) => onOne(flags, io, 'POST', '/revoke', 'revoked') },
  { name: 'disable', kinds: {}, words: ['ID'], run: (flags, io) => onOne(flags, io, 'POST', '/disable', 'disabled') },
  { name: 'enable', kinds: {}, words: ['ID'], run: (flags, io) => onOne(flags, io, 'POST', '/enable', 'enabled') },
  { name: 'edit', kinds: EDIT, words: 'any', run: edit },
  { name: 'rotate', kinds: { overlap: 'text' }, words: ['ID'], run: rotate },
  { name: 'delete', kinds: {}, words: ['ID'], run: remove },
];

async function create(flags: Flags, io: CommandIo): Promise<number> {
  const wish = wishOf(flags);
  const made = await withAdmin(flags, io, async (client) => {
    const body = { ...wish, ...(await ownerIn(flags, client)) };
    return client.ask({ method: 'POST', path: '/api-keys', body }, apiKeyWithValue);
  });
  sayModels(made, flags, io);
  showWithValue(made, flags, io);
  return 0;
}

async function takeOver(flags: Flags, io: CommandIo): Promise<number> {
  // Never as an argument: those stand in the shell's history and in the list of processes.
  if (!flags.has('value-stdin')) {
    throw new UsageError(
      '--value-stdin is missing: the secret comes by standard input, printf %s "$SECRET" | sallyport …',
    );
  }
  const wish = wishOf(flags);
  const value = (await (io.stdin ?? wholeStdin)()).replace(/\r?\n$/, '');
  const made = await withAdmin(flags, io, async (client) => {
    const body = { ...wish, ...(await ownerIn(flags, client)), value };
    return client.ask({ method: 'POST', path: '/api-keys/import', body }, apiKeyShown);
  });
  sayModels(made, flags, io);
  if (made.expiresAt === null) io.err('It has no end: give --expires, so that its holders have moved by then.\n');
  io.out(flags.has('json') ? json(made) : pairs(facts(made)));
  return 0;
}

function sayModels(made: ApiKeyShown, flags: Flags, io: CommandIo): void {
  if (listOf(flags, 'models') !== undefined || made.roles.length + made.groups.length > 0) return;
  io.err(`Without --models the key may use all models of the tenant ${made.tenant}.\n`);
}

/** What the flags say of a new key. @throws UsageError */
function wishOf(flags: Flags): object {
  const name = flags.text('name');
  if (name === undefined) throw new UsageError('--name is missing: give the key a name, such as --name team-chat');
  const networks = networksOf(flags, 'sallyport keys create --name NAME');
  return { name, ...given('tenant', flags.text('tenant')), ...networks, ...rightsIn(flags) };
}

/** What the flags say that a key may do. @throws UsageError */
function rightsIn(flags: Flags): object {
  return {
    ...given('scopes', listOf(flags, 'scopes')),
    ...given('models', listOf(flags, 'models')),
    ...limitFieldsOf(flags),
    ...given('expires', flags.text('expires')),
    ...given('grants', listOf(flags, 'grant')),
    ...given('caps', capsOf(flags)),
    ...given('onBehalfOf', flags.text('on-behalf-of')),
    ...given('roles', listOf(flags, 'roles')),
    ...given('groups', listOf(flags, 'groups')),
  };
}

/** The person that a new key is to belong to, by id or login name. */
async function ownerIn(flags: Flags, client: AdminClient): Promise<{ readonly owner?: unknown }> {
  const owner = flags.text('owner');
  return owner === undefined ? {} : { owner: await userIdOf(client, owner) };
}

async function list(flags: Flags, io: CommandIo): Promise<number> {
  const all = await withAdmin(flags, io, (client) => allKeys(client, flags.text('tenant')));
  if (flags.has('json')) io.out(json(all));
  else if (all.length === 0) io.out('There are no API keys. Create one: sallyport keys create --name NAME\n');
  else {
    const rows = all.map((one) => [
      one.id,
      one.name,
      one.tenant,
      one.legacy ? `${stateText(one)}, legacy` : stateText(one),
      one.models.join(','),
      timeText(one.expiresAt, 'never'),
      timeText(one.lastUsedAt, 'never'),
    ]);
    io.out(table([['ID', 'NAME', 'TENANT', 'STATE', 'MODELS', 'EXPIRES', 'LAST USED'], ...rows]));
  }
  return 0;
}

/** Every API key that is not deleted, page by page. @param tenant only those of this one */
export const allKeys = (client: AdminClient, tenant?: string): Promise<readonly ApiKeyShown[]> =>
  allPages(client, 'api-keys', apiKeyPage, tenant);

async function onOne(
  flags: Flags,
  io: CommandIo,
  method: 'GET' | 'POST',
  action: string,
  done: string,
): Promise<number> {
  const path = `/api-keys/${encodeURIComponent(idOf(flags))}${action}`;
  const shown = await withAdmin(flags, io, (client) => askOne(client, { method, path }, apiKeyShown, NO_KEY));
  if (flags.has('json')) io.out(json(shown));
  else io.out(method === 'GET' ? pairs(facts(shown)) : `${done} ${shown.id} (${shown.name})\n`);
  return 0;
}

async function edit(flags: Flags, io: CommandIo): Promise<number> {
  const { networks, rest } = networksIn(flags);
  const [id, stray] = rest;
  if (id === undefined || stray !== undefined)
    throw new UsageError('Give one ID: sallyport keys edit ID --expires 90d');
  const wish = { ...given('name', flags.text('name')), ...networks, ...rightsIn(flags) };
  if (Object.keys(wish).length === 0 && flags.text('owner') === undefined) {
    throw new UsageError('Nothing to change: give a flag of keys create, such as --expires 90d or --rpm 60.');
  }
  const shown = await withAdmin(flags, io, async (client) => {
    const body = { ...wish, ...(await ownerIn(flags, client)) };
    const path = `/api-keys/${encodeURIComponent(parseApiKey(id)?.id ?? id)}`;
    return askOne(client, { method: 'PATCH', path, body }, apiKeyShown, NO_KEY);
  });
  io.out(flags.has('json') ? json(shown) : `changed ${shown.id} (${shown.name})\n`);
  return 0;
}

async function rotate(flags: Flags, io: CommandIo): Promise<number> {
  const path = `/api-keys/${encodeURIComponent(idOf(flags))}/rotate`;
  const body = { ...given('overlap', flags.text('overlap')) };
  const made = await withAdmin(flags, io, (client) =>
    askOne(client, { method: 'POST', path, body }, apiKeyWithValue, NO_KEY),
  );
  const until = made.previousUntil;
  io.err(until === null ? 'The value before has ended.\n' : `The value before is accepted until ${until}.\n`);
  showWithValue(made, flags, io);
  return 0;
}

async function remove(flags: Flags, io: CommandIo): Promise<number> {
  const id = idOf(flags);
  const path = `/api-keys/${encodeURIComponent(id)}`;
  await withAdmin(flags, io, (client) => askOne(client, { method: 'DELETE', path }, z.undefined(), NO_KEY));
  io.out(flags.has('json') ? json({ id, state: 'deleted' }) : `deleted ${id}\n`);
  return 0;
}

/** What a person is told who names an API key that is not there. */
export const NO_KEY = 'There is no API key with this id. See: sallyport keys list';

/** The public id that a person means; whoever pastes the whole key means its id. */
function idOf(flags: Flags): string {
  const word = flags.words[0] ?? '';
  return parseApiKey(word)?.id ?? word;
}

function showWithValue(made: z.output<typeof apiKeyWithValue>, flags: Flags, io: CommandIo): void {
  const { id, key, ...rest } = made;
  if (flags.has('json')) return io.out(json({ id, key, ...rest }));
  io.out(`${pairs([['key', key], ...facts(made)])}\nThe key is shown this once: keep it now.\n`);
}

function facts(one: ApiKeyShown): [string, string][] {
  return [
    ['id', one.id],
    ['name', one.name],
    ['tenant', one.tenant],
    ['state', stateText(one)],
    ['scopes', one.scopes.join(',')],
    ['models', one.models.includes('*') ? 'all of the tenant' : one.models.join(',')],
    ...limitFacts(one),
    ...(one.onBehalfOf === null ? [] : [['on behalf of', one.onBehalfOf] satisfies [string, string]]),
    ...(one.legacy ? [['legacy', 'imported: to be replaced'] satisfies [string, string]] : []),
    ...(one.owner === null ? [] : [['owner', one.owner] satisfies [string, string]]),
    ...(one.roles.length === 0 ? [] : [['roles', one.roles.join(',')] satisfies [string, string]]),
    ...(one.groups.length === 0 ? [] : [['groups', one.groups.join(',')] satisfies [string, string]]),
    ['unused for 30 days', one.unused.join(',') || 'nothing'],
    ...networkFacts(one),
    ['created', timeText(one.createdAt, '')],
    ['expires', timeText(one.expiresAt, 'never')],
    ['last used', timeText(one.lastUsedAt, 'never')],
  ];
}

function stateText({ state, expiresAt }: ApiKeyShown): string {
  return state === 'active' && expiresAt !== null && Date.parse(expiresAt) <= Date.now() ? 'expired' : state;
}

/** `n=8` and its like, as the admin API takes them. */
function capsOf(flags: Flags): Record<string, number> | undefined {
  const words = listOf(flags, 'cap');
  if (words === undefined) return undefined;
  return Object.fromEntries(
    words.map((word) => {
      const [, name = '', value = ''] = /^([A-Za-z]{1,32})=([0-9]{1,10})$/.exec(word) ?? [];
      if (name === '') throw new UsageError(`--cap ${word}: give a cap with its number, such as --cap n=8.`);
      return [name, Number(value)];
    }),
  );
}

function given<Name extends string>(name: Name, value: unknown): { [K in Name]?: unknown } {
  return value === undefined ? {} : ({ [name]: value } as { [K in Name]: unknown });
}
