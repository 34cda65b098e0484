import { createHmac } from 'node:crypto';
import type { AlertMessage } from '../../alerts/alert.ts';
import type { Channel } from '../../alerts/channel.ts';
import { headOf } from '../../alerts/message-text.ts';
import { post, type Post } from './post.ts';

/** What a webhook is posted with. */
export interface WebhookOptions extends Pick<Post, 'url' | 'caPem' | 'userAgent'> {
  /** `whsec_` and base64, or the base64 alone. */
  readonly secret: string;
  readonly publicUrl: string;
  readonly nowMs: () => number;
}

/** Posts messages as JSON, signed after the Standard Webhooks specification 1.0. */
export function createWebhook({ secret, publicUrl, nowMs, ...to }: WebhookOptions): Channel {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return {
    send(message, id, signal) {
      const body = JSON.stringify(webhookBody(message, publicUrl));
      // Of this try: one that is much later than what it signs would be taken for a replay.
      const timestamp = String(Math.floor(nowMs() / 1_000));
      const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
      const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
      return post({ ...to, body, headers }, signal);
    },
  };
}

/** The body, whose members docs/reference/alerts.md names: they stay, others may come. */
export const webhookBody = (message: AlertMessage, publicUrl: string): object => ({
  type: `sallyport.${message.kind}`,
  timestamp: new Date(message.timeMs).toISOString(),
  data: {
    gateway: publicUrl,
    ...{ group: message.group, event: message.event, tenant: message.tenant ?? null, severity: message.severity },
    ...{ title: message.title, text: headOf(message), count: message.count, resolved: message.isResolved },
    lines: message.lines,
    alerts: message.alerts.map(({ timeMs, tenant = null, isResolved, event, severity, subject, title, why, todo }) => ({
      ...{ at: new Date(timeMs).toISOString(), event, severity, subject, tenant, title, why, todo },
      resolved: isResolved,
    })),
  },
});
