import { heldCredential, quarantineList } from '../admin/quarantine.ts';
import { askOne, withAdmin } from './admin-client.ts';
import type { Command, CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { json, present, table, timeText } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Credentials that are held. */
export const quarantine: Command = {
  name: 'quarantine',
  summary: 'see which credentials are held, hold one, release it',
  help: `sallyport quarantine list [--json]
sallyport quarantine hold ID [--why TEXT] [--json]
sallyport quarantine release ID [--json]

ID is the public id of an API key, or a name as list shows it. What is held is refused with 403 quarantined on all workers and
on all instances that count on one server (counters.url), and its running requests end; released, it works again from the next
request on. To end a credential for good: sallyport keys revoke.

Example: sallyport quarantine release Ab12Cd`,
  run: (words, io) => runVerb('quarantine', VERBS, [], words, io),
};

const VERBS: readonly Verb[] = [
  { name: 'list', kinds: {}, words: [], run: list },
  { name: 'hold', kinds: { why: 'text' }, words: ['ID'], run: hold },
  { name: 'release', kinds: {}, words: ['ID'], run: release },
];

async function list(flags: Flags, io: CommandIo): Promise<number> {
  const { items } = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'GET', path: '/quarantine' }, quarantineList),
  );
  if (flags.has('json')) io.out(json(items));
  else if (items.length === 0) io.out('Nothing is held.\n');
  else {
    const rows = items.map((one) => [one.id, one.rule, timeText(one.heldAt, ''), one.why]);
    io.out(table([['ID', 'RULE', 'SINCE', 'WHY'], ...rows]));
  }
  return 0;
}

async function hold(flags: Flags, io: CommandIo): Promise<number> {
  const body = present({ id: nameOf(flags), why: flags.text('why') });
  const unknown = 'There is no API key with this id. See: sallyport keys list';
  const done = await withAdmin(flags, io, (client) =>
    askOne(client, { method: 'POST', path: '/quarantine', body }, heldCredential, unknown),
  );
  io.out(flags.has('json') ? json(done) : `holding ${done.id}\n`);
  warnUnshared(done, io);
  return 0;
}

async function release(flags: Flags, io: CommandIo): Promise<number> {
  const path = `/quarantine/${encodeURIComponent(nameOf(flags))}/release`;
  const unknown = 'Nothing of this name is held. See: sallyport quarantine list';
  const done = await withAdmin(flags, io, (client) =>
    askOne(client, { method: 'POST', path }, heldCredential, unknown),
  );
  io.out(flags.has('json') ? json(done) : `released ${done.id}\n`);
  warnUnshared(done, io);
  return 0;
}

/** It is done here, and a script goes on; but whoever held a thief must know where they still get in. */
function warnUnshared({ shared }: { readonly shared?: boolean | undefined }, io: CommandIo): void {
  if (shared === false)
    io.err(
      'The other instances do not know of it yet, or have held it anew: see quarantine list, and the lines quarantine_unshared and shared_quarantine_full.\n',
    );
}

/** A key's id stands for the key. */
function nameOf({ words: [id = ''] }: Flags): string {
  return id.includes(':') ? id : `key:${id}`;
}
