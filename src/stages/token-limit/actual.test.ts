import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newUsage, type Usage } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { actualTokens } from './actual.ts';

const bid = { input: 50, least: 25, choices: 2, each: 100, price: { input: 0, output: 0 } };
const size = { bytes: 100, items: 1, numbers: 0, media: 0 };
const writtenIn = (ms: number) => ms / 10;

for (const [how, usage, outcome, expected] of [
  ['answered', { promptTokens: 40, completionTokens: 7 }, { kind: 'answer' }, [40, 7]],
  ['answered without a word about tokens', {}, { kind: 'answer' }, [50, 200]],
  ['hung up in mid-stream', { promptTokens: 40, completionTokens: 5, deltas: 2 }, { kind: 'abort' }, [40, 7]],
  ['hung up while only events came', { deltas: 3 }, { kind: 'abort' }, [50, 3]],
  ['hung up before anything came', {}, { kind: 'abort', durationMs: 200 }, [50, 40]],
  ['hung up after a long time', {}, { kind: 'abort', durationMs: 60_000 }, [50, 200]],
  ['ended by a time-out of the gateway', {}, { kind: 'fault', code: 'upstream_timeout', durationMs: 300 }, [50, 60]],
  ['broken by upstream', {}, { kind: 'fault', code: 'upstream_error' }, [0, 0]],
  ['refused by upstream', {}, { kind: 'denial', mayHaveWorked: false }, [0, 0]],
  ['never sent', {}, { kind: 'abort', mayHaveWorked: false }, [0, 0]],
  [
    'told an absurd number',
    { promptTokens: Number.MAX_SAFE_INTEGER, completionTokens: 2 ** 52 },
    { kind: 'answer' },
    [2_000_000, 2_000_200],
  ],
] as const satisfies readonly (readonly [string, Partial<Usage>, Partial<Outcome>, readonly [number, number]])[]) {
  test(`a request that was ${how} has cost ${expected.join(' and ')} tokens`, () => {
    const end: Outcome = {
      ...{ status: 200, code: undefined, durationMs: 0, firstByteMs: undefined, upstream: 'u', mayHaveWorked: true },
      ...outcome,
    };
    const { input, output } = actualTokens({ ...newUsage(), ...usage }, { bid, size }, end, writtenIn);
    assert.deepEqual([input, output], expected);
  });
}
