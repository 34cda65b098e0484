import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { clientPage, clientShown, clientWithSecret, type ClientShown } from '../admin/oauth-client-schema.ts';
import { askOne, withAdmin, type AdminClient } from './admin-client.ts';
import { CommandError, UsageError, type Command, type CommandIo } from './command.ts';
import type { FlagKinds, Flags } from './flags.ts';
import { LIMIT_FLAGS, limitFieldsOf } from './limit-flags.ts';
import { allPages } from './pages.ts';
import { json, listOf, pairs, present, table, timeText } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** OAuth clients. */
export const clients: Command = {
  name: 'clients',
  summary: 'create, list, show, edit, revoke, disable, enable, rotate and delete OAuth clients',
  help: `sallyport clients create --name NAME --grants client_credentials,authorization_code,device_code --scopes a,b
                         [--models m1,m2] [--groups g1,g2] [--redirect-uri URI…] [--tenant T] [--rpm N|none] [--tpm N|none] [--concurrency N|none] [--budget-tokens N/day|none]
                         [--auth client_secret_basic|private_key_jwt|tls_client_auth|none] [--jwks FILE]
                         [--certificate-name dns:NAME] [--access-token-ttl 10m] [--require-dpop] [--require-par] [--json]
sallyport clients list [--tenant T] [--json]
sallyport clients show|revoke|disable|enable|delete CLIENT_ID [--json]
sallyport clients edit CLIENT_ID [the flags of create but --tenant, --auth and --certificate-name] [--json]
sallyport clients rotate CLIENT_ID [--overlap 24h] [--json]

A client gets tokens from this gateway's own authorization server, which answers from the first client on. It can have
the scopes and models that are named here and no others. The secret is shown once. revoke, disable and delete end all its
tokens from the next request on.

Example: sallyport clients create --name nightly --grants client_credentials --scopes inference:chat --models tiny`,
  run: (words, io) => runVerb('clients', VERBS, [], words, io),
};

const CREATE: FlagKinds = {
  name: 'text',
  tenant: 'text',
  grants: 'list',
  scopes: 'list',
  models: 'list',
  groups: 'list',
  'redirect-uri': 'list',
  auth: 'text',
  jwks: 'text',
  'certificate-name': 'text',
  ...LIMIT_FLAGS,
  'access-token-ttl': 'text',
  'require-dpop': 'flag',
  'require-par': 'flag',
};

const { tenant: _, auth: __, 'certificate-name': ___, ...EDIT } = CREATE;

const VERBS: readonly Verb[] = [
  { name: 'create', kinds: CREATE, words: 'any', run: create },
  { name: 'list', kinds: { tenant: 'text' }, words: [], run: list },
  { name: 'show', kinds: {}, words: ['CLIENT_ID'], run: (flags, io) => onOne(flags, io, 'GET', '', 'show') },
  {
    name: 'revoke',
    kinds: {},
    words: ['CLIENT_ID'],
    run: (flags, io) => onOne(flags, io, 'POST', '/revoke', 'revoked'),
  },
  {
    name: 'disable',
    kinds: {},
    words: ['CLIENT_ID'],
    run: (flags, io) => onOne(flags, io, 'POST', '/disable', 'disabled'),
  },
  {
    name: 'enable',
    kinds: {},
    words: ['CLIENT_ID'],
    run: (flags, io) => onOne(flags, io, 'POST', '/enable', 'enabled'),
  },
  { name: 'edit', kinds: EDIT, words: ['CLIENT_ID'], run: edit },
  { name: 'rotate', kinds: { overlap: 'text' }, words: ['CLIENT_ID'], run: rotate },
  { name: 'delete', kinds: {}, words: ['CLIENT_ID'], run: remove },
];

async function create(flags: Flags, io: CommandIo): Promise<number> {
  const body = wishOf(flags);
  const made = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'POST', path: '/oauth-clients', body }, clientWithSecret),
  );
  if (listOf(flags, 'models') === undefined) {
    io.err(`Without --models its tokens may use all models of the tenant ${made.tenant}.\n`);
  }
  showWithSecret(made, flags, io);
  return 0;
}

/** What the flags say of a new client. @throws UsageError */
function wishOf(flags: Flags): object {
  const name = flags.text('name');
  if (name === undefined) throw new UsageError('--name is missing: give the client a name, such as --name nightly');
  const redirectUris = listOf(flags, 'redirect-uri')?.concat(flags.words);
  const [stray] = redirectUris === undefined ? flags.words : [];
  if (stray !== undefined)
    throw new UsageError(`"${stray}" is one word too many: sallyport clients create --name NAME`);
  return {
    name,
    tenant: flags.text('tenant'),
    redirectUris,
    authMethod: flags.text('auth'),
    certificateName: flags.text('certificate-name'),
    ...rightsIn(flags),
  };
}

/** What the flags say that a client may do. @throws UsageError */
function rightsIn(flags: Flags): Record<string, unknown> {
  return {
    grants: listOf(flags, 'grants'),
    scopes: listOf(flags, 'scopes'),
    models: listOf(flags, 'models'),
    groups: listOf(flags, 'groups'),
    jwks: keySetOf(flags.text('jwks')),
    ...limitFieldsOf(flags),
    accessTokenTtl: flags.text('access-token-ttl'),
    ...(flags.has('require-dpop') ? { dpopRequired: true } : {}),
    ...(flags.has('require-par') ? { parRequired: true } : {}),
  };
}

function keySetOf(file: string | undefined): unknown {
  if (file === undefined) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch {
    throw new CommandError(`${file} holds no JSON: give a file with a JWK Set of public keys`);
  }
}

async function list(flags: Flags, io: CommandIo): Promise<number> {
  const all = await withAdmin(flags, io, (client) => allClients(client, flags.text('tenant')));
  if (flags.has('json')) io.out(json(all));
  else if (all.length === 0) io.out('There are no clients. Create one: sallyport clients create --name NAME …\n');
  else {
    const rows = all.map((one) => [
      one.client_id,
      one.name,
      one.tenant,
      one.state,
      one.grants.join(','),
      timeText(one.createdAt, ''),
    ]);
    io.out(table([['CLIENT ID', 'NAME', 'TENANT', 'STATE', 'GRANTS', 'CREATED'], ...rows]));
  }
  return 0;
}

const allClients = (client: AdminClient, tenant: string | undefined): Promise<readonly ClientShown[]> =>
  allPages(client, 'oauth-clients', clientPage, tenant);

async function onOne(
  flags: Flags,
  io: CommandIo,
  method: 'GET' | 'POST',
  action: string,
  done: string,
): Promise<number> {
  const path = `/oauth-clients/${encodeURIComponent(flags.words[0] ?? '')}${action}`;
  const shown = await withAdmin(flags, io, (client) => askOne(client, { method, path }, clientShown, NO_CLIENT));
  if (flags.has('json')) io.out(json(shown));
  else io.out(method === 'GET' ? pairs(facts(shown)) : `${done} ${shown.client_id} (${shown.name})\n`);
  return 0;
}

async function edit(flags: Flags, io: CommandIo): Promise<number> {
  const body = present({
    name: flags.text('name'),
    redirectUris: listOf(flags, 'redirect-uri'),
    ...rightsIn(flags),
  });
  if (Object.keys(body).length === 0)
    throw new UsageError('Nothing to change: give a flag, such as --scopes or --rpm.');
  const path = `/oauth-clients/${encodeURIComponent(flags.words[0] ?? '')}`;
  const shown = await withAdmin(flags, io, (client) =>
    askOne(client, { method: 'PATCH', path, body }, clientShown, NO_CLIENT),
  );
  io.out(flags.has('json') ? json(shown) : `changed ${shown.client_id} (${shown.name})\n`);
  return 0;
}

async function rotate(flags: Flags, io: CommandIo): Promise<number> {
  const path = `/oauth-clients/${encodeURIComponent(flags.words[0] ?? '')}/rotate`;
  const body = { overlap: flags.text('overlap') };
  const made = await withAdmin(flags, io, (client) =>
    askOne(client, { method: 'POST', path, body }, clientWithSecret, NO_CLIENT),
  );
  const until = made.previousUntil;
  io.err(until === null ? 'The secret before has ended.\n' : `The secret before is accepted until ${until}.\n`);
  showWithSecret(made, flags, io);
  return 0;
}

async function remove(flags: Flags, io: CommandIo): Promise<number> {
  const id = flags.words[0] ?? '';
  const path = `/oauth-clients/${encodeURIComponent(id)}`;
  await withAdmin(flags, io, (client) => askOne(client, { method: 'DELETE', path }, z.undefined(), NO_CLIENT));
  io.out(flags.has('json') ? json({ client_id: id, state: 'deleted' }) : `deleted ${id}\n`);
  return 0;
}

const NO_CLIENT = 'There is no client with this id. See: sallyport clients list';

function showWithSecret(made: z.output<typeof clientWithSecret>, flags: Flags, io: CommandIo): void {
  const { client_id, client_secret, ...rest } = made;
  if (flags.has('json')) return io.out(json({ client_id, client_secret, ...rest }));
  if (client_secret === null) return io.out(pairs(facts(made)));
  const [first, ...others] = facts(made);
  io.out(`${pairs([...(first === undefined ? [] : [first]), ['client secret', client_secret], ...others])}\n`);
  io.out('The secret is shown this once: keep it now.\n');
}

function facts(one: ClientShown): [string, string][] {
  return [
    ['client id', one.client_id],
    ['name', one.name],
    ['tenant', one.tenant],
    ['state', one.state],
    ['grants', one.grants.join(',')],
    ['scopes', one.scopes.join(',')],
    ['models', one.models.includes('*') ? 'all of the tenant' : one.models.join(',')],
    ...(one.groups.length === 0 ? [] : [['groups', one.groups.join(',')] satisfies [string, string]]),
    ['unused for 30 days', one.unused.join(',') || 'nothing'],
    ['authenticates by', one.authMethod],
    ...(one.redirectUris.length === 0
      ? []
      : [['redirect URIs', one.redirectUris.join(' ')] satisfies [string, string]]),
    ['created', timeText(one.createdAt, '')],
  ];
}
