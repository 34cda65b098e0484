import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { settableClock } from '../../../test/support/clock.ts';
import { alice, exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import { createCounterMemory, createSharedCounters } from '../../adapters/memory/counters.ts';
import { newUsage, type Exchange, type Facts, type Has } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { createCalendar } from '../../limits/calendar.ts';
import { createWallClock } from '../../limits/wall-clock.ts';
import { createUsageBook } from '../../limits/ledger.ts';
import { createEstimator } from '../../limits/estimator.ts';
import { createLimitPlan } from '../../limits/plan.ts';
import { inspectEvent } from '../../forward/stream-event.ts';
import { createMeter } from '../meter/stage.ts';
import { createTokenLimit, type TokenLimitDeps } from './stage.ts';

const LIMIT = 4_000;
const HISTORIES = 100_000;

/** How a request goes and ends. */
const ENDS = [
  'answer',
  'stream',
  'refused',
  'unreachable',
  'hung-up',
  'stream-hung-up',
  'fault',
  'denied-later',
] as const;
const request = fc.record({
  prompt: fc.nat(600),
  /** Tokens that the prompt really has: also far more than its bytes let expect. */
  input: fc.integer({ min: 1, max: 900 }),
  maxTokens: fc.integer({ min: 1, max: 900 }),
  isOurs: fc.boolean(),
  n: fc.integer({ min: 1, max: 3 }),
  /** Part of the length that is written. */
  written: fc.double({ min: 0, max: 1, noNaN: true }),
  end: fc.constantFrom(...ENDS),
  /** vLLM puts what has come meanwhile into one event. */
  eventTokens: fc.integer({ min: 1, max: 15 }),
  /** Requests that begin before this one ends. */
  overlap: fc.nat(2),
});

type Request = typeof request extends fc.Arbitrary<infer One> ? One : never;
type Running = Exchange & Has<keyof Facts>;

const PLAIN: Request = {
  ...{ prompt: 30, input: 5, maxTokens: 300, isOurs: false, n: 1, written: 1 },
  ...{ end: 'answer', eventTokens: 1, overlap: 0 },
};

const clock = settableClock();
/** One for all histories, each of which is a caller of its own: what one leaves behind the others would see. */
const counters = createSharedCounters(createCounterMemory(64, 1, 's', 262_144), 0);
const defaults = { budget: { tokens: LIMIT, per: 'month' } } as const;
const plan = createLimitPlan({ defaults, rules: [] }, counters, createCalendar('UTC', createWallClock(clock)));
const stageOf = (onBudget: TokenLimitDeps['onBudget'] = () => undefined) =>
  createTokenLimit(
    { prices: {}, overCap: 'lower', maxOutputTokens: 500 },
    { plan, counters, clock, estimator: createEstimator(), usage: createUsageBook(), onBudget },
  );
const shared = stageOf();
let callers = 0;

/** A caller that nobody has seen before. */
function bench(stage = shared) {
  const principal = { ...alice, id: `key:${callers++}` };
  const used = (): number => {
    const [budget] = plan.late({ principal, network: '' });
    assert.ok(budget !== undefined);
    return LIMIT - counters.standing(plan.ask(budget, 1, clock.monotonicMs()), clock.monotonicMs()).remaining;
  };
  return { stage, used, principal };
}

/** Runs one request up to its end; what it has really used, or undefined where it was refused. */
function begin({ stage, principal }: ReturnType<typeof bench>, one: Request) {
  const isStream = one.end.startsWith('stream');
  const body = {
    model: 'tiny',
    messages: [{ role: 'user', content: 'x'.repeat(one.prompt) }],
    max_tokens: one.maxTokens,
    n: one.n,
  };
  const x = exchange(fakeDownstream(), {
    request: {
      model: 'tiny',
      body,
      isStream,
      wantsUsage: false,
      adjusted: [],
      output: { name: 'max_tokens', isOurs: one.isOurs },
    },
    usage: newUsage(),
    principal,
  }) as Running;
  const denial = stage.decide?.(x);
  assert.ok(!(denial instanceof Promise));
  return denial === undefined ? { x, end: (heard?: number[]) => endOf(stage, x, one, heard) } : undefined;
}

/** What upstream and the caller do; the tokens that are to be counted. @param heard of a stream, the tokens after each event */
function endOf(stage: ReturnType<typeof bench>['stage'], x: Running, one: Request, heard: number[] = []): number {
  const length = x.tokenLimits.outputTokens ?? one.maxTokens;
  const output = Math.floor(length * one.written) * one.n;
  const usage = { prompt_tokens: one.input, completion_tokens: output, total_tokens: one.input + output };
  const outcome = (kind: Outcome['kind'], mayHaveWorked: boolean): number => {
    const end = {
      kind,
      status: 200,
      code: undefined,
      durationMs: 0,
      firstByteMs: undefined,
      upstream: 'u',
      mayHaveWorked,
    };
    stage.settle?.(x, end);
    const { promptTokens, completionTokens } = x.usage;
    return promptTokens === undefined ? 0 : promptTokens + (completionTokens ?? 0);
  };
  const meter = createMeter().inspect?.(x, { status: 200, header: () => undefined });
  const limit = stage.inspect?.(x, { status: 200, header: () => undefined });
  switch (one.end) {
    case 'answer':
      meter?.body?.({ usage });
      return outcome('answer', true);
    case 'stream':
    case 'stream-hung-up': {
      const events = one.end === 'stream' ? output : Math.floor(output / 2);
      for (let i = 0; i <= Math.min(events, 64 * one.eventTokens); i += one.eventTokens) {
        const sofar = { ...usage, completion_tokens: i };
        const data = JSON.stringify({ choices: [{ index: 0, delta: { content: 'x' } }], usage: sofar });
        const shown = inspectEvent(
          { type: '', data },
          [meter, limit].filter((each) => each !== undefined),
        );
        if (typeof shown !== 'string') return outcome('cut', true);
        heard.push(one.input + i);
      }
      if (one.end === 'stream-hung-up') return outcome('abort', true);
      inspectEvent(
        { type: '', data: JSON.stringify({ choices: [], usage }) },
        [meter].filter((each) => each !== undefined),
      );
      return outcome('answer', true);
    }
    case 'refused':
      return outcome('denial', false);
    case 'unreachable':
      return outcome('fault', false);
    case 'fault':
      return outcome('fault', true);
    case 'denied-later':
      return outcome('denial', false);
    case 'hung-up':
      // It has run for no time at all: what is charged is the prompt, as it was estimated.
      return -1;
  }
}

test(`after any history of requests nothing is reserved and what is used is the sum of real usage (${HISTORIES} histories)`, () => {
  const history = fc.array(request, { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(history, (requests) => {
      const it = bench();
      const { used } = it;
      const running: (() => number)[] = [];
      let sum = 0;
      for (const one of requests) {
        const began = begin(it, one.end === 'hung-up' ? { ...one, end: 'fault' } : one);
        if (began !== undefined) running.push(began.end);
        assert.ok(used() <= LIMIT);
        while (running.length > one.overlap) sum += running.shift()?.() ?? 0;
      }
      while (running.length > 0) sum += running.pop()?.() ?? 0;
      assert.equal(used(), Math.min(sum, LIMIT));
    }),
    { numRuns: HISTORIES },
  );
  assert.equal(counters.reserved(), 0);
  assert.equal(counters.held(), 0);
});

for (const { eventTokens, delivered } of [
  { eventTokens: 1, delivered: LIMIT },
  { eventTokens: 7, delivered: LIMIT - 60 + 56 },
  { eventTokens: 60, delivered: LIMIT },
  { eventTokens: 61, delivered: LIMIT - 60 },
]) {
  test(`a stream of ${eventTokens} tokens an event is cut where one goes over, and that one is counted and not delivered`, () => {
    const it = bench();
    const began = begin(it, { ...PLAIN, end: 'stream', input: LIMIT - 60, eventTokens });
    const heard: number[] = [];
    const counted = began?.end(heard);
    assert.equal(heard.at(-1), delivered);
    assert.equal(counted, delivered + eventTokens);
    assert.equal(it.used(), LIMIT);
  });
}

test('whoever hangs up has used the prompt and what can have been written until then', () => {
  // Nothing is learnt yet.
  const it = bench(stageOf());
  const { stage, used } = it;
  const began = begin(it, { ...PLAIN, n: 2, end: 'hung-up' });
  assert.ok(began !== undefined);
  const reserved = used();
  stage.settle?.(began.x, {
    kind: 'abort',
    status: 499,
    code: undefined,
    durationMs: 1_000,
    firstByteMs: undefined,
    upstream: 'u',
    mayHaveWorked: true,
  });
  assert.equal(counters.reserved(), 0);
  // A hundred tokens a second, as long as nothing else is known, for each of two answers.
  assert.equal(used(), reserved - 2 * 300 + 2 * 100);
});

test('an answer that says nothing of its tokens has used all that was set aside', () => {
  const it = bench();
  const { stage, used } = it;
  const began = begin(it, PLAIN);
  assert.ok(began !== undefined);
  const reserved = used();
  stage.settle?.(began.x, {
    kind: 'answer',
    status: 200,
    code: undefined,
    durationMs: 1,
    firstByteMs: 1,
    upstream: 'u',
    mayHaveWorked: true,
  });
  assert.equal(used(), reserved);
});

test('an answer of long tokens within its own length is neither cut nor charged for more than that, though its text looks longer', () => {
  const { stage, used, principal } = bench();
  const request = {
    ...{ model: 'tiny', isStream: true, wantsUsage: false, adjusted: [] },
    body: { model: 'tiny', messages: [{ role: 'user', content: 'draw lines' }], max_tokens: 1_000 },
    output: { name: 'max_tokens', isOurs: false },
  };
  const { route } = exchange(fakeDownstream(), {});
  const x = exchange(fakeDownstream(), {
    ...{ request, principal, usage: newUsage(), route: { ...route, family: 'messages' } },
  }) as Running;
  assert.equal(stage.decide?.(x), undefined);
  const setAside = used();
  const head = { status: 200, header: () => undefined };
  const inspectors = [createMeter().inspect?.(x, head), stage.inspect?.(x, head)].filter((one) => one !== undefined);
  const type = 'content_block_delta';
  const data = JSON.stringify({ type, delta: { type: 'text_delta', text: '-'.repeat(64) } });
  for (let i = 0; i < 900; i++) assert.equal(typeof inspectEvent({ type, data }, inspectors), 'string', `event ${i}`);
  assert.equal(used(), setAside);
  stage.settle?.(x, {
    ...{ kind: 'abort', status: 499, code: undefined, durationMs: 1, firstByteMs: 1, upstream: 'u' },
    mayHaveWorked: true,
  });
  assert.equal(used(), setAside);
});

test('a budget of which one request has used four fifths is told of within a second, though no other comes', () => {
  const told: string[] = [];
  const it = bench(stageOf(({ holder }) => void told.push(holder)));
  for (const { input, expected } of [
    { input: LIMIT * 0.8 - 301, expected: [] },
    { input: 1, expected: [it.principal.id] },
  ]) {
    // The first has written 300 tokens of its answer; the second none.
    const began = begin(it, { ...PLAIN, input, written: input === 1 ? 0 : 1 });
    assert.ok(began !== undefined);
    began.end();
    assert.deepEqual(told, []);
    clock.advance(1_000);
    assert.deepEqual(told, expected);
  }
});

test('so is one that many have used together, each by more than it had set aside', () => {
  const told: string[] = [];
  const it = bench(stageOf(({ holder }) => void told.push(holder)));
  const all = Array.from({ length: 20 }, () => begin(it, { ...PLAIN, prompt: 1, maxTokens: 1, input: LIMIT / 25 }));
  for (const began of all) began?.end();
  clock.advance(1_000);
  assert.deepEqual(told, [it.principal.id]);
});
