import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alertsConfig } from './config.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const webhook = { name: 'ops', type: 'webhook', webhookUrl: 'https://hooks.example/x', secret: SECRET };
const email = { name: 'mail', type: 'email', host: 'mail.example', from: 'gw@example.org', to: ['ops@example.org'] };
const pager = { name: 'pager', type: 'pagerduty', routingKey: 'R0123456789abcdef0123456789abcde' };

/** Paths of the mistakes of channels. */
function mistaken(...channels: object[]): string[] {
  const read = alertsConfig.safeParse({ channels });
  return read.success ? [] : read.error.issues.map(({ path }) => path.slice(2).join('.'));
}

for (const [name, channel] of Object.entries({
  webhook,
  'webhook on this machine in the clear': { ...webhook, webhookUrl: 'http://127.0.0.1:9/x' },
  slack: { name: 'chat', type: 'slack', webhookUrl: 'https://hooks.slack.com/services/T/B/x' },
  email,
  'email in the clear on this machine': { ...email, host: 'localhost', tls: 'off' },
  'email with a password': { ...email, user: 'gw', password: 'pw' },
  pagerduty: pager,
}))
  test(`a channel for ${name} is accepted`, () => assert.deepEqual(mistaken(channel), []));

for (const [name, channel, path] of [
  ['a webhook without a secret', { ...webhook, secret: undefined }, 'secret'],
  ['a secret of 23 bytes', { ...webhook, secret: `whsec_${Buffer.alloc(23).toString('base64')}` }, 'secret'],
  ['a secret of 65 bytes', { ...webhook, secret: `whsec_${Buffer.alloc(65).toString('base64')}` }, 'secret'],
  ['http to another machine', { ...webhook, webhookUrl: 'http://hooks.example/x' }, 'webhookUrl'],
  ['a URL with a password', { ...webhook, webhookUrl: 'https://u:p@hooks.example/x' }, 'webhookUrl'],
  ['a URL of a file', { ...webhook, webhookUrl: 'file:///etc/passwd' }, 'webhookUrl'],
  ['Slack without a URL', { name: 'c', type: 'slack' }, 'webhookUrl'],
  ['PagerDuty without a key', { name: 'p', type: 'pagerduty' }, 'routingKey'],
  ['mail to nobody', { ...email, to: [] }, 'to'],
  ['mail to two in one text', { ...email, to: ['a@example.org, b@example.org'] }, 'to.0'],
  ['an address with a second header', { ...email, from: 'a@example.org\r\nBcc: b@example.org' }, 'from'],
  ['an address with a name', { ...email, from: 'Ops <a@example.org>' }, 'from'],
  ['mail in the clear to another machine', { ...email, tls: 'off' }, 'tls'],
  ['a user without a password', { ...email, user: 'gw' }, 'password'],
  ['an option of another type', { ...pager, secret: SECRET }, 'secret'],
  ['owners told by a webhook', { ...webhook, notifyOwners: true }, 'notifyOwners'],
  ['a name with a space', { ...webhook, name: 'my ops' }, 'name'],
] as const)
  test(`${name} is a mistake at ${path}`, () => assert.deepEqual(mistaken(channel), [path]));

test('two channels of one name are a mistake', () => {
  assert.deepEqual(mistaken(webhook, { ...pager, name: 'ops' }), ['name']);
});

test('a secret of 24 and of 64 bytes is accepted, with and without its prefix', () => {
  for (const bytes of [24, 64]) {
    const secret = Buffer.alloc(bytes, 3).toString('base64');
    assert.deepEqual(mistaken({ ...webhook, secret }), []);
    assert.deepEqual(mistaken({ ...webhook, secret: `whsec_${secret}` }), []);
  }
});
