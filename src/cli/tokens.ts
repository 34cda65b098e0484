import { tokenRevoked, tokenUseList } from '../admin/tokens.ts';
import { withAdmin } from './admin-client.ts';
import { UsageError, type Command, type CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { json, table, timeText } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Access tokens. */
export const tokens: Command = {
  name: 'tokens',
  summary: 'list the use of access tokens, and revoke them',
  help: `sallyport tokens list [--json]
sallyport tokens revoke [--issuer URL] --client ID|--subject SUB|--token HASH|--grant ID|--session ID [--json]

list shows for each client and subject when its tokens were issued and used last, how often, and from where. revoke takes
back tokens of this gateway's own server or, with --issuer, of another one: all that were issued to a client or subject
until now, or a single one by the hash that the log shows. It holds from the next request on and ends what runs.

Example: sallyport tokens revoke --client c_Ab12cd34Ef56gh78`,
  run: (words, io) => runVerb('tokens', VERBS, [], words, io),
};

const KINDS = ['token', 'client', 'subject', 'grant', 'session'] as const;

const VERBS: readonly Verb[] = [
  { name: 'list', kinds: {}, words: [], run: list },
  {
    name: 'revoke',
    kinds: { issuer: 'text', token: 'text', client: 'text', subject: 'text', grant: 'text', session: 'text' },
    words: [],
    run: revoke,
  },
];

async function list(flags: Flags, io: CommandIo): Promise<number> {
  const { items } = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'GET', path: '/tokens' }, tokenUseList),
  );
  if (flags.has('json')) io.out(json(items));
  else if (items.length === 0) io.out('No access token was used yet.\n');
  else {
    const rows = items.map((one) => [
      one.client ?? '-',
      one.subject,
      one.issuer,
      timeText(one.lastIssuedAt, '-'),
      timeText(one.lastUsedAt, '-'),
      String(one.count),
      one.networks.join(','),
    ]);
    io.out(table([['CLIENT', 'SUBJECT', 'ISSUER', 'LAST ISSUED', 'LAST USED', 'COUNT', 'FROM'], ...rows]));
  }
  return 0;
}

async function revoke(flags: Flags, io: CommandIo): Promise<number> {
  const given = KINDS.filter((kind) => flags.text(kind) !== undefined);
  if (given.length !== 1) {
    throw new UsageError('Say what is to be revoked by exactly one of: --client --subject --token --grant --session');
  }
  const body = { issuer: flags.text('issuer'), ...Object.fromEntries(given.map((kind) => [kind, flags.text(kind)])) };
  const done = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'POST', path: '/tokens/revoke', body }, tokenRevoked),
  );
  io.out(flags.has('json') ? json(done) : `revoked ${done.revoked}\n`);
  return 0;
}
