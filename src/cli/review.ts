import { reviewList, reviewSchedule, reviewShown } from '../admin/reviews.ts';
import { VERSION } from '../gateway/version.ts';
import { SCHEDULES } from '../review/config.ts';
import { markdownOf } from '../review/markdown.ts';
import type { Review } from '../review/review.ts';
import { sarifOf } from '../review/sarif.ts';
import { withoutUnseen } from '../wire/printable.ts';
import { withAdmin, type AdminClient } from './admin-client.ts';
import { CommandError, UsageError, type Command } from './command.ts';
import { parseFlags, type Flags } from './flags.ts';
import { painter } from './paint.ts';
import { json } from './text.ts';
import { expectWords } from './verbs.ts';

/** Reviews configuration and use. */
export const review: Command = {
  name: 'review',
  summary: 'review the configuration and how keys, clients and consents are used',
  help: `sallyport review [--last] [--format text|json|markdown|sarif] [--json]
sallyport review --schedule ${SCHEDULES.join('|')}

Looks at the configuration and at who has used what: keys without expiry or limit, scopes and clients that nobody uses,
consents to clients that are gone, redirect URIs on plain http, issuers without pinned algorithms, administrators without a
second factor, and more. Each finding has its evidence, records of the audit log, the line that mends it, and whether it is
new since the review before. What a review comes to is in the audit log. --last shows the last one, and runs none.
With --schedule the gateway reviews by itself; reviews.schedule of the configuration goes before it.
Exit code 0 where nothing critical or high was found, else 1.

Example: sallyport review --format sarif > review.sarif`,
  async run(words, io) {
    const flags = parseFlags(words, { last: 'flag', format: 'text', schedule: 'text' });
    expectWords(flags, [], 'sallyport review');
    const every = flags.text('schedule');
    if (every !== undefined) {
      const set = await withAdmin(flags, io, (client) => setSchedule(client, every));
      io.out(flags.has('json') ? json(set) : `reviews run by themselves: ${set.every}\n`);
      return 0;
    }
    const format = formatOf(flags);
    const made = await withAdmin(flags, io, (client) => reviewOf(client, flags.has('last')));
    io.out(shown(made, format, io.isTerminal));
    return made.ok ? 0 : 1;
  },
};

const FORMATS = ['text', 'json', 'markdown', 'sarif'] as const;

function formatOf(flags: Flags): (typeof FORMATS)[number] {
  const word = flags.text('format') ?? (flags.has('json') ? 'json' : 'text');
  const format = FORMATS.find((one) => one === word);
  if (format === undefined) throw new UsageError(`--format is one of: ${FORMATS.join(', ')}`);
  return format;
}

function setSchedule(client: AdminClient, every: string) {
  if (!SCHEDULES.some((one) => one === every)) throw new UsageError(`--schedule is one of: ${SCHEDULES.join(', ')}`);
  return client.ask({ method: 'POST', path: '/reviews/schedule', body: { every } }, reviewSchedule);
}

async function reviewOf(client: AdminClient, isLast: boolean): Promise<Review> {
  if (!isLast) return client.ask({ method: 'POST', path: '/reviews' }, reviewShown);
  const [last] = (await client.ask({ method: 'GET', path: '/reviews' }, reviewList)).items;
  if (last === undefined) throw new CommandError('There was no review yet: sallyport review');
  return last;
}

function shown(made: Review, format: (typeof FORMATS)[number], isTerminal: boolean): string {
  switch (format) {
    case 'json':
      return json(made);
    case 'sarif':
      return json(sarifOf(made, VERSION));
    case 'markdown':
      return markdownOf(made);
    case 'text':
      return textOf(made, isTerminal);
  }
}

const COLOURS = { critical: 'red', high: 'red', medium: 'yellow', low: 'cyan', info: 'cyan' } as const;

function textOf({ findings, gone, ok, previous }: Review, isTerminal: boolean): string {
  const paint = painter(isTerminal);
  const lines = findings.map(({ id, severity, what: said, evidence, records, mend, isNew }) => {
    // Names are what somebody has typed: none may act on a terminal.
    const what = withoutUnseen(said);
    const seen = [
      ...evidence.map(withoutUnseen),
      ...(records.length === 0 ? [] : [`records ${records.join(', ')}`]),
    ].join('; ');
    return `${paint(severity.toUpperCase().padEnd(8), COLOURS[severity])}  ${isNew ? 'new: ' : ''}${what}  [${id}]
          seen: ${seen}
          mend: ${mend}\n`;
  });
  const ended = gone.map(({ id, what }) => `${paint('GONE', 'green').padEnd(8)}  ${withoutUnseen(what)}  [${id}]\n`);
  const fresh = findings.filter(({ isNew }) => isNew).length;
  const since = previous === null ? '' : `, ${fresh} new and ${gone.length} gone since ${previous}`;
  const word = ok ? paint('well', 'green') : paint('not well', 'red');
  return `${lines.join('')}${ended.join('')}${word}: ${findings.length} findings${since}\n`;
}
