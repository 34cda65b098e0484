import * as z from 'zod';
import { userPage, userShown, userWithInvitation, type UserShown } from '../admin/user-schema.ts';
import { publicUrlOf } from '../config/schema.ts';
import { askOne, withAdmin, type AdminClient } from './admin-client.ts';
import { CommandError, UsageError, type Command, type CommandIo } from './command.ts';
import type { FlagKinds, Flags } from './flags.ts';
import { allPages } from './pages.ts';
import { wholeStdin } from './stdin.ts';
import { json, listOf, pairs, table, timeText, present } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';
import { configOf } from './where.ts';

/** People who sign in. */
export const users: Command = {
  name: 'users',
  summary: 'create, invite, list, show, disable, enable and delete people who sign in',
  help: `sallyport users create --name NAME --password-stdin [--tenant T] [--scopes a,b] [--models m1,m2] [--groups g1,g2]
sallyport users invite --name NAME [the flags of create, without a password]
sallyport users invite USER
sallyport users edit USER [--scopes a,b] [--models m1,m2] [--groups g1,g2] [--json]
sallyport users list [--tenant T] [--json]
sallyport users show|disable|enable|delete USER [--json]
sallyport users reset-second-factor USER [--json]

People sign in at this gateway's own pages and let clients act for them, with the scopes and models that both have.
USER is an id or a login name. A password has at least 12 characters and comes by standard input. invite prints a link
that works once, for 24 hours; for somebody who is there already it is the way to a new password. disable and delete end
all that they are signed in with, from the next request on. reset-second-factor removes authenticator app, recovery codes
and passkeys; who has signed in by passkey alone then needs an invitation, too.

Example: sallyport users invite --name ada --scopes inference:chat --models tiny`,
  run: (words, io) => runVerb('users', VERBS, [], words, io),
};

const WISH: FlagKinds = { name: 'text', tenant: 'text', scopes: 'list', models: 'list', groups: 'list' };

const VERBS: readonly Verb[] = [
  { name: 'create', kinds: { ...WISH, 'password-stdin': 'flag' }, words: [], run: create },
  { name: 'invite', kinds: WISH, words: 'any', run: invite },
  { name: 'list', kinds: { tenant: 'text' }, words: [], run: list },
  { name: 'show', kinds: {}, words: ['USER'], run: (flags, io) => onOne(flags, io, 'GET', '', 'show') },
  { name: 'edit', kinds: { scopes: 'list', models: 'list', groups: 'list' }, words: ['USER'], run: edit },
  { name: 'disable', kinds: {}, words: ['USER'], run: (flags, io) => onOne(flags, io, 'POST', '/disable', 'disabled') },
  { name: 'enable', kinds: {}, words: ['USER'], run: (flags, io) => onOne(flags, io, 'POST', '/enable', 'enabled') },
  { name: 'delete', kinds: {}, words: ['USER'], run: remove },
  {
    name: 'reset-second-factor',
    kinds: {},
    words: ['USER'],
    run: (flags, io) => onOne(flags, io, 'POST', '/reset-second-factor', 'removed second factor and passkeys of'),
  },
];

function wishOf(flags: Flags): object {
  const name = flags.text('name');
  if (name === undefined) throw new UsageError('--name is missing: give the login name, such as --name ada');
  return {
    name,
    tenant: flags.text('tenant'),
    scopes: listOf(flags, 'scopes'),
    models: listOf(flags, 'models'),
    groups: listOf(flags, 'groups'),
  };
}

async function create(flags: Flags, io: CommandIo): Promise<number> {
  const wish = wishOf(flags);
  // Never as an argument: those stand in the shell's history and in the list of processes.
  if (!flags.has('password-stdin')) {
    throw new UsageError(
      '--password-stdin is missing: the password comes by standard input, printf %s "$PASSWORD" | sallyport …; or use: sallyport users invite --name NAME',
    );
  }
  const password = (await (io.stdin ?? wholeStdin)()).replace(/\r?\n$/, '');
  const made = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'POST', path: '/users', body: { ...wish, password } }, userShown),
  );
  io.out(flags.has('json') ? json(made) : pairs(facts(made)));
  return 0;
}

async function invite(flags: Flags, io: CommandIo): Promise<number> {
  const [user] = flags.words;
  const made = await withAdmin(flags, io, async (client) => {
    if (user === undefined) {
      return client.ask({ method: 'POST', path: '/users/invite', body: wishOf(flags) }, userWithInvitation);
    }
    const id = await userIdOf(client, user);
    return askOne(client, { method: 'POST', path: `/users/${id}/invite` }, userWithInvitation, NOBODY);
  });
  const { invitation: link, ...rest } = made;
  // Without a running gateway nobody but the configuration knows by which address people reach it.
  const invitation = link.startsWith('/') ? `${publicUrlIn(flags, io)}${link}` : link;
  if (flags.has('json')) io.out(json({ ...rest, invitation }));
  else
    io.out(
      `${invitation}\n\nThe link works once, for 24 hours: send it to ${made.name} on a way that only they read.\n`,
    );
  return 0;
}

function publicUrlIn(flags: Flags, io: CommandIo): string {
  const { config } = configOf(flags, io.env);
  return publicUrlOf(config, config.listen.port);
}

async function list(flags: Flags, io: CommandIo): Promise<number> {
  const all = await withAdmin(flags, io, (client) => allUsers(client, flags.text('tenant')));
  if (flags.has('json')) io.out(json(all));
  else if (all.length === 0) io.out('There is nobody yet. Invite somebody: sallyport users invite --name NAME\n');
  else {
    const rows = all.map((one) => [
      one.id,
      one.name,
      one.tenant,
      one.state,
      one.secondFactor ? 'yes' : 'no',
      timeText(one.lastSignInAt, 'never'),
    ]);
    io.out(table([['ID', 'NAME', 'TENANT', 'STATE', 'SECOND FACTOR', 'LAST SIGN-IN'], ...rows]));
  }
  return 0;
}

const allUsers = (client: AdminClient, tenant?: string): Promise<readonly UserShown[]> =>
  allPages(client, 'users', userPage, tenant);

async function onOne(
  flags: Flags,
  io: CommandIo,
  method: 'GET' | 'POST',
  action: string,
  done: string,
): Promise<number> {
  const shown = await withAdmin(flags, io, async (client) => {
    const id = await userIdOf(client, flags.words[0] ?? '');
    return askOne(client, { method, path: `/users/${id}${action}` }, userShown, NOBODY);
  });
  if (flags.has('json')) io.out(json(shown));
  else io.out(method === 'GET' ? pairs(facts(shown)) : `${done} ${shown.id} (${shown.name})\n`);
  return 0;
}

async function edit(flags: Flags, io: CommandIo): Promise<number> {
  const body = present({
    scopes: listOf(flags, 'scopes'),
    models: listOf(flags, 'models'),
    groups: listOf(flags, 'groups'),
  });
  if (Object.keys(body).length === 0) throw new UsageError('Nothing to change: give --scopes, --models or --groups.');
  const shown = await withAdmin(flags, io, async (client) => {
    const id = await userIdOf(client, flags.words[0] ?? '');
    return askOne(client, { method: 'PATCH', path: `/users/${id}`, body }, userShown, NOBODY);
  });
  io.out(flags.has('json') ? json(shown) : `changed ${shown.id} (${shown.name})\n`);
  return 0;
}

async function remove(flags: Flags, io: CommandIo): Promise<number> {
  const id = await withAdmin(flags, io, async (client) => {
    const found = await userIdOf(client, flags.words[0] ?? '');
    await askOne(client, { method: 'DELETE', path: `/users/${found}` }, z.undefined(), NOBODY);
    return found;
  });
  io.out(flags.has('json') ? json({ id, state: 'deleted' }) : `deleted ${id}\n`);
  return 0;
}

/** The id that a word means: itself, or that of a login name. */
export async function userIdOf(client: AdminClient, word: string): Promise<string> {
  if (/^u_[0-9A-Za-z]{16}$/.test(word)) return word;
  const found = (await allUsers(client)).find(({ name }) => name.toLowerCase() === word.toLowerCase());
  if (found === undefined) throw new CommandError(NOBODY);
  return found.id;
}

const NOBODY = 'There is nobody with this id or name. See: sallyport users list';

function facts(one: UserShown): [string, string][] {
  return [
    ['id', one.id],
    ['name', one.name],
    ['tenant', one.tenant],
    ['state', one.state],
    ['scopes', one.scopes.join(',')],
    ['models', one.models.includes('*') ? 'all of the tenant' : one.models.join(',')],
    ...(one.groups.length === 0 ? [] : [['groups', one.groups.join(',')] satisfies [string, string]]),
    ['second factor', one.secondFactor ? `yes, ${one.recoveryCodes} recovery codes left` : 'no'],
    ...(one.identityProvider === null ? [] : [['signs in at', one.identityProvider] satisfies [string, string]]),
    ['passkeys', String(one.passkeys)],
    ['created', timeText(one.createdAt, '')],
    ['last sign-in', timeText(one.lastSignInAt, 'never')],
  ];
}
