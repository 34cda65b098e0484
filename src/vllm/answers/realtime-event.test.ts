import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readServerEvent } from './realtime-event.ts';

const read = (value: unknown) =>
  readServerEvent(Buffer.from(typeof value === 'string' ? value : (JSON.stringify(value) ?? '')));

test('a delta is built anew from its text alone', () => {
  assert.deepEqual(read({ type: 'transcription.delta', delta: 'a', token_ids: [1], logprobs: {} }), {
    kind: 'delta',
    event: { type: 'transcription.delta', delta: 'a' },
  });
});

for (const [usage, kept] of [
  [undefined, null],
  [null, null],
  ['5', null],
  [
    { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, prompt_tokens_details: { cached_tokens: 3 } },
    { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  ],
  [
    { type: 'duration', seconds: 2, host: 'gpu-1' },
    { type: 'duration', seconds: 2 },
  ],
  [{ type: 'gpu-1', prompt_tokens: '3' }, {}],
] as const) {
  test(`of the usage ${JSON.stringify(usage)} the end has ${JSON.stringify(kept)}`, () => {
    assert.deepEqual(read({ type: 'transcription.done', text: 'a b', usage, metrics: {} }), {
      kind: 'done',
      event: { type: 'transcription.done', text: 'a b', usage: kept },
    });
  });
}

test('of an error only the kind is kept, whatever it says', () => {
  const error = "No such file: '/opt/vllm/x' at 0x7f3a";
  assert.deepEqual(read({ type: 'error', error, code: 'processing_error' }), { kind: 'error', isModelMissing: false });
  assert.deepEqual(read({ type: 'error', error, code: 'model_not_found' }), { kind: 'error', isModelMissing: true });
  assert.deepEqual(read({ type: 'error', error: { message: error } }), { kind: 'error', isModelMissing: false });
});

for (const value of [
  { type: 'session.created', id: 'sess-1' },
  { type: 'vllm.debug', host: '10.0.0.1' },
  { type: '' },
]) {
  test(`the event ${JSON.stringify(value)} is dropped`, () => assert.deepEqual(read(value), { kind: 'drop' }));
}

for (const value of [
  '',
  '<html>',
  '{"type":"transcription.delta",',
  '[]',
  '"text"',
  'null',
  {},
  { type: 1 },
  { type: 'transcription.delta' },
  { type: 'transcription.delta', delta: { text: 'a' } },
  { type: 'transcription.done', text: null },
]) {
  test(`the frame ${JSON.stringify(value)} is a fault`, () => assert.deepEqual(read(value), { kind: 'fault' }));
}

test('bytes that are not UTF-8 are a fault', () => {
  assert.deepEqual(readServerEvent(Buffer.from('{"type":"transcription.delta","delta":"\xff"}', 'latin1')), {
    kind: 'fault',
  });
});

test('no frame brings another member to the caller than those of the two events', () => {
  const type = fc.constantFrom('transcription.delta', 'transcription.done', 'error', 'session.created', 'x');
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), type, fc.jsonValue(), (rest, type, usage) => {
      const answer = read({ ...rest, type, delta: 'a', text: 'b', usage });
      if (!('event' in answer)) return;
      const names = Object.keys(answer.event);
      assert.deepEqual(names, answer.kind === 'delta' ? ['type', 'delta'] : ['type', 'text', 'usage']);
    }),
  );
});
