import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { countedLine, nobodysLine, readRecordLine, recordLine } from './line.ts';

const OUTCOME: Outcome = {
  kind: 'answer',
  status: 200,
  code: undefined,
  durationMs: 12.345,
  firstByteMs: 3.2,
  upstream: 'main',
};

const headOf = (headers: Record<string, string>, path = '/v1/x') => ({
  head: { method: 'POST', path, headers: new Map(Object.entries(headers)), hasBody: true, isUpgrade: false },
});

test('a record comes back as it was written', () => {
  const x = exchange(fakeDownstream(), headOf({ 'user-agent': 'OpenAI/Python 1.2.3 (what else)' }));
  assert.deepEqual(readRecordLine(recordLine(x, OUTCOME, 1_700, '00000000000000ff')), {
    kind: 'request',
    timeMs: 1_700,
    requestId: 'id-1',
    durationMs: 12.35,
    firstByteMs: 3.2,
    outcome: 'answer',
    status: 200,
    code: undefined,
    why: undefined,
    address: '192.0.2.1',
    network: '192.0.2.1',
    userAgent: 'OpenAI/Python 1.2.3',
    keyId: 'Alice0',
    issuer: undefined,
    subject: undefined,
    clientId: undefined,
    tokenHash: undefined,
    tenant: 'default',
    owner: undefined,
    member: undefined,
    method: 'POST',
    route: 'chat-completions',
    path: '',
    model: 'tiny',
    upstream: 'main',
    isStream: false,
    promptTokens: undefined,
    cachedTokens: undefined,
    completionTokens: undefined,
    logprobs: undefined,
    likeness: '00000000000000ff',
    upstreamMs: undefined,
    traceId: undefined,
    spanId: undefined,
    parentSpanId: undefined,
    isSampled: undefined,
    content: undefined,
    count: undefined,
  });
});

test('a place in a trace, and how long upstream was asked, come back as they were written', () => {
  const x = exchange(fakeDownstream(), headOf({}));
  const trace = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203330', parentSpanId: undefined };
  for (const parentSpanId of [undefined, '00f067aa0ba902b7']) {
    x.trace = { ...trace, parentSpanId, isSampled: true, isRandom: true, state: 'a=1' };
    const record = readRecordLine(recordLine(x, { ...OUTCOME, workedMs: 9.876 }, 1));
    const { traceId, spanId, isSampled, upstreamMs } = record;
    assert.deepEqual({ traceId, spanId, parentSpanId: record.parentSpanId }, { ...trace, parentSpanId });
    assert.deepEqual([isSampled, upstreamMs], [true, 9.88]);
  }
});

test('that content comes beside it is said', () => {
  const x = exchange(fakeDownstream(), headOf({}));
  assert.equal(readRecordLine(recordLine(x, OUTCOME, 1, undefined, true)).content, 'taken');
});

test('one that begins has no end yet', () => {
  const record = readRecordLine(recordLine(exchange(fakeDownstream(), headOf({})), 'begin', 5));
  assert.equal(record.outcome, 'begin');
  assert.equal(record.status, 0);
});

test('whatever a caller sends, it is one line of printable JSON that reads back as one record', () => {
  const text = fc.string({ unit: 'binary', maxLength: 600 });
  fc.assert(
    fc.property(text, text, text, text, (agent, path, method, model) => {
      const downstream = fakeDownstream();
      const x = exchange(
        { ...downstream, head: { ...downstream.head, method } },
        headOf({ 'user-agent': agent }, path),
      );
      Object.assign(x, { route: undefined, model });
      const line = recordLine(x, OUTCOME, 1);
      assert.match(line, /^[\x20-\x7e]*$/);
      const record = readRecordLine(line);
      assert.equal(record.requestId, 'id-1');
      assert.equal(record.status, 200);
      assert.ok((record.userAgent ?? '').length <= 128 && record.path.length <= 256 && record.method.length <= 16);
    }),
  );
});

test('what looks like a credential is masked wherever a caller has put it', () => {
  const key = 'sp_Ab12Cd_0123456789abcdefghijABCDEFGHIJ01xxxxxx';
  const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl';
  for (const secret of [key, token]) {
    const x = exchange(fakeDownstream(), headOf({ 'user-agent': secret }, `/v1/models/${secret}`));
    Object.assign(x, { route: undefined });
    const line = recordLine(x, OUTCOME, 1);
    assert.ok(!line.includes(secret.slice(8, 24)), line);
  }
});

test('the most alternatives that any spelling asks for are noted', () => {
  const x = exchange(fakeDownstream(), headOf({}));
  Object.assign(x, { request: { body: { logprobs: true, top_logprobs: 5, prompt_logprobs: 3 }, isStream: true } });
  const record = readRecordLine(recordLine(x, OUTCOME, 1));
  assert.equal(record.logprobs, 5);
  assert.equal(record.isStream, true);
});

test('what is no record of a request is not read as one', () => {
  for (const text of ['[]', '{}', '["a"]', 'null']) assert.throws(() => readRecordLine(text), /not a record/);
});

test('a record that stands for several callers names none of them', () => {
  const x = exchange(fakeDownstream(), headOf({ 'user-agent': 'curl/8' }));
  const record = readRecordLine(countedLine(nobodysLine(recordLine(x, OUTCOME, 1_700)), 7));
  assert.deepEqual(
    [record.address, record.network, record.keyId, record.tenant, record.userAgent, record.count, record.timeMs],
    ['several', 'several', undefined, undefined, undefined, 7, 1_700],
  );
});

test('a record that stands for many comes back with how many, and is the same else', () => {
  const one = recordLine(exchange(fakeDownstream(), headOf({})), OUTCOME, 1_700);
  assert.deepEqual(readRecordLine(countedLine(one, 380)), { ...readRecordLine(one), count: 380 });
});
