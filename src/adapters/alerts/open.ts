import { readFileSync } from 'node:fs';
import type { Channel } from '../../alerts/channel.ts';
import type { ChannelConfig } from '../../alerts/config.ts';
import type { DeepReadonly } from '../../kernel/deep-readonly.ts';
import { createPagerDuty, PAGERDUTY_URL } from './pagerduty.ts';
import { createSlack } from './slack.ts';
import { createWebhook } from './webhook.ts';

/** What all channels have in common. */
export interface ChannelDeps {
  readonly userAgent: string;
  readonly publicUrl: string;
  readonly nowMs: () => number;
}

/** The channel that the configuration describes; its mistakes have been refused before. */
export async function openChannel(config: DeepReadonly<ChannelConfig>, deps: ChannelDeps): Promise<Channel> {
  const { type, webhookUrl = '', secret = '', routingKey = '', caFile } = config;
  const { userAgent, publicUrl, nowMs } = deps;
  const caPem = caFile === undefined ? undefined : readFileSync(caFile, 'utf8');
  const to = { url: webhookUrl, caPem, userAgent };
  switch (type) {
    case 'webhook':
      return createWebhook({ ...to, secret, publicUrl, nowMs });
    case 'slack':
      return createSlack(to, publicUrl);
    case 'pagerduty':
      return createPagerDuty({ ...to, url: webhookUrl || PAGERDUTY_URL }, routingKey, publicUrl);
    case 'email': {
      // Only who sends mail loads what speaks SMTP.
      const { createEmail } = await import('./email.ts');
      const { host = '', tls = 'starttls', port = tls === 'implicit' ? 465 : 587, from = '', to: all = [] } = config;
      const { user, password } = config;
      const auth = user === undefined || password === undefined ? undefined : { user, pass: password };
      return createEmail({ host, port, tls, auth, from, to: all, caPem, publicUrl });
    }
  }
}
