import * as z from 'zod';
import { operation, type Resource } from './operation.ts';

const finding = z.strictObject({
  at: z.iso.datetime(),
  rule: z.string(),
  subject: z
    .string()
    .describe('key: and the public id of an API key, token:, client:, tenant: or network: and its name.'),
  tenant: z.string().nullable(),
  score: z.number().describe('0 to 1.'),
  why: z.string().describe('In words and numbers.'),
  request: z.string().nullable(),
});

/** What was found unusual since the start. */
export const anomalyList = z.strictObject({ items: z.array(finding), next: z.null() });

/** Unusual use. */
export const anomalies: Resource = {
  name: 'anomalies',
  schemas: { AnomalyList: anomalyList },
  operations: (deps) => [
    operation({
      id: 'listAnomalies',
      method: 'GET',
      path: '/anomalies',
      scope: 'audit:read',
      summary:
        'List what was found unusual since the gateway started, the newest first; older findings are in the audit log.',
      status: 200,
      response: anomalyList,
      example: {
        items: [
          {
            at: '2030-01-01T00:00:00.000Z',
            rule: 'stolen-key',
            subject: 'key:Ab12Cd',
            tenant: 'default',
            score: 0.94,
            why: '41 requests a minute where 3 are usual, from a network and a client that it never had',
            request: null,
          },
        ],
        next: null,
      },
      handle() {
        const items = deps
          .anomalies()
          .map(({ timeMs, rule, subject, tenant = null, score, why, requestId = null }) => ({
            ...{ at: new Date(timeMs).toISOString(), rule, subject, tenant, score, why },
            request: requestId,
          }));
        return { value: { items, next: null } };
      },
    }),
  ],
};
