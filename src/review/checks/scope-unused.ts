import { daysBetween, type Check, type Found } from '../check.ts';
import type { ReviewedClient, ReviewedKey } from '../facts.ts';

const DAYS = 30;

/** What somebody may do and never does is of use to a thief alone. */
export const scopeUnused: Check = {
  id: 'scope-unused',
  severity: 'low',
  title: `Scopes and models that were not used for ${DAYS} days`,
  standard: 'NIST SP 800-53 AC-6(7) (review of user privileges), RFC 9700 §2.3',
  mend: 'sallyport keys edit ID --scopes …, sallyport clients edit ID --scopes …',
  run: ({ keys, clients, nowMs }) => [
    ...keys.flatMap((key) => foundOf('api-keys', 'keys', key, nowMs)),
    ...clients.flatMap((client) => foundOf('oauth-clients', 'clients', client, nowMs)),
  ],
};

/** What was not used at all is another finding. */
function foundOf(resource: string, command: string, holder: ReviewedKey | ReviewedClient, nowMs: number): Found[] {
  const { record, lastUseMs, unused } = holder;
  const isYoung = daysBetween(record.createdAtMs, nowMs) < DAYS;
  const isIdle = lastUseMs === undefined || daysBetween(lastUseMs, nowMs) >= DAYS;
  const scopes = unused.filter((one) => !one.startsWith('model:'));
  const models = unused.filter((one) => one.startsWith('model:') && one !== 'model:*');
  if (isYoung || isIdle || scopes.length + models.length === 0) return [];
  return [
    {
      subject: `${resource}/${record.id}`,
      what: `${record.id} (${record.name}) may use ${[...scopes, ...models].join(', ')}, and has not for ${DAYS} days.`,
      evidence: [
        `${unused.length} permissions not used, others last used on ${new Date(lastUseMs).toISOString().slice(0, 10)}`,
      ],
      mend: `sallyport ${command} edit ${record.id} --scopes …`,
    },
  ];
}
