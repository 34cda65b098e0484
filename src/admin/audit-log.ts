import * as z from 'zod';
import { AUDIT_KINDS } from '../audit-log/entry.ts';
import { text } from '../kernel/option.ts';
import { deny } from '../kernel/reasons.ts';
import { isAddress, plainAddress } from '../wire/address.ts';
import { operation, type Resource } from './operation.ts';

const MAX = 500;
const time = z.iso.datetime({ error: 'Give a time such as 2026-11-26T14:00:00Z.' }).optional();
const name = text('Give a name.').optional();
const count = (max: number) => z.coerce.number<string>({ error: 'Give a whole number.' }).int().min(0).max(max);

/** Events of the log as they stand there; people and addresses in the clear where their tenant's key is there. */
export const auditLogList = z.strictObject({
  items: z.array(z.record(z.string(), z.unknown())),
  next: z.string().nullable().describe('For `after`.'),
});

const erasure = z.strictObject({
  tenant: text('Give the id of a tenant.').describe(
    'What names its people and addresses, and what they said, is read by nobody any more.',
  ),
});

/** What was erased. */
export const auditErasure = z.strictObject({ tenant: z.string(), erased: z.boolean() });

const reading = z.strictObject({
  request: text('Give the x-request-id of an answer.').describe('Whose content is about to be read.'),
  by: text('Say who reads it.').describe('As the system of the command knows its user.'),
});

/** A reading that was recorded. */
export const auditContentReading = z.strictObject({ request: z.string() });

/** The audit log. */
export const auditLog: Resource = {
  name: 'audit-log',
  schemas: {
    AuditLogList: auditLogList,
    AuditErasure: auditErasure,
    AuditErasureWish: erasure,
    AuditContentReading: auditContentReading,
    AuditContentReader: reading,
  },
  operations: (deps) => [
    operation({
      id: 'searchAuditLog',
      method: 'GET',
      path: '/audit-log',
      scope: 'audit:read',
      summary: 'Search the audit log, the newest first: events of OCSF 1.8.',
      status: 200,
      query: z.strictObject({
        since: time,
        until: time.describe('Not in it.'),
        request: name.describe('The x-request-id of an answer.'),
        key: name.describe('Public id of an API key: what it has done, and what was done to it.'),
        tenant: name,
        code: name.describe('Status, or code of a refusal.'),
        model: name,
        address: z.string().refine(isAddress, { error: 'Give an IPv4 or IPv6 address.' }).optional(),
        kind: z.enum(AUDIT_KINDS, { error: `Give one of: ${AUDIT_KINDS.join(', ')}.` }).optional(),
        limit: count(MAX).prefault('100').describe(`At most ${MAX}.`),
        after: count(Number.MAX_SAFE_INTEGER).optional().describe('`next` of the page before.'),
      }),
      response: auditLogList,
      example: {
        items: [{ metadata: { sequence: 41, version: '1.8.0' }, time: 1_893_456_000_000, class_uid: 6003 }],
        next: null,
      },
      async handle({ query }) {
        const { since, until, key, address, limit, after, ...rest } = query;
        const found = await deps.searchAuditLog({
          ...rest,
          limit: Math.max(1, limit),
          before: after,
          sinceMs: since === undefined ? undefined : Date.parse(since),
          untilMs: until === undefined ? undefined : Date.parse(until),
          credential: key === undefined ? undefined : `key:${key}`,
          address: address === undefined ? undefined : plainAddress(address),
        });
        if (found === undefined) {
          return deny('conflict', { message: 'auditLog.enabled is false: nothing is recorded.' });
        }
        const items = found.records.map((record) => JSON.parse(record) as Record<string, unknown>);
        return { value: { items, next: found.next === undefined ? null : String(found.next) } };
      },
    }),
    operation({
      id: 'eraseAuditNames',
      method: 'POST',
      path: '/audit-log/erase',
      scope: 'admin:write',
      summary:
        'Destroy the key that reads the names of a tenant’s people and addresses, and what they said, in the audit log, for ever.',
      status: 200,
      body: erasure,
      response: auditErasure,
      example: { tenant: 'acme', erased: true },
      async handle({ body: { tenant }, actor }) {
        if (!(await deps.eraseAuditNames(tenant))) return deny('unknown_object');
        deps.logChange(actor, 'audit-log.erase', tenant);
        return { value: { tenant, erased: true } };
      },
    }),
    operation({
      id: 'noteContentReading',
      method: 'POST',
      path: '/audit-log/content-readings',
      scope: 'admin:write',
      summary: 'Record that somebody reads what was said in a request. The content itself is not to be had here.',
      status: 200,
      body: reading,
      response: auditContentReading,
      example: { request: '7f1d0c1e-2a53-4a59-9c86-2f8d1b1c6f0e' },
      async handle({ body: { request, by }, actor }) {
        const found = await deps.searchAuditLog({ request, limit: 1 });
        if (found === undefined) {
          return deny('conflict', { message: 'auditLog.enabled is false: nothing is recorded.' });
        }
        if (found.records.length === 0) return deny('unknown_object');
        deps.logChange(actor, 'audit-log.read', request, { by });
        return { value: { request } };
      },
    }),
  ],
};
