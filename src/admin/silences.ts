import * as z from 'zod';
import { base62 } from '../directory/api-key.ts';
import type { SilenceRecord } from '../directory/records.ts';
import { duration, text } from '../kernel/option.ts';
import { deny } from '../kernel/reasons.ts';
import { operation, type Resource } from './operation.ts';

const WORD = 'Give a text of at most 256 characters; a * at its end stands for whatever follows.';
const word = () => text(WORD, (value) => value.length <= 256 && value !== '*').optional();

const match = {
  event: word().describe('A rule of detection, or the event of an alert.'),
  tenant: word(),
  subject: word().describe('key: and the public id of an API key, or another name as alerts have it.'),
  severity: z.enum(['info', 'warning', 'critical']).optional(),
};

/** What is to be silenced; all matchers that are given must match. */
export const silenceWish = z
  .strictObject({
    ...match,
    for: duration('1m', '30d').describe('How long.'),
    reason: text('Say why, in at most 200 characters.', (value) => value.length <= 200),
  })
  .refine(({ event, tenant, subject, severity }) => (event ?? tenant ?? subject ?? severity) !== undefined, {
    path: ['event'],
    error: 'Give at least one of event, tenant, subject and severity: a silence of everything would hide an attack.',
  });

/** A silence as the admin API shows it. */
export const silenceShown = z.strictObject({
  id: z.string(),
  match: z.record(z.string(), z.string()),
  reason: z.string(),
  createdAt: z.iso.datetime(),
  until: z.iso.datetime(),
});

/** Silences that are in force. */
export const silenceList = z.strictObject({ items: z.array(silenceShown), next: z.null() });

/** A silence for people. */
export type SilenceShown = z.output<typeof silenceShown>;

const example: SilenceShown = {
  id: 'sil_4fT2kQ9x',
  match: { event: 'token-surge', tenant: 'research' },
  reason: 'load test until noon',
  createdAt: '2030-01-01T00:00:00.000Z',
  until: '2030-01-01T02:00:00.000Z',
};

/** Those that are in force at once; each alert is compared with all. */
const MAX_SILENCES = 200;

/** Alerts that are not sent for a time; what happened is recorded all the same. */
export const silences: Resource = {
  name: 'silences',
  schemas: { SilenceList: silenceList, Silence: silenceShown, SilenceWish: silenceWish },
  operations(deps) {
    const inForce = (): SilenceRecord[] =>
      [...deps.directory.silences.values()].filter(
        ({ state, untilMs }) => state === 'active' && untilMs > deps.clock.nowMs(),
      );
    return [
      operation({
        id: 'listSilences',
        method: 'GET',
        path: '/silences',
        scope: 'admin:read',
        summary: 'List the silences that are in force.',
        status: 200,
        response: silenceList,
        example: { items: [example], next: null },
        handle: () => ({ value: { items: inForce().map(shown), next: null } }),
      }),
      operation({
        id: 'createSilence',
        method: 'POST',
        path: '/silences',
        scope: 'admin:write',
        summary: 'Send no alerts of some kind for a time; they are recorded all the same.',
        status: 201,
        body: silenceWish,
        response: silenceShown,
        example,
        async handle({ body, actor }) {
          if (inForce().length >= MAX_SILENCES) {
            return deny('conflict', { message: `There are ${MAX_SILENCES} silences already: end one first.` });
          }
          const { for: forMs, reason, ...wanted } = body;
          const createdAtMs = deps.clock.nowMs();
          const id = `sil_${base62(8, deps.randomBytes)}`;
          const record: SilenceRecord = {
            ...{ id, reason, createdAtMs, untilMs: createdAtMs + forMs, state: 'active', version: 1 },
            match: Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)),
          };
          const committed = await deps.commit([{ kind: 'silence', record, expectedVersion: 0 }]);
          deps.logChange(actor, 'silences.create', id);
          return { value: shown(record), committed, location: `/silences/${id}` };
        },
      }),
      operation({
        id: 'deleteSilence',
        method: 'DELETE',
        path: '/silences/{id}',
        scope: 'admin:write',
        summary: 'End a silence.',
        status: 204,
        async handle({ id, actor }) {
          const before = inForce().find((one) => one.id === id);
          if (before === undefined) return deny('unknown_object');
          const record: SilenceRecord = { ...before, state: 'deleted', version: before.version + 1 };
          const committed = await deps.commit([{ kind: 'silence', record, expectedVersion: before.version }]);
          deps.logChange(actor, 'silences.delete', id);
          return { value: undefined, committed };
        },
      }),
    ];
  },
};

const shown = ({ id, match: matchers, reason, createdAtMs, untilMs }: SilenceRecord): SilenceShown => ({
  ...{ id, match: { ...matchers }, reason },
  createdAt: new Date(createdAtMs).toISOString(),
  until: new Date(untilMs).toISOString(),
});
