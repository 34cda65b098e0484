import { grantEnded, grantList } from '../admin/grants.ts';
import { askOne, withAdmin } from './admin-client.ts';
import type { Command, CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { json, table, timeText } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Consents of people. */
export const grants: Command = {
  name: 'grants',
  summary: 'list what people have allowed clients, and end it',
  help: `sallyport grants list [--json]
sallyport grants revoke ID [--json]

revoke ends what a client may do for somebody, with all its tokens, from the next request on.

Example: sallyport grants list`,
  run: (words, io) => runVerb('grants', VERBS, [], words, io),
};

const VERBS: readonly Verb[] = [
  { name: 'list', kinds: {}, words: [], run: list },
  { name: 'revoke', kinds: {}, words: ['ID'], run: revoke },
];

async function list(flags: Flags, io: CommandIo): Promise<number> {
  const { items } = await withAdmin(flags, io, (client) => client.ask({ method: 'GET', path: '/grants' }, grantList));
  if (flags.has('json')) io.out(json(items));
  else if (items.length === 0) io.out('Nobody has allowed a client anything.\n');
  else
    io.out(
      table([
        ['ID', 'USER', 'CLIENT', 'SCOPES', 'UNTIL'],
        ...items.map((one) => [one.id, one.user, one.client, one.scopes.join(','), timeText(one.expiresAt, 'never')]),
      ]),
    );
  return 0;
}

async function revoke(flags: Flags, io: CommandIo): Promise<number> {
  const path = `/grants/${encodeURIComponent(flags.words[0] ?? '')}/revoke`;
  const unknown = 'There is nothing with this id. See: sallyport grants list';
  const done = await withAdmin(flags, io, (client) => askOne(client, { method: 'POST', path }, grantEnded, unknown));
  io.out(flags.has('json') ? json(done) : `revoked ${done.id}\n`);
  return 0;
}
