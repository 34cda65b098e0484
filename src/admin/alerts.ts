import * as z from 'zod';
import { deny } from '../kernel/reasons.ts';
import { operation, type Resource } from './operation.ts';

const channel = z.strictObject({
  name: z.string(),
  type: z.string().describe('webhook, slack, email or pagerduty.'),
  minSeverity: z.string(),
  sent: z.int().describe('Alerts that were sent since the gateway started.'),
  failed: z.int().describe('Tries that failed.'),
  dropped: z.int().describe('Alerts that were given up.'),
});

/** Channels of alerts. */
export const alertChannelList = z.strictObject({ items: z.array(channel), next: z.null() });
/** What became of a test message. */
export const alertTest = z.strictObject({
  channel: z.string(),
  sent: z.boolean(),
  detail: z.string().describe('What came back, in words.'),
});

/** Where alerts are sent. */
export const alerts: Resource = {
  name: 'alerts',
  schemas: { AlertChannelList: alertChannelList, AlertTest: alertTest },
  operations: (deps) => [
    operation({
      id: 'listAlertChannels',
      method: 'GET',
      path: '/alerts',
      scope: 'admin:read',
      summary: 'List the channels that alerts are sent to, without their secrets.',
      status: 200,
      response: alertChannelList,
      example: {
        items: [{ name: 'ops', type: 'slack', minSeverity: 'warning', sent: 3, failed: 0, dropped: 0 }],
        next: null,
      },
      handle: () => ({
        value: { items: deps.alerts.channels().map(({ figures, ...one }) => ({ ...one, ...figures })), next: null },
      }),
    }),
    operation({
      id: 'testAlertChannel',
      method: 'POST',
      path: '/alerts/{id}/test',
      scope: 'admin:write',
      summary: 'Send a test message to a channel, once, and say what came back.',
      status: 200,
      response: alertTest,
      example: { channel: 'ops', sent: true, detail: 'it answered 200: ok' },
      async handle({ id, actor }) {
        const result = await deps.alerts.test(id);
        if (result === undefined) return deny('unknown_object');
        deps.logChange(actor, 'alerts.test', id);
        return { value: { channel: id, sent: result.isSent, detail: result.detail } };
      },
    }),
  ],
};
