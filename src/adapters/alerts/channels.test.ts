import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startSink, type SinkAnswer } from '../../../test/support/sink.ts';
import type { AlertMessage } from '../../alerts/alert.ts';
import { alert } from '../../alerts/alerts.fixture.ts';
import type { Channel } from '../../alerts/channel.ts';
import { createPagerDuty } from './pagerduty.ts';
import { post } from './post.ts';
import { createSlack, slackBody } from './slack.ts';
import { createWebhook } from './webhook.ts';

const PUBLIC = 'https://llm.example.org';
const KEY = Buffer.alloc(32, 5);
const EVIL = `<!channel> <https://evil|vLLM> @here &amp; \`rm\` *bold*\r\nBcc: x@y\x1b[2J${'z'.repeat(1024 * 1024)}`;
const evil = alert({ event: EVIL, subject: EVIL, tenant: EVIL, title: EVIL, why: EVIL, todo: (shown) => [shown] });
const message = (one = alert(), more: Partial<AlertMessage> = {}): AlertMessage => ({
  ...{ kind: 'alerts', timeMs: 0, group: one.group, event: one.event, tenant: one.tenant, severity: one.severity },
  ...{ title: one.title, count: 1, alerts: [one], lines: [], isResolved: one.isResolved },
  ...more,
});
const soon = () => AbortSignal.timeout(5_000);
const webhook = (url: string, caPem?: string): Channel =>
  createWebhook({
    url,
    caPem,
    userAgent: 'sallyport/0',
    secret: KEY.toString('base64'),
    publicUrl: PUBLIC,
    nowMs: () => 1_500,
  });

let dir = '';
let tls = { key: '', cert: '' };
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-sink-'));
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const out = ['-keyout', join(dir, 'k.pem'), '-out', join(dir, 'c.pem')];
  execFileSync('openssl', [...words, '-subj', '/CN=sink', '-addext', 'subjectAltName=IP:127.0.0.1', ...out], {
    stdio: 'ignore',
  });
  tls = { key: readFileSync(join(dir, 'k.pem'), 'utf8'), cert: readFileSync(join(dir, 'c.pem'), 'utf8') };
});
after(() => rmSync(dir, { recursive: true }));

test('a webhook is posted over TLS that is checked, and not where the certificate is not trusted', async () => {
  await using sink = await startSink(undefined, tls);
  assert.equal((await webhook(sink.url, tls.cert).send(message(), 'msg_1', soon())).kind, 'sent');
  const refused = await webhook(sink.url).send(message(), 'msg_1', soon());
  assert.deepEqual(refused, {
    ...{ kind: 'failed', isFinal: false },
    detail: 'it cannot be reached (DEPTH_ZERO_SELF_SIGNED_CERT)',
  });
  assert.equal(sink.got.length, 1);
});

test('the body of a webhook is as docs/reference/alerts.md has it, and each try is signed anew', async () => {
  await using sink = await startSink();
  await webhook(sink.url).send(message(), 'msg_1', soon());
  const [got] = sink.got;
  assert.deepEqual([got?.headers['webhook-id'], got?.headers['webhook-timestamp']], ['msg_1', '1']);
  assert.match(String(got?.headers['webhook-signature']), /^v1,[A-Za-z0-9+/]{43}=$/);
  assert.deepEqual(got?.json, {
    type: 'sallyport.alerts',
    timestamp: '1970-01-01T00:00:00.000Z',
    data: {
      ...{ gateway: PUBLIC, group: '["stolen-key","default"]', event: 'stolen-key', tenant: 'default' },
      ...{ severity: 'warning', title: 'Unusual', text: 'WARNING: Unusual [default]', count: 1, resolved: false },
      lines: [],
      alerts: [
        {
          ...{ at: '1970-01-01T00:00:00.000Z', event: 'stolen-key', severity: 'warning', subject: 'key:Ab12Cd' },
          ...{ tenant: 'default', title: 'Unusual', why: '41 requests a minute', todo: [], resolved: false },
        },
      ],
    },
  });
});

const answers: readonly (readonly [string, SinkAnswer, object])[] = [
  ['200 is sent', (to) => void to.writeHead(200).end('ok'), { kind: 'sent' }],
  ['204 is sent', (to) => void to.writeHead(204).end(), { kind: 'sent' }],
  ['500 may work later', (to) => void to.writeHead(500).end(), { kind: 'failed', isFinal: false }],
  ['429 says when', (to) => void to.writeHead(429, { 'retry-after': '7' }).end(), { isFinal: false, afterMs: 7_000 }],
  ['429 says it too late', (to) => void to.writeHead(429, { 'retry-after': '99999' }).end(), { afterMs: 600_000 }],
  [
    '429 says it as a date',
    (to) => void to.writeHead(429, { 'retry-after': 'Fri, 1 Jan 2100' }).end(),
    { afterMs: undefined },
  ],
  [
    '400 fails for good',
    (to) => void to.writeHead(400).end('invalid_payload'),
    { isFinal: true, detail: 'it answered 400: invalid_payload' },
  ],
  ['408 may work later', (to) => void to.writeHead(408).end(), { isFinal: false }],
  [
    'an answer that breaks off counts by its status',
    (to) => void to.writeHead(200, { 'content-length': '9' }).write('x', () => to.destroy()),
    { kind: 'sent' },
  ],
  [
    'a connection that is closed may work later',
    (to) => void to.destroy(),
    { isFinal: false, detail: 'it cannot be reached (ECONNRESET)' },
  ],
];
for (const [name, answer, wanted] of answers)
  test(`of a webhook ${name}`, async () => {
    await using sink = await startSink(answer);
    const sent = await webhook(sink.url).send(message(), 'msg_1', soon());
    assert.deepEqual({ ...sent, ...wanted }, sent);
  });

test('a redirect is not followed, for the other place may be the metadata of the machine', async () => {
  await using other = await startSink();
  for (const status of [301, 302, 303, 307, 308]) {
    await using sink = await startSink((to) => void to.writeHead(status, { location: `${other.url}/stolen` }).end());
    const sent = await webhook(sink.url).send(message(), 'msg_1', soon());
    assert.deepEqual([sent.kind, sent.kind === 'failed' && sent.isFinal], ['failed', true]);
  }
  assert.equal(other.got.length, 0);
});

test('an endless answer is read up to 4 KiB', async () => {
  let written = 0;
  await using sink = await startSink((to) => {
    to.writeHead(200);
    const more = (error?: Error | null): void => {
      if (error || to.destroyed || to.socket?.destroyed !== false) return;
      written += 65_536;
      to.write(Buffer.alloc(65_536, 0x61), more);
    };
    more();
  });
  const sent = await webhook(sink.url).send(message(), 'msg_1', soon());
  assert.equal(sent.kind, 'sent');
  assert.ok(sent.detail.length < 250);
  assert.ok(written < 16 * 1024 * 1024, String(written));
});

test('whoever does not answer is left when the signal ends, and the URL is in no text of it', async () => {
  const abort = new AbortController();
  await using sink = await startSink(() => abort.abort());
  const to = { url: `${sink.url}/hidden`, body: '{}', caPem: undefined, userAgent: 'x' };
  const sent = await post(to, abort.signal);
  assert.deepEqual(sent, { kind: 'failed', detail: 'it does not answer in time', isFinal: false });
  const gone = await post({ ...to, url: 'http://127.0.0.1:1/hidden' }, soon());
  assert.ok(!gone.detail.includes('hidden'));
});

test('markup of Slack in somebody’s text is text, and every block is within its bound', async () => {
  await using sink = await startSink();
  const many = message(evil, {
    count: 9,
    alerts: [evil, evil, evil, evil, evil],
    lines: [evil.why],
  });
  await createSlack({ url: sink.url, caPem: undefined, userAgent: 'x' }, PUBLIC).send(many, 'msg_1', soon());
  const [got] = sink.got;
  assert.ok(got);
  assert.doesNotMatch(got.body, /<|>|&(?!amp;|lt;|gt;)|\\r|\\u001b/);
  const { blocks, text } = got.json as unknown as {
    blocks: { text?: { text: string; verbatim: boolean } }[];
    text: string;
  };
  assert.ok(text.length < 1_000);
  for (const block of blocks) assert.ok((block.text?.text.length ?? 0) <= 3_000 && block.text?.verbatim !== false);
  assert.match(JSON.stringify(slackBody(many, PUBLIC)), /and 4 more of the same kind/);
});

test('PagerDuty is triggered and resolved under one key for each group and gateway', async () => {
  await using sink = await startSink();
  const of = (publicUrl: string) =>
    createPagerDuty({ url: sink.url, caPem: undefined, userAgent: 'x' }, 'ROUTE', publicUrl);
  await of(PUBLIC).send(message(), 'msg_1', soon());
  await of(PUBLIC).send(message(alert({ isResolved: true })), 'msg_2', soon());
  await of('https://other.example').send(message(), 'msg_3', soon());
  await of(PUBLIC).send(message(evil), 'msg_4', soon());
  const [first, second, third, fourth] = sink.got.map(({ json }) => json);
  assert.deepEqual(
    [first?.['event_action'], second?.['event_action'], first?.['routing_key']],
    ['trigger', 'resolve', 'ROUTE'],
  );
  assert.equal(first?.['dedup_key'], second?.['dedup_key']);
  assert.notEqual(first?.['dedup_key'], third?.['dedup_key']);
  const payload = Object(fourth?.['payload']);
  assert.ok(String(fourth?.['dedup_key']).length <= 255 && payload.summary.length <= 1_024);
  assert.deepEqual([payload.severity, payload.source], ['warning', PUBLIC]);
});
