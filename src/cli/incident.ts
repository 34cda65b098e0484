import { searchAuditLog } from '../gateway/audit-search.ts';
import { incidentHtml } from '../incident/html.ts';
import { gatherIncident } from '../incident/incident.ts';
import { subjectOf } from '../incident/subject.ts';
import { incidentText } from '../incident/text.ts';
import { timeIn } from './audit-search.ts';
import { UsageError, type Command } from './command.ts';
import { parseFlags, type Flags } from './flags.ts';
import { stateDirOf } from './places.ts';
import { json, table } from './text.ts';
import { expectWords } from './verbs.ts';

/** What happened to a key, an address, a request. */
export const incident: Command = {
  name: 'incident',
  summary: 'see what happened to a key, an address or a request, and what to do now',
  help: `sallyport incident KEY|IP|REQUEST [--since TIME] [--until TIME] [--format text|json|html] [--json]

Gathers from the audit log: the time line, what was touched, from where, which other credentials were seen there, and what to
do now. KEY is the public id of an API key or the whole key; REQUEST is the x-request-id of an answer; a token goes by its
name in the records, somebody's tokens by "subject:ISSUER SUBJECT", a tenant by tenant:NAME. A TIME is such as 2026-11-26T14:00:00Z, or 30m, 8h, 7d ago. The HTML report is one file that loads nothing.
Needs no gateway: it reads the state directory.

Example: sallyport incident Ab12Cd --since 7d --format html > incident.html`,
  run(words, io) {
    const flags = parseFlags(words, { since: 'text', until: 'text', format: 'text' });
    expectWords(flags, ['KEY|IP|REQUEST'], 'sallyport incident');
    const format = formatOf(flags);
    const stateDir = stateDirOf(flags, io.env);
    const window = { sinceMs: timeIn(flags, 'since'), untilMs: timeIn(flags, 'until') };
    const found = gatherIncident(subjectOf(flags.words[0] ?? ''), window, (question) =>
      searchAuditLog(stateDir, question),
    );
    if (format === 'html') io.out(incidentHtml(found, Date.now()));
    else io.out(format === 'json' ? json(found) : incidentText(found, table));
    return Promise.resolve(found.records === 0 ? 1 : 0);
  },
};

const FORMATS = ['text', 'json', 'html'] as const;

function formatOf(flags: Flags): (typeof FORMATS)[number] {
  const word = flags.text('format') ?? (flags.has('json') ? 'json' : 'text');
  const format = FORMATS.find((one) => one === word);
  if (format === undefined) throw new UsageError(`--format is one of: ${FORMATS.join(', ')}`);
  return format;
}
