import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { foundAtRest, seenSecrets, type SeenSecrets } from '../support/at-rest.ts';
import { startCollector } from '../support/collector.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { runOfEverything } from '../support/run-of-everything.ts';
import { startElastic, startCollector as startLogCollector } from '../support/siem.ts';
import { startSink } from '../support/sink.ts';

const canary = (): string => `canary${randomBytes(18).toString('hex')}`;

/** Prompts in every place where one may stand, answers, refusals and faults. */
async function say(it: TestGateway, seen: SeenSecrets, key: string): Promise<void> {
  const prompt = (): string => {
    const text = canary();
    seen.add('prompt', text);
    return text;
  };
  const chat = (more: object = {}) => ({
    model: 'tiny',
    messages: [
      { role: 'system', content: prompt() },
      { role: 'user', content: [{ type: 'text', text: prompt() }] },
    ],
    ...more,
  });
  const bodies: readonly (readonly [string, object])[] = [
    ['/v1/chat/completions', chat()],
    ['/v1/chat/completions', chat({ stream: true })],
    ['/v1/chat/completions', chat({ tools: [{ type: 'function', function: { name: prompt(), parameters: {} } }] })],
    ['/v1/completions', { model: 'tiny', prompt: prompt() }],
    ['/v1/responses', { model: 'tiny', input: prompt() }],
    ['/v1/messages', { model: 'tiny', max_tokens: 5, messages: [{ role: 'user', content: prompt() }] }],
    ['/v1/embeddings', { model: 'tiny', input: prompt() }],
    ['/tokenize', { model: 'tiny', prompt: prompt() }],
    // What is refused: by its field, its model, its form.
    ['/v1/chat/completions', chat({ logit_processors: prompt() })],
    ['/v1/chat/completions', chat({ model: prompt() })],
    ['/v1/chat/completions', chat({ temperature: prompt() })],
  ];
  for (const [path, body] of bodies) {
    const { text } = await ask(it, { key, path, body });
    for (const [, said = ''] of text.matchAll(/"(?:content|text|delta)":"([^"\\]{12,})"/g))
      seen.add('completion', said);
  }
  for (const kind of ['error-500', 'leak-path-error', 'garbage', 'cut-stream', 'error-in-stream'] as const) {
    it.simulator.misbehave({ kind });
    await ask(it, { key, body: chat({ stream: true }) }).catch(() => undefined);
  }
}

/** Credentials where they do not belong, and wrong ones. */
async function tryOut(it: TestGateway, seen: SeenSecrets, key: string): Promise<void> {
  const wrong = `sp_Ab12Cd_${canary()}`;
  seen.add('wrong key', wrong);
  await ask(it, { key: wrong });
  await ask(it, { key: 'x', headers: { 'x-api-key': key, cookie: `session=${key}`, referer: `https://a/${key}` } });
  for (const place of [`/v1/models/${key}`, `/v1/models?key=${key}`, `/${key}`])
    await ask(it, { key, method: 'GET', path: place, headers: { 'user-agent': key, 'x-request-id': key } });
  await ask(it, { key, headers: { traceparent: key, tracestate: `a=${key}`, baggage: key } });
}

test('nothing that was said or shown goes outside: not by the log, metrics, traces, alerts, records sent on, or reports', async (t) => {
  await using collector = await startCollector();
  await using hook = await startSink();
  await using slack = await startSink();
  const elastic = await startElastic('of-elastic');
  const logs = await startLogCollector();
  t.after(() => Promise.all([elastic.close(), logs.close()]));
  await using it = await startTestGateway({
    plain: true,
    config: {
      listen: { publicUrl: PUBLIC_URL },
      telemetry: { otlp: { endpoint: collector.url, interval: '1s', sampling: { ratio: 1 } } },
      limits: { default: { budget: { tokens: 60, per: 'day' } } },
      alerts: {
        ...{ groupWait: '0s', groupInterval: '10s' },
        channels: [
          {
            ...{ name: 'ops', type: 'webhook', webhookUrl: hook.url, minSeverity: 'info' },
            secret: `whsec_${Buffer.alloc(32, 9).toString('base64')}`,
          },
          { name: 'team', type: 'slack', webhookUrl: slack.url, minSeverity: 'info' },
        ],
      },
      auditLog: {
        ship: [
          { name: 'search', type: 'elastic', url: elastic.url, apiKey: 'of-elastic' },
          { name: 'logs', type: 'otlp', url: logs.url },
        ],
      },
    },
  });
  const seen = seenSecrets();
  const { key, record } = await it.issue();
  seen.add('API key', key);
  await runOfEverything(it, seen);
  await say(it, seen, key);
  await tryOut(it, seen, key);
  const admin = await it.issue({ scopes: ['admin:write', 'metrics:read'] });
  seen.add('API key', admin.key);
  await sallyport(it.stateDir, `quarantine hold ${record.id} --why drill`);
  await Promise.all([
    hook.until(2),
    slack.until(1),
    collector.until(() => collector.spans().length > 30 && collector.got.some(({ path }) => path.endsWith('/metrics'))),
  ]);
  const texts = {
    metrics: `${it.gateway.admin.metrics()}${it.gateway.admin.metrics('openmetrics')}`,
    'incident of the key': (await sallyport(it.stateDir, `incident ${record.id} --format html`)).out,
    'incident of the address': (await sallyport(it.stateDir, 'incident 127.0.0.1 --json')).out,
    review: (await sallyport(it.stateDir, 'review --format sarif')).out,
    records: (await sallyport(it.stateDir, 'audit-log export')).out,
    table: (await sallyport(it.stateDir, 'audit-log export --format csv')).out,
  };
  // Ends what is sent, and with it the wait for the last of it.
  await it.gateway.stop();
  const outside = {
    ...texts,
    log: it.log.join('\n'),
    traces: collector.got.map(({ body }) => body).join('\n'),
    webhook: hook.got.map(({ body }) => body).join('\n'),
    slack: slack.got.map(({ body }) => body).join('\n'),
    elastic: elastic.lines.join('\n'),
    'log collector': logs.lines.join('\n'),
  };
  for (const [place, text] of Object.entries(outside)) assert.ok(text.length > 500, `${place} has ${text.length}`);
  const kinds = new Set(seen.all.map(({ what }) => what));
  for (const what of ['prompt', 'completion', 'API key', 'access_token', 'password', 'client secret', 'wrong key'])
    assert.ok(kinds.has(what), what);
  assert.deepEqual(foundAtRest(seen, it.stateDir, outside, ['keys/root.key']), []);
  // A search that finds nothing must be one that would.
  const planted = foundAtRest(seen, it.stateDir, { ...outside, log: `${outside.log}${key}` }, ['keys/root.key']);
  assert.ok(planted.includes('API key in log, as it is'));
});
