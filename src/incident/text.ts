import { isoSeconds } from '../kernel/iso-time.ts';
import { withoutUnseen as plain } from '../wire/printable.ts';
import type { Incident } from './incident.ts';
import type { Seen } from './tally.ts';

/** How rows are set. */
export type Table = (rows: readonly (readonly string[])[]) => string;

/** An incident for a terminal; what comes from callers has no control characters. */
export function incidentText(incident: Incident, table: Table): string {
  const { subject, credential, totals, timeLine, actions, related } = incident;
  if (incident.records === 0) {
    return `The audit log knows nothing of ${subject.kind} ${plain(subject.id)} in that time.\n`;
  }
  const sections = [
    `Incident: ${subject.kind} ${plain(subject.id)}${credential === undefined ? '' : `, sent with ${plain(credential)}`}\n` +
      `${incident.records} records, ${timeOf(incident.firstMs)} to ${timeOf(incident.lastMs)}${incident.isWhole ? '' : ' (the newest; there are more)'}\n` +
      `${totals.requests} requests: ${totals.answered} answered, ${totals.denied} refused, ${totals.broken} cut, aborted or failed; ` +
      `${totals.promptTokens} prompt and ${totals.completionTokens} completion tokens\n`,
    section('What to do now', table(actions.map(({ what, command }) => [what, command]))),
    section(
      'Time line',
      table(timeLine.map(({ timeMs, sequence, what }) => [timeOf(timeMs), String(sequence), plain(what)])),
    ),
    seen('Models', incident.models, table),
    seen('Routes', incident.routes, table),
    seen('Addresses', incident.addresses, table),
    seen('Programs', incident.programs, table),
    seen('Credentials', incident.credentials, table),
    seen('Refused', incident.refusals, table),
    related.length === 0
      ? ''
      : section(
          'Other credentials at the same addresses',
          table(
            related
              .slice(0, 20)
              .map((one) => [plain(one.credential), plain(one.addresses.join(', ')), `${one.requests} requests`]),
          ),
        ),
  ];
  return sections.filter((one) => one !== '').join('\n');
}

const section = (title: string, text: string): string => `${title}\n${text.replace(/^(?=.)/gm, '  ')}`;

const seen = (title: string, all: readonly Seen[], table: Table): string =>
  all.length === 0
    ? ''
    : section(
        title,
        table(
          all.map(({ name, count, tokens, firstMs, lastMs }) => [
            ...[plain(name), `${count} requests`, `${tokens} tokens`],
            ...[timeOf(firstMs), timeOf(lastMs)],
          ]),
        ),
      );

const timeOf = (timeMs: number | undefined): string => (timeMs === undefined ? '-' : isoSeconds(timeMs));
