import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSmtpSink } from '../../../test/support/smtp.ts';
import { alert } from '../../alerts/alerts.fixture.ts';
import { testMessage } from '../../alerts/message-text.ts';
import { ownerMessage } from '../../alerts/owner-message.ts';
import { createEmail, type EmailOptions } from './email.ts';

const to = (port: number, more: Partial<EmailOptions> = {}) =>
  createEmail({
    ...{ host: '127.0.0.1', port, tls: 'off', auth: undefined, from: 'gw@example.org', to: ['ops@example.org'] },
    ...{ caPem: undefined, publicUrl: 'https://llm.example.org' },
    ...more,
  });
const soon = () => AbortSignal.timeout(5_000);

test('a message is a mail in plain text with an id of its own, and no robot answers it', async () => {
  await using server = await startSmtpSink();
  const sent = await to(server.port).send(testMessage(0), 'msg_1', soon());
  assert.deepEqual(sent, { kind: 'sent', detail: 'the server answered 250 kept' });
  const data = server.mails[0]?.data ?? '';
  assert.match(data, /^Message-ID: <msg_1@example\.org>$/m);
  assert.match(data, /^Subject: \[sallyport\] Test message of Sallyport$/m);
  assert.match(data, /^Auto-Submitted: auto-generated$/m);
  assert.match(data, /^Content-Type: text\/plain/m);
});

test('nothing that somebody writes becomes a header, a recipient or the end of the mail', async () => {
  await using server = await startSmtpSink();
  const evil = `x\r\nBcc: evil@example.net\r\n\r\n.\r\nRCPT TO:<evil@example.net>\u2028${'y'.repeat(1024 * 1024)}`;
  const one = alert({ event: evil, subject: evil, tenant: evil, title: evil, why: evil, todo: (shown) => [shown] });
  const message = { ...testMessage(0), kind: 'alerts', title: one.title, tenant: one.tenant, alerts: [one] } as const;
  assert.equal((await to(server.port).send(message, 'msg_1', soon())).kind, 'sent');
  const { commands = [], data = '' } = server.mails[0] ?? {};
  assert.deepEqual(
    commands.filter((line) => line.startsWith('RCPT')),
    ['RCPT TO:<ops@example.org>'],
  );
  const head = data.slice(0, data.indexOf('\n\n'));
  assert.doesNotMatch(head, /^(Bcc|RCPT)/im);
  assert.ok(data.length < 8_000, String(data.length));
});

test('the owner of a key gets a mail alone, which says neither why nor whose the gateway is', async () => {
  await using server = await startSmtpSink();
  const word = { timeMs: 0, address: 'ada@example.org', keyId: 'Ab12Cd', keyName: 'ci\r\nBcc: x@y' };
  await to(server.port).send(ownerMessage(word), 'msg_1', soon());
  const { commands = [], data = '' } = server.mails[0] ?? {};
  assert.ok(commands.includes('RCPT TO:<ada@example.org>') && !commands.some((line) => line.includes('ops@')));
  assert.match(data, /Ab12Cd/);
  assert.doesNotMatch(data, /llm\.example\.org|^Bcc/m);
});

test('without STARTTLS at the server nothing is sent, and no password', async () => {
  await using server = await startSmtpSink((line) => (line === 'STARTTLS' ? '502 not here' : undefined));
  const sent = await to(server.port, { tls: 'starttls', auth: { user: 'gw', pass: 'hidden' } }).send(
    ...([testMessage(0), 'msg_1', soon()] as const),
  );
  assert.equal(sent.kind, 'failed');
  const { commands = [], data = '' } = server.mails[0] ?? {};
  assert.equal(data, '');
  assert.ok(!commands.some((line) => /AUTH|MAIL|hidden/.test(line)));
});

for (const [answer, isFinal] of [
  ['550 no such user hidden@example.org', true],
  ['451 try later', false],
] as const)
  test(`a server that answers ${answer.slice(0, 3)} ${isFinal ? 'fails for good' : 'may take it later'}, and its text is not repeated`, async () => {
    await using server = await startSmtpSink((line) => (line.startsWith('RCPT') ? answer : undefined));
    const sent = await to(server.port).send(testMessage(0), 'msg_1', soon());
    assert.deepEqual(sent, {
      ...{ kind: 'failed', isFinal },
      detail: `the server answered ${answer.slice(0, 3)} (EENVELOPE)`,
    });
  });

test('a server that hangs is left when the signal ends', async () => {
  const abort = new AbortController();
  await using server = await startSmtpSink((line) => {
    if (line === 'DATA') abort.abort();
    return line === 'DATA' ? '' : undefined;
  });
  const sent = await to(server.port).send(testMessage(0), 'msg_1', abort.signal);
  assert.deepEqual([sent.kind, sent.kind === 'failed' && sent.isFinal], ['failed', false]);
});

test('a server that is not there may be later', async () => {
  const sent = await to(1).send(testMessage(0), 'msg_1', soon());
  assert.deepEqual(sent, { kind: 'failed', isFinal: false, detail: 'it cannot be reached (ESOCKET)' });
});
