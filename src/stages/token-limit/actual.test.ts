import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newUsage, type Usage } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { actualTokens } from './actual.ts';

const bid = { input: 50, least: 25, choices: 2, each: 100, price: { input: 0, output: 0 } };
const size = { bytes: 100, items: 1, numbers: 0, media: 0 };
const kept = { bid, size, isBackground: false };
const writtenIn = (ms: number) => ms / 10;
const TIMED_OUT = { kind: 'fault', code: 'upstream_timeout' } as const;

for (const [how, usage, outcome, expected] of [
  ['answered', { promptTokens: 40, completionTokens: 7 }, { kind: 'answer' }, [40, 7]],
  ['answered without a word about tokens', {}, { kind: 'answer' }, [50, 200]],
  ['hung up in mid-stream', { promptTokens: 40, completionTokens: 5, deltas: 2 }, { kind: 'abort' }, [40, 7]],
  ['hung up while only events came', { deltas: 3 }, { kind: 'abort' }, [50, 3]],
  ['hung up while long events came', { deltas: 3, guessed: 40 }, { kind: 'abort' }, [50, 43]],
  ['hung up while events of dashes came', { deltas: 3, guessed: 900 }, { kind: 'abort' }, [50, 200]],
  ['hung up on after more events than it may have tokens', { deltas: 250, guessed: 900 }, { kind: 'abort' }, [50, 250]],
  ['cut after events of dashes', { promptTokens: 40, deltas: 3, guessed: 900 }, { kind: 'cut' }, [40, 200]],
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
    [2_000_000, 65_936],
  ],
] as const satisfies readonly (readonly [string, Partial<Usage>, Partial<Outcome>, readonly [number, number]])[]) {
  test(`a request that was ${how} has cost ${expected.join(' and ')} tokens`, () => {
    const end: Outcome = {
      ...{ status: 200, code: undefined, durationMs: 0, firstByteMs: undefined, upstream: 'u', mayHaveWorked: true },
      ...outcome,
    };
    const { input, output } = actualTokens({ ...newUsage(), ...usage }, kept, end, 0, writtenIn);
    assert.deepEqual([input, output], expected);
  });
}

const told = { promptTokens: 40, completionTokens: 30 };
for (const { how, usage, outcome, silentMs, output } of [
  { how: 'given up in a silence of 2 s', usage: told, outcome: { kind: 'abort' }, silentMs: 2_000, output: 200 },
  { how: 'given up after less', usage: told, outcome: { kind: 'abort' }, silentMs: 1_999, output: 30 },
  { how: 'given up by a time-out', usage: { deltas: 9 }, outcome: TIMED_OUT, silentMs: 2_000, output: 200 },
  { how: 'answered after all', usage: told, outcome: { kind: 'answer' }, silentMs: 9_000, output: 30 },
  { how: 'cut by the gateway', usage: told, outcome: { kind: 'cut' }, silentMs: 9_000, output: 30 },
  {
    how: 'broken by upstream',
    usage: told,
    outcome: { kind: 'fault', code: 'upstream_error' },
    silentMs: 9_000,
    output: 30,
  },
  {
    how: 'longer than was set aside',
    usage: { ...told, completionTokens: 250 },
    outcome: { kind: 'abort' },
    silentMs: 9_000,
    output: 250,
  },
] as const) {
  test(`a stream that was ${how} has cost ${output} tokens of its answers`, () => {
    const end: Outcome = {
      ...{ status: 200, code: undefined, durationMs: 0, firstByteMs: 1, upstream: 'u', mayHaveWorked: true },
      ...outcome,
    };
    assert.equal(actualTokens({ ...newUsage(), ...usage }, kept, end, silentMs, writtenIn).output, output);
  });
}

test('what can have been written in a silence is what the measured speed says, for each answer', () => {
  const end: Outcome = {
    ...{
      status: 200,
      code: undefined,
      durationMs: 0,
      firstByteMs: 1,
      upstream: 'u',
      mayHaveWorked: true,
      kind: 'abort',
    },
  };
  const slow = (ms: number): number => ms / 1_000;
  assert.equal(actualTokens({ ...newUsage(), ...told }, kept, end, 5_000, slow).output, 30 + 2 * 5);
});

for (const [how, usage, outcome, output] of [
  ['hung up on', { deltas: 3 }, { kind: 'abort' }, 200],
  ['hung up on after upstream has told something', told, { kind: 'abort' }, 200],
  ['cut at a limit', told, { kind: 'cut' }, 200],
  ['heard to its end', told, { kind: 'answer' }, 30],
  ['never sent', {}, { kind: 'abort', mayHaveWorked: false }, 0],
] as const satisfies readonly (readonly [string, Partial<Usage>, Partial<Outcome>, number])[]) {
  test(`what goes on in the background and is ${how} has cost ${output} tokens: upstream finishes it all the same`, () => {
    const end: Outcome = {
      ...{ status: 200, code: undefined, durationMs: 0, firstByteMs: 1, upstream: 'u', mayHaveWorked: true },
      ...outcome,
    };
    const tokens = actualTokens({ ...newUsage(), ...usage }, { ...kept, isBackground: true }, end, 0, writtenIn);
    assert.equal(tokens.output, output);
  });
}

test('who hangs up pays for the time in which upstream worked, not for the wait that others have caused', () => {
  const end: Outcome = {
    ...{ status: 499, code: undefined, kind: 'abort', durationMs: 60_000, workedMs: 200, firstByteMs: undefined },
    ...{ upstream: 'u', mayHaveWorked: true },
  };
  assert.equal(actualTokens(newUsage(), kept, end, 0, writtenIn).output, 40);
});

test('more tokens of the cache than of the prompt are not believed', () => {
  const end: Outcome = {
    ...{ status: 200, code: undefined, kind: 'answer', durationMs: 1, firstByteMs: 1, upstream: 'u' },
    mayHaveWorked: true,
  };
  const { cached } = actualTokens({ ...newUsage(), ...told, cachedTokens: 1e9 }, kept, end, 0, writtenIn);
  assert.equal(cached, 40);
});
