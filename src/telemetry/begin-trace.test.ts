import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { test } from 'node:test';
import { createBeginTrace } from './begin-trace.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const headers = new Map([
  ['traceparent', PARENT],
  ['tracestate', 'a=1'],
  ['baggage', 'user=alice'],
]);

/** Bytes that count up from 1. */
function counting(): (bytes: Buffer) => void {
  let next = 1;
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = next++ & 0xff;
  };
}

test('a peer that is trusted is joined: its trace, its choice, its state', () => {
  const begin = createBeginTrace({ ratio: 0, trustedContext: ['10.0.0.0/8'] }, counting());
  assert.deepEqual(begin('10.1.2.3', headers), {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentSpanId: 'b7ad6b7169203331',
    spanId: '1112131415161718',
    isSampled: true,
    isRandom: false,
    state: 'a=1',
  });
});

test('a peer that is not trusted begins a trace of ours, whatever it sends', () => {
  const begin = createBeginTrace({ ratio: 0, trustedContext: ['10.0.0.0/8'] }, counting());
  assert.deepEqual(begin('192.0.2.1', headers), {
    traceId: '0102030405060708090a0b0c0d0e0f10',
    parentSpanId: undefined,
    spanId: '1112131415161718',
    isSampled: false,
    isRandom: true,
    state: undefined,
  });
});

test('with nobody to trust, nobody is', () => {
  const begin = createBeginTrace({ ratio: 1, trustedContext: [] }, counting());
  assert.equal(begin('10.1.2.3', headers).parentSpanId, undefined);
});

test('a malformed context of a trusted peer begins anew, and its state is left out with it', () => {
  const begin = createBeginTrace({ ratio: 1, trustedContext: ['10.0.0.0/8'] }, counting());
  const { parentSpanId, state } = begin('10.1.2.3', new Map([...headers, ['traceparent', `${PARENT}, ${PARENT}`]]));
  assert.deepEqual([parentSpanId, state], [undefined, undefined]);
});

test('no id is ever zero, and no span odd', () => {
  let fills = 0;
  const begin = createBeginTrace(
    { ratio: 1, trustedContext: [] },
    (bytes) => void bytes.fill(fills++ === 0 ? 0 : 0xff),
  );
  const { traceId, spanId } = begin('192.0.2.1', new Map());
  assert.deepEqual([traceId, spanId], ['f'.repeat(32), `${'f'.repeat(15)}e`]);
});

test('ten thousand requests have as many traces and spans', () => {
  const begin = createBeginTrace({ ratio: 1, trustedContext: [] }, (bytes) => void randomFillSync(bytes));
  const all = Array.from({ length: 10_000 }, () => begin('192.0.2.1', new Map()));
  assert.equal(new Set(all.map(({ traceId }) => traceId)).size, all.length);
  assert.equal(new Set(all.map(({ spanId }) => spanId)).size, all.length);
});
