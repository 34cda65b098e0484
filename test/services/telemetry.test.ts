import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCollector } from '../support/collector.ts';
import { startTestGateway } from '../support/gateway.ts';
import { ask, CHAT } from '../support/http.ts';

interface Seen {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

interface Saw {
  readonly spans: readonly (Seen & { readonly kind: string; readonly resource: Readonly<Record<string, string>> })[];
  readonly metrics: readonly (Seen & { readonly unit: string; readonly count: number; readonly sum: number })[];
  readonly exemplars: readonly { readonly name: string; readonly exemplar: { readonly trace_id: string } }[];
}

const python = process.env['OTLP_PYTHON'] ?? 'python3';

/** What OpenTelemetry's own messages make of it. @throws where a field is unknown or of another form */
function judge(sent: readonly { readonly path: string; readonly body: string }[]): Saw {
  const input = sent.map(({ path, body }) => `${JSON.stringify({ path, body })}\n`).join('');
  const script = join(import.meta.dirname, 'clients/otlp.py');
  const { status, stdout, stderr } = spawnSync(python, [script], { input, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Saw;
}

test('OpenTelemetry reads every span, metric and exemplar of a gateway, and knows every field of them', async (t) => {
  await using collector = await startCollector();
  const otlp = {
    endpoint: collector.url,
    interval: '1s',
    sampling: { ratio: 1 },
    attributes: { 'service.namespace': 'house' },
  };
  await using it = await startTestGateway({
    config: { telemetry: { otlp } },
    upstreams: [{ name: 'main' }, { name: 'dead', url: 'http://127.0.0.1:1', models: ['gone'] }],
    workers: 2,
  });
  const { key } = await it.issue();
  for (const body of [CHAT, { ...CHAT, stream: true }, { ...CHAT, model: 'gone' }, { model: 'tiny', n: 'x' }]) {
    await ask(it, { key, body });
  }
  await ask(it, { key, path: '/v1/completions', body: { model: 'tiny', prompt: 'hi', max_tokens: 3 } });
  await ask(it, { key, path: '/v1/embeddings', body: { model: 'tiny', input: 'hi' } });
  await ask(it, { method: 'GET', key, path: '/v1/models' });
  await ask(it, {});
  await ask(it, { method: 'BREW', key, path: '/pot' });
  // Eight spans of requests, and five calls of them came to upstream or were tried.
  await collector.until(() => collector.spans().length >= 13);
  const before = collector.got.length;
  // The next message of metrics may have been made before the last span; the one after it was not.
  await collector.until(() => collector.got.slice(before).filter(({ path }) => path === '/v1/metrics').length >= 2);
  const saw = judge([...collector.got, { path: 'page', body: it.gateway.admin.metrics('openmetrics') }]);
  t.diagnostic(`${saw.spans.length} spans, ${saw.metrics.length} points, ${saw.exemplars.length} exemplars`);

  const names = new Set(saw.spans.map(({ kind, name }) => `${kind.slice('SPAN_KIND_'.length)} ${name}`));
  for (const name of [
    ...['SERVER POST /v1/chat/completions', 'CLIENT chat tiny', 'CLIENT chat gone', 'CLIENT text_completion tiny'],
    ...['CLIENT embeddings tiny', 'SERVER GET /v1/models'],
  ])
    assert.ok(names.has(name), `${name} of ${[...names].join(', ')}`);
  const { resource } = saw.spans[0] ?? assert.fail('no span');
  assert.deepEqual([resource['service.name'], resource['service.namespace']], ['sallyport', 'house']);
  const codes = new Set(saw.spans.map(({ attributes }) => attributes['error.type']));
  for (const code of ['missing_credential', 'upstream_unreachable']) assert.ok(codes.has(code), code);

  const latest = new Map(saw.metrics.map((metric) => [metric.name, metric]));
  for (const name of [
    ...['gen_ai.client.token.usage', 'gen_ai.client.operation.duration', 'gen_ai.server.request.duration'],
    ...['gen_ai.server.time_to_first_token', 'gen_ai.server.time_per_output_token', 'http.server.request.duration'],
  ])
    assert.ok((latest.get(name)?.count ?? 0) > 0, name);
  const usage = saw.metrics.find(
    ({ name, attributes }) => name === 'gen_ai.client.token.usage' && attributes['gen_ai.token.type'] === 'output',
  );
  assert.equal(usage?.attributes['gen_ai.provider.name'], 'vllm');

  const traces = new Set(collector.spans().map(({ traceId }) => traceId));
  assert.ok(saw.exemplars.length > 0);
  for (const { exemplar } of saw.exemplars) assert.ok(traces.has(exemplar.trace_id), 'an exemplar leads to a trace');
});
