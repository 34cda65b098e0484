import * as z from 'zod';
import { alertChannelList, alertTest } from '../admin/alerts.ts';
import { silenceList, silenceShown, type SilenceShown } from '../admin/silences.ts';
import { askOne, withAdmin } from './admin-client.ts';
import { CommandError, UsageError, type Command, type CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { json, present, table, timeText } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Messages to operators. */
export const alerts: Command = {
  name: 'alerts',
  summary: 'see where alerts are sent, test it, silence what is known',
  help: `sallyport alerts list [--json]
sallyport alerts test CHANNEL [--json]
sallyport alerts silence [--event NAME] [--tenant T] [--subject NAME] [--severity info|warning|critical]
                         --for 2h --reason TEXT [--json]
sallyport alerts silences [--json]
sallyport alerts unsilence ID [--json]

test sends a message that says it is one, and tells what came back. A silence hides messages, never records: what happened is in
the audit log and in sallyport anomalies. All that is given must match; a * at the end of a word stands for whatever follows.
Channels are in the configuration: alerts.channels.

Example: sallyport alerts silence --event token-surge --tenant research --for 2h --reason "load test"`,
  run: (words, io) => runVerb('alerts', VERBS, [], words.length === 0 ? ['list'] : words, io),
};

const MATCHERS = { event: 'text', tenant: 'text', subject: 'text', severity: 'text' } as const;
const VERBS: readonly Verb[] = [
  { name: 'list', kinds: {}, words: [], run: list },
  { name: 'test', kinds: {}, words: ['CHANNEL'], run: test },
  { name: 'silence', kinds: { ...MATCHERS, for: 'text', reason: 'text' }, words: [], run: silence },
  { name: 'silences', kinds: {}, words: [], run: silences },
  { name: 'unsilence', kinds: {}, words: ['ID'], run: unsilence },
];

const NOT_RUNNING =
  'No gateway runs on this state directory: only a running one sends alerts. Start it: sallyport serve';

async function list(flags: Flags, io: CommandIo): Promise<number> {
  const [items, isRunning] = await withAdmin(flags, io, async (client) => [
    (await client.ask({ method: 'GET', path: '/alerts' }, alertChannelList)).items,
    client.isRunning,
  ]);
  if (!isRunning) throw new CommandError(NOT_RUNNING);
  if (flags.has('json')) io.out(json(items));
  else if (items.length === 0) io.out('Alerts are sent nowhere. See alerts.channels of the configuration.\n');
  else {
    const rows = items.map((one) => [
      ...[one.name, one.type, one.minSeverity],
      ...[one.sent, one.failed, one.dropped].map(String),
    ]);
    io.out(table([['CHANNEL', 'TYPE', 'FROM', 'SENT', 'FAILED TRIES', 'DROPPED'], ...rows]));
  }
  return 0;
}

async function test(flags: Flags, io: CommandIo): Promise<number> {
  const [name = ''] = flags.words;
  const path = `/alerts/${encodeURIComponent(name)}/test`;
  const unknown = `There is no channel "${name}". See: sallyport alerts list`;
  const done = await withAdmin(flags, io, (client) => {
    if (!client.isRunning) throw new CommandError(NOT_RUNNING);
    return askOne(client, { method: 'POST', path }, alertTest, unknown);
  });
  if (flags.has('json')) io.out(json(done));
  else if (done.sent) io.out(`sent to ${done.channel}: ${done.detail}\n`);
  else io.err(`not sent to ${done.channel}: ${done.detail}\n`);
  return done.sent ? 0 : 1;
}

async function silence(flags: Flags, io: CommandIo): Promise<number> {
  const [forText, reason] = [flags.text('for'), flags.text('reason')];
  if (forText === undefined || reason === undefined) {
    throw new UsageError('Say how long and why: sallyport alerts silence --event NAME --for 2h --reason TEXT');
  }
  const matchers = Object.fromEntries(Object.keys(MATCHERS).map((name) => [name, flags.text(name)]));
  const body = present({ ...matchers, for: forText, reason });
  const made = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'POST', path: '/silences', body }, silenceShown),
  );
  io.out(flags.has('json') ? json(made) : `${made.id}: silent until ${timeText(made.until, '')}\n`);
  return 0;
}

async function silences(flags: Flags, io: CommandIo): Promise<number> {
  const { items } = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'GET', path: '/silences' }, silenceList),
  );
  if (flags.has('json')) io.out(json(items));
  else if (items.length === 0) io.out('Nothing is silenced.\n');
  else io.out(table([['ID', 'WHAT', 'UNTIL', 'REASON'], ...items.map(rowOf)]));
  return 0;
}

const rowOf = ({ id, match, until, reason }: SilenceShown): readonly string[] => [
  id,
  Object.entries(match)
    .map(([name, value]) => `${name}=${value}`)
    .join(' '),
  timeText(until, ''),
  reason,
];

async function unsilence(flags: Flags, io: CommandIo): Promise<number> {
  const [id = ''] = flags.words;
  const path = `/silences/${encodeURIComponent(id)}`;
  const unknown = `There is no silence "${id}". See: sallyport alerts silences`;
  await withAdmin(flags, io, (client) => askOne(client, { method: 'DELETE', path }, z.undefined(), unknown));
  io.out(flags.has('json') ? json({ id, state: 'ended' }) : `ended ${id}\n`);
  return 0;
}
