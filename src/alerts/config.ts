import type * as z from 'zod';
import { isLoopbackHost } from '../kernel/host.ts';
import { choice, count, duration, flag, group, list, text } from '../kernel/option.ts';

const NAME = 'Give a short name: lower-case letters, digits and hyphens, such as ops.';
const URL_HINT = 'Give an https: URL; http: only on this machine. No user or password in it.';
const SECRET = 'Give whsec_ and 24 to 64 bytes in base64: openssl rand -base64 32 makes one.';
const ADDRESS = 'Give a plain mail address, such as ops@example.org.';
const WORD = 'Give a text of at most 128 characters.';
const HOST = 'Give the name or address of the mail server, without port.';

/** Where a message may go: no redirect is followed, so this is where it goes. */
const sendUrl = () =>
  text(URL_HINT, (value) => {
    const url = URL.parse(value);
    if (url === null || url.username !== '' || url.password !== '' || url.hash !== '' || /\s/.test(value)) return false;
    return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
  });

// Neither a list nor a comment nor a second header fits into this.
const mailAddress = () =>
  text(ADDRESS, (value) => value.length <= 254 && /^[^\s"(),:;<>@[\\\]]+@[^\s"(),:;<>@[\\\]]+$/.test(value));

const isWebhookSecret = (value: string): boolean => {
  const bytes = /^(?:whsec_)?([A-Za-z0-9+/]{32,88}={0,2})$/.exec(value)?.[1];
  const length = bytes === undefined ? 0 : Buffer.from(bytes, 'base64').length;
  return length >= 24 && length <= 64;
};

/** What each type of channel needs, and what it may have besides. */
const OPTIONS = {
  webhook: { needs: ['webhookUrl', 'secret'], may: ['caFile'] },
  slack: { needs: ['webhookUrl'], may: ['caFile'] },
  pagerduty: { needs: ['routingKey'], may: ['webhookUrl', 'caFile'] },
  email: { needs: ['host', 'from', 'to'], may: ['port', 'tls', 'user', 'password', 'notifyOwners', 'caFile'] },
} as const;
const OWN = ['webhookUrl', 'secret', 'routingKey', 'host', 'port', 'tls', 'user', 'password', 'from', 'to'] as const;

const channel = group({
  name: text(NAME, (value) => /^[a-z0-9][a-z0-9-]{0,31}$/.test(value)).describe('In metrics, logs and commands.'),
  type: choice('webhook', 'slack', 'email', 'pagerduty').describe('How it is spoken to.'),
  webhookUrl: sendUrl()
    .optional()
    .describe('Where webhook and slack send to; of pagerduty another place than its own.'),
  secret: text(SECRET, isWebhookSecret).optional().describe('Signs what a webhook gets (Standard Webhooks).'),
  routingKey: text(WORD, (value) => /^[A-Za-z0-9]{16,64}$/.test(value))
    .optional()
    .describe('Integration key of PagerDuty.'),
  host: text(HOST, (value) => value.length <= 253 && /^[A-Za-z0-9.:_-]+$/.test(value))
    .optional()
    .describe('Mail server.'),
  port: count(1, 65_535).optional().describe('587, or 465 with tls: implicit.'),
  tls: choice('starttls', 'implicit', 'off').optional().describe('starttls unless told; off on this machine only.'),
  user: text(WORD).optional(),
  password: text(WORD).optional(),
  from: mailAddress().optional(),
  to: list(mailAddress()).optional(),
  notifyOwners: flag().prefault(false).describe('Mail goes also to the owner of a key that is held.'),
  caFile: text('Give the path of a PEM file.').optional().describe('Certificates to trust in place of the usual ones.'),
  minSeverity: choice('info', 'warning', 'critical').prefault('warning').describe('What is less is not sent here.'),
  events: list(text(WORD)).prefault([]).describe('Rules and events that are sent here; empty: all.'),
  tenants: list(text(WORD)).prefault([]).describe('Tenants whose alerts are sent here, and no others; empty: all.'),
}).superRefine((value, context) => {
  const { needs, may } = OPTIONS[value.type];
  const known: readonly string[] = [...needs, ...may];
  const wrong = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message });
  for (const name of needs)
    if (value[name] === undefined) wrong(name, `A channel of type ${value.type} needs ${name}.`);
  for (const name of OWN) {
    if (value[name] !== undefined && !known.includes(name))
      wrong(name, `A channel of type ${value.type} has no ${name}.`);
  }
  if (value.notifyOwners && value.type !== 'email')
    wrong('notifyOwners', 'Only a channel of type email has notifyOwners.');
  if (value.to?.length === 0) wrong('to', 'Give at least one address.');
  // Else whoever is on the way reads what is found, and the password.
  if (value.tls === 'off' && !isLoopbackHost(value.host ?? ''))
    wrong('tls', 'Mail without TLS goes to this machine only.');
  if ((value.user === undefined) !== (value.password === undefined))
    wrong('password', 'Give user and password, or neither.');
});

/** Messages to operators. */
export const alertsConfig = group({
  channels: list(channel)
    .max(32, { error: 'Give at most 32 channels.' })
    .superRefine((channels, context) => {
      for (const [i, { name }] of channels.entries()) {
        if (channels.findIndex((one) => one.name === name) === i) continue;
        context.addIssue({ code: 'custom', path: [i, 'name'], message: 'Another channel has this name.' });
      }
    })
    .prefault([])
    .describe('Where alerts are sent.'),
  groupWait: duration('0s', '10m')
    .prefault('30s')
    .describe('What comes after the first alert within it is in the same message.'),
  groupInterval: duration('10s', '1d').prefault('5m').describe('Between two messages of one group.'),
  repeatInterval: duration('1m', '30d').prefault('4h').describe('The same thing is told again after it.'),
  maxPerHour: count(4, 10_000).prefault(60).describe('Messages of one channel; what is more comes as one summary.'),
  digest: choice('none', 'daily', 'weekly').prefault('none').describe('A summary of what there was, at midnight UTC.'),
})
  .prefault({})
  .transform(({ groupWait, groupInterval, repeatInterval, ...rest }) => ({
    ...rest,
    groupWaitMs: groupWait,
    groupIntervalMs: groupInterval,
    repeatIntervalMs: repeatInterval,
  }));

/** A channel of alerts, as the configuration has it. */
export type ChannelConfig = z.output<typeof channel>;
/** How alerts are gathered. */
export type AlertsConfig = z.output<typeof alertsConfig>;
