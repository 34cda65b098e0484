import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSmtpSink } from '../../../test/support/smtp.ts';
import { loadConfig } from '../../config/load.ts';
import { systemClock } from '../../kernel/clock.ts';
import { openAlerts } from './alerts.ts';

test('a mail to an owner that their server puts off holds up no alert', async () => {
  await using sink = await startSmtpSink((line) =>
    line.startsWith('RCPT TO:<owner@') ? '450 domain not found, try later' : undefined,
  );
  const mail = {
    ...{ name: 'mail', type: 'email', host: '127.0.0.1', port: sink.port, tls: 'off' },
    ...{ from: 'gw@example.org', to: ['ops@example.org'], notifyOwners: true },
  };
  const loaded = loadConfig({ env: {}, overrides: { alerts: { channels: [mail], groupWait: '0s' } } });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  let sent = (): void => undefined;
  const isSent = new Promise<void>((resolve) => (sent = resolve));
  const alerts = await openAlerts({
    ...{ config: loaded.config, stateDir: '/nowhere', version: '0', instance: 'i', host: 'h', publicUrl: 'https://x' },
    clock: systemClock,
    log: () => undefined,
    count: (_name, result) => (result === 'sent' ? sent() : undefined),
    lag: () => undefined,
  });
  alerts.tellOwner?.({ timeMs: 0, address: 'owner@example.net', keyId: 'Ab12Cd', keyName: 'ci' });
  alerts.notice?.({
    ...{ timeMs: Date.now(), event: 'upstream_down', severity: 'critical', subject: 'upstream:main' },
    ...{ tenant: undefined, facts: {} },
  });
  await isSent;
  await alerts.close(100);
  assert.ok(sink.mails.some(({ data }) => data.includes('An upstream is down')));
  assert.ok(sink.mails.some(({ commands }) => commands.includes('RCPT TO:<owner@example.net>')));
});
