import { hash } from 'node:crypto';
import type { AlertMessage } from '../../alerts/alert.ts';
import type { Channel } from '../../alerts/channel.ts';
import { headOf, linesOf } from '../../alerts/message-text.ts';
import { post, type Post } from './post.ts';

/** Where events go unless told. */
export const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue';

/** Sends events to PagerDuty (Events API v2): a group is an incident, which ends when all of it is over. */
export function createPagerDuty(
  to: Pick<Post, 'url' | 'caPem' | 'userAgent'>,
  routingKey: string,
  publicUrl: string,
): Channel {
  return {
    send(message, id, signal) {
      const body = JSON.stringify({ routing_key: routingKey, ...pagerDutyEvent(message, id, publicUrl) });
      return post({ ...to, body }, signal);
    },
  };
}

/** An event; what is no alert is an incident of its own, of severity info. */
export function pagerDutyEvent(message: AlertMessage, id: string, publicUrl: string): object {
  const { kind, group, severity, event, tenant, timeMs, count, isResolved } = message;
  const isAlert = kind === 'alerts';
  return {
    event_action: isResolved ? 'resolve' : 'trigger',
    // Two gateways that find the same are two incidents.
    dedup_key: `sallyport-${hash('sha256', JSON.stringify([publicUrl, isAlert ? group : id]), 'hex')}`,
    payload: {
      ...{ summary: headOf(message).slice(0, 1_024), source: publicUrl, severity, class: event },
      ...{ timestamp: new Date(timeMs).toISOString(), component: 'sallyport', group: tenant ?? 'gateway' },
      custom_details: { count, text: linesOf(message).join('\n') },
    },
  };
}
