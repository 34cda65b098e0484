import * as z from 'zod';
import { banPage, banShown, type BanShown } from '../admin/bans.ts';
import { networkOf } from '../wire/network-words.ts';
import { askOne, withAdmin } from './admin-client.ts';
import { UsageError, type Command, type CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { allPages } from './pages.ts';
import { json, table, timeText } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Addresses that are banned. */
export const bans: Command = {
  name: 'bans',
  summary: 'list the addresses that are banned, lift a ban, or ban an address',
  help: `sallyport bans list [--json]
sallyport bans lift ADDRESS [--json]
sallyport bans add ADDRESS [--for 1h] [--json]

An address is banned for a time when wrong credentials, requests for unknown and closed routes, or heads with doubtful framing
come from it again and again (network.bans). lift ends a ban and forgets what led to it; add bans an address by hand, of an
IPv6 address its whole /64. Both hold from the next request on. Without a gateway running they hold once it is started.

Example: sallyport bans lift 192.0.2.7`,
  run: (words, io) => runVerb('bans', VERBS, [], words, io),
};

const VERBS: readonly Verb[] = [
  { name: 'list', kinds: {}, words: [], run: list },
  { name: 'lift', kinds: {}, words: ['ADDRESS'], run: lift },
  { name: 'add', kinds: { for: 'text' }, words: ['ADDRESS'], run: add },
];

async function list(flags: Flags, io: CommandIo): Promise<number> {
  const [all, isRunning] = await withAdmin(flags, io, async (client) => [
    await allPages(client, 'bans', banPage),
    client.isRunning,
  ]);
  if (!isRunning) io.err('No gateway runs on this state directory: these hold once it is started.\n');
  if (flags.has('json')) io.out(json(all));
  else if (all.length === 0) io.out('No address is banned.\n');
  else io.out(table([['ADDRESS', 'REASON', 'IN A ROW', 'SINCE', 'UNTIL'], ...all.map(rowOf)]));
  return 0;
}

const rowOf = ({ address, reason, number, startedAt, until }: BanShown): string[] => [
  address,
  reason,
  String(number),
  timeText(startedAt, ''),
  timeText(until, ''),
];

async function lift(flags: Flags, io: CommandIo): Promise<number> {
  const address = addressOf(flags);
  const path = `/bans/${encodeURIComponent(address)}`;
  const unknown = `${address} is not banned. See: sallyport bans list`;
  await withAdmin(flags, io, (client) => askOne(client, { method: 'DELETE', path }, z.undefined(), unknown));
  io.out(flags.has('json') ? json({ address, state: 'lifted' }) : `lifted ${address}\n`);
  return 0;
}

async function add(flags: Flags, io: CommandIo): Promise<number> {
  const body = { address: addressOf(flags), for: flags.text('for') };
  const ban = await withAdmin(flags, io, (client) => client.ask({ method: 'POST', path: '/bans', body }, banShown));
  io.out(flags.has('json') ? json(ban) : `banned ${ban.address} until ${timeText(ban.until, '')}\n`);
  return 0;
}

/** What is banned of the address that a person means. @throws UsageError */
function addressOf(flags: Flags): string {
  const word = flags.words[0] ?? '';
  const network = networkOf(word);
  if (network !== undefined) return network;
  throw new UsageError(`"${word}" is no address: give one such as 192.0.2.7 or 2001:db8::7.`);
}
