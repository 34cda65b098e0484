import type { Severity } from '../kernel/finding.ts';
import { withoutUnseen } from '../wire/printable.ts';
import type { Review } from './review.ts';

const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];

/** A review for people, in CommonMark. */
export function markdownOf({ id, at, ok, findings, gone, previous }: Review): string {
  const counts = SEVERITIES.map((one) => [one, findings.filter(({ severity }) => severity === one).length] as const)
    .filter(([, count]) => count > 0)
    .map(([one, count]) => `${count} ${one}`)
    .join(', ');
  const fresh = findings.filter(({ isNew }) => isNew).length;
  return [
    `# Review ${id}`,
    '',
    `${at} · **${ok ? 'well' : 'not well'}** · ${counts === '' ? 'nothing was found' : counts}`,
    previous === null ? 'The first review.' : `Since ${previous}: ${fresh} new, ${gone.length} gone.`,
    ...findings.flatMap((one) => [
      '',
      `## ${one.severity}: ${escaped(one.what)}`,
      '',
      `- check: \`${one.id}\`${one.isNew ? ' (new)' : ''}`,
      `- subject: ${code(one.subject)}`,
      `- evidence: ${one.evidence.map(escaped).join('; ')}`,
      ...(one.records.length === 0 ? [] : [`- records of the audit log: ${one.records.join(', ')}`]),
      `- mend: ${code(one.mend)}`,
      `- asked for by: ${escaped(one.standard)}`,
    ]),
    ...(gone.length === 0 ? [] : ['', '## Gone since the review before', '']),
    ...gone.map((one) => `- ${escaped(one.what)} (\`${one.id}\`)`),
    '',
  ].join('\n');
}

/** Names are what people have given: none of them is markup, or a line of its own. */
const escaped = (text: string): string => withoutUnseen(text).replace(/[\\`*_{}[\]<>#|!]/g, '\\$&');
const code = (text: string): string => `\`${withoutUnseen(text).replaceAll('`', "'")}\``;
