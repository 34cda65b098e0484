import { anomalyList } from '../admin/anomalies.ts';
import { withAdmin } from './admin-client.ts';
import type { Command, CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { json, table } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Unusual use. */
export const anomalies: Command = {
  name: 'anomalies',
  summary: 'see what was found unusual, and why',
  help: `sallyport anomalies list [--json]

What was found since the gateway started, the newest first. Older findings: sallyport audit-log search --kind finding.
What is done about them is anomaly.mode: off, observe, or quarantine. See also: sallyport quarantine.

Example: sallyport anomalies list`,
  run: (words, io) => runVerb('anomalies', VERBS, [], words.length === 0 ? ['list'] : words, io),
};

const VERBS: readonly Verb[] = [{ name: 'list', kinds: {}, words: [], run: list }];

async function list(flags: Flags, io: CommandIo): Promise<number> {
  const { items } = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'GET', path: '/anomalies' }, anomalyList),
  );
  if (flags.has('json')) io.out(json(items));
  else if (items.length === 0) io.out('Nothing unusual was found.\n');
  else {
    const rows = items.map((one) => [one.at, one.rule, one.subject, one.tenant ?? '-', one.score.toFixed(2), one.why]);
    io.out(table([['TIME', 'RULE', 'SUBJECT', 'TENANT', 'SCORE', 'WHY'], ...rows]));
  }
  return 0;
}
