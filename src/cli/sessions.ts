import { sessionEnded, sessionList } from '../admin/sessions.ts';
import { askOne, withAdmin } from './admin-client.ts';
import type { Command, CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { json, table, timeText } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Sign-ins of people. */
export const sessions: Command = {
  name: 'sessions',
  summary: 'list the browsers in which people are signed in, and end them',
  help: `sallyport sessions list [--json]
sallyport sessions revoke ID [--json]

revoke ends a sign-in with all that was given in it, from the next request on.

Example: sallyport sessions list`,
  run: (words, io) => runVerb('sessions', VERBS, [], words, io),
};

const VERBS: readonly Verb[] = [
  { name: 'list', kinds: {}, words: [], run: list },
  { name: 'revoke', kinds: {}, words: ['ID'], run: revoke },
];

async function list(flags: Flags, io: CommandIo): Promise<number> {
  const { items } = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'GET', path: '/sessions' }, sessionList),
  );
  if (flags.has('json')) io.out(json(items));
  else if (items.length === 0) io.out('Nobody is signed in.\n');
  else
    io.out(
      table([['ID', 'USER', 'SIGNED IN'], ...items.map((one) => [one.id, one.user, timeText(one.signedInAt, '')])]),
    );
  return 0;
}

async function revoke(flags: Flags, io: CommandIo): Promise<number> {
  const path = `/sessions/${encodeURIComponent(flags.words[0] ?? '')}/revoke`;
  const unknown = 'There is nothing with this id. See: sallyport sessions list';
  const done = await withAdmin(flags, io, (client) => askOne(client, { method: 'POST', path }, sessionEnded, unknown));
  io.out(flags.has('json') ? json(done) : `revoked ${done.id}\n`);
  return 0;
}
