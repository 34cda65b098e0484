import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCollector, type CollectedSpan } from '../support/collector.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, CHAT } from '../support/http.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const CONTEXT = { traceparent: PARENT, tracestate: 'a=1', baggage: 'user=alice' };

const otlp = (endpoint: string, more: object = {}) => ({
  telemetry: { otlp: { endpoint, interval: '1s', sampling: { ratio: 1 }, ...more } },
});

/** Headers of what upstream got of chat requests, by name. */
const sentHeaders = ({ simulator }: TestGateway): Record<string, string>[] =>
  simulator
    .received()
    .filter(({ path }) => path === '/v1/chat/completions')
    .map(({ headers }) => Object.fromEntries(headers));

const named = (spans: readonly CollectedSpan[], kind: number): CollectedSpan => {
  const found = spans.find((span) => span.kind === kind);
  assert.ok(found, `a span of kind ${kind}`);
  return found;
};

test('a request is a span with a call to upstream below it, and upstream is told of that one', async () => {
  await using collector = await startCollector();
  await using it = await startTestGateway({
    plain: true,
    config: otlp(`${collector.url}/base`, { headers: { authorization: 'Bearer of-the-collector' } }),
  });
  const { key, record } = await it.issue();
  const answer = await ask(it, { key, body: { ...CHAT, stream: true }, headers: CONTEXT });
  assert.equal(answer.status, 200);
  await collector.until(() => collector.spans().length >= 2);
  const spans = collector.spans();
  const [server, call] = [named(spans, 2), named(spans, 3)];
  assert.equal(server.name, 'POST /v1/chat/completions');
  assert.equal(server.parentSpanId, undefined);
  assert.equal(call.name, 'chat tiny');
  assert.deepEqual([call.traceId, call.parentSpanId], [server.traceId, server.spanId]);
  assert.equal(server.attributes['sallyport.request.id'], answer.headers['x-request-id']);
  assert.equal(server.attributes['sallyport.api_key.id'], record.id);
  assert.equal(server.attributes['http.response.status_code'], '200');
  assert.equal(call.attributes['gen_ai.operation.name'], 'chat');
  assert.equal(call.attributes['gen_ai.usage.output_tokens'], '3');
  assert.equal(call.attributes['server.address'], '127.0.0.1');
  // The caller is nobody that may say which trace it is in.
  const sent = sentHeaders(it)[0] ?? {};
  assert.equal(sent['traceparent'], `00-${server.traceId}-${call.spanId}-03`);
  assert.deepEqual([sent['tracestate'], sent['baggage']], [undefined, undefined]);
  assert.ok(it.log.some((line) => line.includes(`"traceId":"${server.traceId}"`)));
  const [first] = collector.got;
  assert.equal(first?.path.startsWith('/base/v1/'), true);
  assert.equal(first?.headers['authorization'], 'Bearer of-the-collector');
  await collector.until(() => collector.got.some(({ path }) => path === '/base/v1/metrics'));
  const metrics = collector.got.find(({ path }) => path === '/base/v1/metrics')?.body ?? '';
  assert.match(metrics, /gen_ai\.client\.token\.usage/);
  assert.match(it.gateway.admin.metrics(), /sallyport_exports_total\{destination="otlp",result="sent"\} [1-9]/);
  assert.ok(it.gateway.admin.metrics('openmetrics').includes(`# {trace_id="${server.traceId}"}`));
});

test('a trusted peer is joined, its state goes on, its baggage does not', async () => {
  await using collector = await startCollector();
  await using it = await startTestGateway({
    plain: true,
    config: otlp(collector.url, { trustedContext: ['127.0.0.1'] }),
  });
  const { key } = await it.issue();
  await ask(it, { key, headers: CONTEXT });
  await collector.until(() => collector.spans().length >= 2);
  const server = named(collector.spans(), 2);
  assert.deepEqual([server.traceId, server.parentSpanId], [PARENT.slice(3, 35), PARENT.slice(36, 52)]);
  const sent = sentHeaders(it)[0] ?? {};
  assert.equal(sent['traceparent']?.slice(3, 35), PARENT.slice(3, 35));
  assert.notEqual(sent['traceparent'], PARENT);
  assert.deepEqual([sent['tracestate'], sent['baggage']], ['a=1', undefined]);
});

test('without a collector no trace is made, and what a caller sends of one goes nowhere', async () => {
  await using it = await startTestGateway({ plain: true });
  const { key } = await it.issue();
  await ask(it, { key, headers: CONTEXT });
  const sent = sentHeaders(it)[0] ?? {};
  assert.deepEqual([sent['traceparent'], sent['tracestate'], sent['baggage']], [undefined, undefined, undefined]);
  assert.ok(!it.log.some((line) => line.includes('traceId')));
});

test('of what is not chosen only the failed are sent: not answers, not refusals', async () => {
  await using collector = await startCollector();
  await using it = await startTestGateway({
    plain: true,
    config: otlp(collector.url, { sampling: { ratio: 0 } }),
    upstreams: [{ name: 'simulator' }, { name: 'dead', url: 'http://127.0.0.1:1', models: ['gone'] }],
  });
  const { key } = await it.issue();
  await ask(it, { key });
  await ask(it, {});
  const failed = await ask(it, { key, body: { ...CHAT, model: 'gone' } });
  await collector.until(() => collector.spans().length >= 1);
  const ids = new Set(
    collector
      .spans()
      .map((span) => span.attributes['sallyport.request.id'])
      .filter(Boolean),
  );
  assert.deepEqual([...ids], [failed.headers['x-request-id']]);
  assert.equal(named(collector.spans(), 2).status.code, 2);
  assert.match(sentHeaders(it)[0]?.['traceparent'] ?? '', /-02$/);
});

test('nothing of what was said, of a credential or of a person is sent', async () => {
  await using collector = await startCollector();
  await using it = await startTestGateway({ plain: true, config: otlp(collector.url) });
  const { key } = await it.issue();
  const messages = [{ role: 'user', content: 'the-secret-prompt' }];
  await ask(it, { key, body: { ...CHAT, messages, user: 'alice@example.org' } });
  await ask(it, { key, path: '/v1/models/the-secret-path' });
  await ask(it, { key, body: { ...CHAT, model: 'the-secret-model' } });
  await ask(it, { key: `${key}x` });
  await collector.until(
    () => collector.spans().length >= 5 && collector.got.some(({ path }) => path === '/v1/metrics'),
  );
  const all = collector.got.map(({ body }) => body).join('');
  for (const secret of ['the-secret', 'alice', key, key.slice(10), '127.0.0.1"}},{"key":"client'])
    assert.ok(!all.includes(secret), secret);
});

test('a collector that hangs holds up nothing', async () => {
  await using collector = await startCollector();
  collector.answer = 'hang';
  await using it = await startTestGateway({ plain: true, config: otlp(collector.url, { timeout: '100ms' }) });
  const { key } = await it.issue();
  await ask(it, { key });
  await collector.until(() => collector.got.length > 0);
  for (let i = 0; i < 20; i++) assert.equal((await ask(it, { key })).status, 200);
});
