import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { createLineBatch, requestLine, textLine } from './observer.ts';

const OUTCOME: Outcome = {
  kind: 'answer',
  status: 200,
  code: undefined,
  durationMs: 12.345,
  firstByteMs: 3.2,
  upstream: 'main',
};
const lineOf = (callerId: string, path: string, format: 'json' | 'text'): string => {
  const headers = new Map([['x-request-id', callerId]]);
  const x = exchange(fakeDownstream(), { head: { method: 'POST', path, headers, hasBody: true, isUpgrade: false } });
  return requestLine(x, OUTCOME, format);
};

test('a line says who, what and how it ended', () => {
  const line = JSON.parse(lineOf('theirs', '/v1/x', 'json')) as Record<string, unknown>;
  assert.deepEqual(line, {
    level: 'info',
    time: 0,
    event: 'request',
    requestId: 'id-1',
    callerRequestId: 'theirs',
    address: '192.0.2.1',
    key: 'Alice0',
    tenant: 'default',
    method: 'POST',
    route: 'chat-completions',
    model: 'tiny',
    status: 200,
    outcome: 'answer',
    upstream: 'main',
    stream: false,
    durationMs: 12.35,
    firstByteMs: 3.2,
  });
});

test('a refusal is a warning with its code, a fault is an error', () => {
  const x = exchange(fakeDownstream(), {});
  assert.match(
    requestLine(x, { ...OUTCOME, kind: 'denial', code: 'route_closed' }, 'json'),
    /"level":"warn".*"code":"route_closed"/,
  );
  assert.match(
    requestLine(x, { ...OUTCOME, kind: 'fault', code: 'upstream_error' }, 'text'),
    / error request .*code=upstream_error/,
  );
});

test('whatever a caller sends, it is one line, valid JSON, printable, and nothing of it becomes a field', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (id, path) => {
      const json = lineOf(id, path, 'json');
      assert.equal(json.indexOf('\n'), json.length - 1);
      assert.match(json, /^[\x20-\x7e]*\n$/);
      const value = JSON.parse(json) as Record<string, unknown>;
      assert.equal(value['status'], 200);
      assert.ok(Object.keys(value).length <= 18);
      const text = lineOf(id, path, 'text');
      assert.match(text, /^[\x20-\x7e]*\n$/);
    }),
  );
});

test('a forged line in a header stays inside its value', () => {
  const forged = 'x"}\n{"level":"info","event":"request","status":200';
  const value = JSON.parse(lineOf(forged, '/', 'json')) as Record<string, unknown>;
  assert.equal(value['callerRequestId'], forged.replace('\n', '?'));
  assert.match(lineOf('a b=c" d', '/', 'text'), /callerRequestId="a b=c\\" d"/);
});

test('a model is printed with 256 characters at most, none of which a terminal acts on', () => {
  const modelIn = (model: string): unknown =>
    JSON.parse(requestLine(exchange(fakeDownstream(), { model }), OUTCOME, 'json'))['model'];
  assert.equal(modelIn('m'.repeat(256)), 'm'.repeat(256));
  assert.equal(modelIn('m'.repeat(257)), 'm'.repeat(256));
  assert.equal(modelIn('a\x1b[2J\u202eb\nc'), 'a?[2J?b?c');
});

test('text lines quote what is not plain', () => {
  assert.equal(
    textLine({ level: 'info', time: 0, event: 'x', plain: 'a-b', odd: 'a b', none: undefined, n: 1 }),
    '1970-01-01T00:00:00.000Z info x plain=a-b odd="a b" n=1',
  );
});

test('a batch hands over all lines in order, and drops and counts what is too much', () => {
  const batch = createLineBatch(1_000_000);
  assert.equal(batch.take(), undefined);
  for (let i = 0; i < 5_000; i++) batch.add(`line ${i} ü\n`);
  const taken = Buffer.from(batch.take() ?? []).toString();
  assert.equal(taken.split('\n').length, 5_001);
  assert.ok(taken.endsWith('line 4999 ü\n'));
  assert.equal(batch.take(), undefined);
  const small = createLineBatch(300_000);
  for (let i = 0; i < 400; i++) small.add('x'.repeat(1_000));
  assert.ok(small.dropped() > 0);
  assert.equal((small.take()?.length ?? 0) + small.dropped() * 1_000, 400_000);
});
