import { limitList } from '../admin/limits.ts';
import { askOne, withAdmin } from './admin-client.ts';
import type { Command, CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { NO_KEY } from './keys.ts';
import { json, table, timeText } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Limits as they stand. */
export const limits: Command = {
  name: 'limits',
  summary: 'show every limit of an API key, what it comes from and how full it is',
  help: `sallyport limits show KEY [--json]

Shows every limit that holds for an API key: its own, those of its groups, roles and tenant, what it shares with others, the
rules of limits.rules and the defaults; how much of each is used, with what running requests have set aside, and when all of
it is there again. Rules by model or route hold besides. Without a running gateway only budgets are known to be used.

Example: sallyport limits show Ab12cd`,
  run: (words, io) => runVerb('limits', VERBS, [], words, io),
};

const VERBS: readonly Verb[] = [{ name: 'show', kinds: {}, words: ['KEY'], run: show }];

async function show(flags: Flags, io: CommandIo): Promise<number> {
  const path = `/limits/${encodeURIComponent(flags.words[0] ?? '')}`;
  const list = await withAdmin(flags, io, (client) => askOne(client, { method: 'GET', path }, limitList, NO_KEY));
  if (flags.has('json')) {
    io.out(json(list));
    return 0;
  }
  const rows = list.limits.map((one) => [
    one.name,
    one.from,
    `${one.limit} ${one.counts}${one.per === null ? ' at once' : ` a ${one.per}`}`,
    String(Math.ceil(one.used)),
    String(Math.floor(one.remaining)),
    timeText(one.resetsAt, '-'),
  ]);
  io.out(table([['NAME', 'FROM', 'LIMIT', 'USED', 'REMAINING', 'ALL BACK AT'], ...rows]));
  return 0;
}
