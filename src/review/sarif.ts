import type { JsonObject } from '../kernel/json.ts';
import type { Severity } from '../kernel/finding.ts';
import { withoutUnseen } from '../wire/printable.ts';
import { checks } from './checks/index.ts';
import type { Review } from './review.ts';

const LEVELS: { readonly [One in Severity]: string } = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  info: 'note',
};
/** As GitHub reads `security-severity`: 9 and more is critical, 7 high, 4 medium. */
const SCORES: { readonly [One in Severity]: string } = {
  critical: '9.5',
  high: '8.0',
  medium: '5.5',
  low: '2.0',
  info: '0.0',
};

/** A review in the Static Analysis Results Interchange Format, SARIF 2.1.0 (OASIS), for tools that collect findings. */
export function sarifOf({ id, at, findings, gone, previous }: Review, version: string): JsonObject {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'sallyport review',
            version,
            rules: checks.map((check) => ({
              id: check.id,
              shortDescription: { text: check.title },
              help: { text: `${check.mend}\n${check.standard}` },
              defaultConfiguration: { level: LEVELS[check.severity] },
              properties: { 'security-severity': SCORES[check.severity], tags: ['security'] },
            })),
          },
        },
        automationDetails: { id: `sallyport/${id}` },
        invocations: [{ executionSuccessful: true, endTimeUtc: at }],
        results: [
          ...findings.map((one) => ({
            ruleId: one.id,
            ruleIndex: checks.findIndex((check) => check.id === one.id),
            level: LEVELS[one.severity],
            message: { text: plain(`${one.what} (${one.evidence.join('; ')}) Mend: ${one.mend}`) },
            ...placeOf(one.id, one.subject),
            ...(previous === null ? {} : { baselineState: one.isNew ? 'new' : 'unchanged' }),
            properties: { records: [...one.records] },
          })),
          ...gone.map((one) => ({
            ruleId: one.id,
            ruleIndex: checks.findIndex((check) => check.id === one.id),
            level: 'none',
            message: { text: plain(one.what) },
            ...placeOf(one.id, one.subject),
            baselineState: 'absent',
          })),
        ],
      },
    ],
  };
}

/** A text without links (SARIF §3.11.6): the name of a key must not lead whoever looks at findings anywhere. */
const plain = (text: string): string => withoutUnseen(text).replace(/[[\]\\]/g, '\\$&');

/** It is in no file: the place is an object of the admin API. */
const placeOf = (id: string, subject: string): JsonObject => ({
  locations: [
    {
      logicalLocations: [{ fullyQualifiedName: subject, kind: 'resource' }],
      physicalLocation: { artifactLocation: { uri: `sallyport/${encodeURI(subject)}` } },
    },
  ],
  partialFingerprints: { 'sallyport/v1': `${id} ${subject}` },
});
