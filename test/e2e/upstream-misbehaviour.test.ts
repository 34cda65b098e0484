import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { MisbehaviourOrder } from '../../src/simulator/misbehaviour.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, CHAT } from '../support/http.ts';

let it: TestGateway;
let key: string;
before(async () => {
  it = await startTestGateway({
    config: {
      limits: { default: { requestsPerMinute: 'none' }, perIp: { requestsPerMinute: 'none' } },
    },
    upstreamTimeouts: { firstByte: '300ms', betweenChunks: '300ms', total: '10s' },
  });
  ({ key } = await it.issue());
});
after(() => it[Symbol.asyncDispose]());
beforeEach(async () => {
  it.simulator.clearMisbehaviours();
  // Three faults in a row would mark the upstream down, which is another test's matter.
  assert.equal((await ask(it, { key })).status, 200);
});

const STREAM = { ...CHAT, stream: true, max_tokens: 8 };

/** What must never reach a caller: parts of the simulator's leaks. */
const LEAKS =
  /Traceback|\/home\/|\/usr\/|\/opt\/|site-packages|10\.\d+\.\d+\.\d+|192\.168|vllm-0\.32|uvicorn|SIMULATOR-CANARY/i;

const whole: readonly { order: MisbehaviourOrder; status: number; code: string | undefined }[] = [
  { order: { kind: 'reset' }, status: 502, code: 'upstream_error' },
  { order: { kind: 'garbage' }, status: 502, code: 'upstream_error' },
  { order: { kind: 'hang' }, status: 504, code: 'upstream_timeout' },
  { order: { kind: 'leak-path-error' }, status: 502, code: 'upstream_error' },
  { order: { kind: 'error-500' }, status: 502, code: 'upstream_error' },
  { order: { kind: 'error-401' }, status: 502, code: 'upstream_error' },
  { order: { kind: 'error-404-model' }, status: 404, code: 'unknown_model' },
  { order: { kind: 'context-length' }, status: 400, code: 'context_length_exceeded' },
  { order: { kind: 'scaling-503' }, status: 503, code: 'overloaded' },
  { order: { kind: 'redirect' }, status: 502, code: 'upstream_error' },
  { order: { kind: 'huge-head', bytes: 200_000 }, status: 502, code: 'upstream_error' },
  { order: { kind: 'wrong-content-length', bytes: 50 }, status: 502, code: 'upstream_error' },
  { order: { kind: 'cut-stream' }, status: 502, code: 'upstream_error' },
  { order: { kind: 'error-200' }, status: 502, code: 'upstream_error' },
  { order: { kind: 'html' }, status: 502, code: 'upstream_error' },
  { order: { kind: 'gzip' }, status: 502, code: 'upstream_error' },
  { order: { kind: 'odd-headers' }, status: 200, code: undefined },
  { order: { kind: 'interim' }, status: 200, code: undefined },
  { order: { kind: 'close-delimited' }, status: 200, code: undefined },
  { order: { kind: 'early-close' }, status: 200, code: undefined },
  { order: { kind: 'big-answer', bytes: 1_000_000 }, status: 200, code: undefined },
];

for (const { order, status, code } of whole) {
  test(`answers ${status} ${code ?? ''} where upstream does "${order.kind}", and leaks nothing of it`, async () => {
    it.simulator.misbehave(order);
    const answer = await ask(it, { key });
    assert.equal(answer.status, status, answer.text.slice(0, 500));
    assert.equal(answer.code, code);
    assert.doesNotMatch(answer.text + JSON.stringify(answer.headers), LEAKS);
    for (const name of ['set-cookie', 'server', 'location', 'via']) assert.equal(answer.headers[name], undefined);
  });
}

const streams: readonly { order: MisbehaviourOrder; code: string | undefined }[] = [
  { order: { kind: 'cut-stream' }, code: 'upstream_error' },
  { order: { kind: 'hang-stream' }, code: 'upstream_timeout' },
  { order: { kind: 'garbage-sse' }, code: 'upstream_error' },
  { order: { kind: 'error-in-stream' }, code: 'upstream_error' },
  { order: { kind: 'huge-event', bytes: 9 * 1024 * 1024 }, code: 'upstream_error' },
  { order: { kind: 'huge-event', bytes: 1_000_000 }, code: undefined },
  { order: { kind: 'burst' }, code: undefined },
  { order: { kind: 'split' }, code: undefined },
  { order: { kind: 'close-delimited' }, code: undefined },
];

for (const { order, code } of streams) {
  const bytes = order.bytes === undefined ? '' : ` of ${order.bytes} bytes`;
  test(`ends a stream with ${code ?? '[DONE]'} where upstream does "${order.kind}"${bytes}`, async () => {
    it.simulator.misbehave(order);
    const answer = await ask(it, { key, body: STREAM });
    assert.equal(answer.status, 200);
    assert.doesNotMatch(answer.text.slice(0, 100_000), LEAKS);
    const last = answer.text.trimEnd().split('\n\n').at(-1) ?? '';
    if (code === undefined) {
      assert.equal(last, 'data: [DONE]');
      return;
    }
    const { error } = JSON.parse(last.replace('data: ', '')) as { error: Record<string, unknown> };
    assert.equal(error['code'], code);
    assert.equal(error['request_id'], answer.headers['x-request-id']);
  });
}

test('a stream split at every byte is the stream in one piece', async () => {
  const contents = (text: string) => [...text.matchAll(/"content":"([^"]*)"/g)].map((match) => match[1]).join('');
  const plain = await ask(it, { key, body: STREAM });
  it.simulator.misbehave({ kind: 'split' });
  const split = await ask(it, { key, body: STREAM });
  assert.equal(contents(split.text), contents(plain.text));
  assert.ok(contents(plain.text).length > 0);
});

test('aborts upstream as soon as the caller goes away', async () => {
  it.simulator.misbehave({ kind: 'hang-stream' });
  it.simulator.clearReceived();
  const controller = new AbortController();
  const gone = ask(it, { key, body: STREAM, signal: controller.signal, onData: () => controller.abort() });
  await assert.rejects(gone);
  const deadline = Date.now() + 2_000;
  while (it.simulator.running() > 0 && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(it.simulator.running(), 0);
  assert.equal(it.simulator.received().at(-1)?.aborted, true);
});

test('a name of a model that a terminal would act on is shown to nobody', async () => {
  const models = ['tiny', 'a\u001b[2Jb', '\u202eyni', 'x'.repeat(257)];
  await using other = await startTestGateway({ simulator: { models } });
  const seen = other.gateway.admin.upstreams().map((one) => one.models);
  assert.deepEqual(seen, [['tiny']]);
});
