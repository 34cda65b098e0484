import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { settableClock } from '../../../test/support/clock.ts';
import { alice, exchange, fakeDownstream, noLine } from '../../../test/support/exchange.ts';
import { fakeSocket, fakeUpstreamSockets, type FakeSocket } from '../../../test/support/sockets.ts';
import { createCounterMemory, createSharedCounters } from '../../adapters/memory/counters.ts';
import { createUpstreamMemory } from '../../adapters/memory/upstream-memory.ts';
import { createUpstreamStates } from '../../adapters/memory/upstream-states.ts';
import type { OpenRoute, Principal } from '../../kernel/exchange.ts';
import { deny, type Denial, type ReasonCode } from '../../kernel/reasons.ts';
import type { Outcome } from '../../kernel/stage.ts';
import type { SocketFault } from '../../kernel/transport.ts';
import type { Counters } from '../../limits/counters.ts';
import { CLIENT_EVENTS, checkClientEvent, type ClientEvent } from '../../vllm/fields/realtime.ts';
import { Refusal } from '../../vllm/fields/refusal.ts';
import { context } from '../../vllm/fields/testing.fixture.ts';
import { createRunningExchanges } from '../running.ts';
import { AUDIO_RATE, IDLE_MS, LEAST_FRAME_COST, MAX_UNCOMMITTED_BYTES } from './bounds.ts';
import type { OwnLimits } from '../../kernel/own-limits.ts';
import { createCalendar } from '../../limits/calendar.ts';
import { createWallClock } from '../../limits/wall-clock.ts';
import { createUsageBook } from '../../limits/ledger.ts';
import { createLimitPlan } from '../../limits/plan.ts';
import { createTokenSessions } from '../../stages/token-limit/session.ts';
import { createRelay } from './relay.ts';

const ROUTE: OpenRoute = {
  id: 'realtime',
  family: 'realtime',
  method: 'GET',
  path: '/v1/realtime',
  scope: 'inference:realtime',
};
const TOTAL_MS = 1_800_000;
const WRITE_MS = 60_000;
const UPDATE = { type: 'session.update', model: 'tiny' };
const COMMIT = { type: 'input_audio_buffer.commit' };
const FINAL = { ...COMMIT, final: true };
const append = (bytes: number) => ({
  type: 'input_audio_buffer.append',
  audio: Buffer.alloc(bytes).toString('base64'),
});

function readEvent(frame: Buffer): ClientEvent | Denial {
  let value: unknown;
  try {
    value = JSON.parse(frame.toString());
  } catch {
    return deny('invalid_json');
  }
  if (typeof value !== 'object' || value === null) return deny('invalid_json');
  const event = checkClientEvent(value as Record<string, string>, context());
  return event instanceof Refusal ? deny(event.code, { param: event.path, message: event.message }) : event;
}

interface Change {
  readonly principal?: Principal;
  readonly counters?: Counters;
  /** Limits of everybody. */
  readonly defaults?: OwnLimits;
  readonly targets?: number;
  /** Indexes of the upstreams of a model. */
  readonly serving?: (model: string) => readonly number[];
  readonly isUsable?: () => boolean;
}

/** A session that has begun, with everything around it. */
function begin({ principal = alice, targets = 1, serving = () => [...Array(targets).keys()], ...change }: Change = {}) {
  const clock = settableClock();
  const budgets = settableClock();
  const counters = change.counters ?? createSharedCounters(createCounterMemory(64, 1, 'seed'), 0);
  const states = createUpstreamStates(createUpstreamMemory(targets, 1), 0);
  const running = createRunningExchanges();
  const upstreams = Array.from({ length: targets }, () => fakeUpstreamSockets());
  const outcomes: Omit<Outcome, 'durationMs'>[] = [];
  const faults: unknown[] = [];
  let socket: FakeSocket | undefined;
  let headers: readonly string[] = [];
  const downstream = Object.assign(fakeDownstream(), {
    upgrade: (...[, given, listener]: Parameters<ReturnType<typeof fakeDownstream>['upgrade']>) => {
      headers = given;
      return (socket = fakeSocket(listener));
    },
  });
  const x = exchange(downstream, { route: ROUTE, principal });
  const relay = createRelay({
    targets: upstreams.map((sockets, i) => ({
      name: `gpu-${i}`,
      sockets,
      apiKey: 'upstream-key',
      totalMs: TOTAL_MS,
      isAffine: false,
    })),
    serving,
    routeIndex: () => 3,
    states,
    line: noLine,
    running,
    isUsable: change.isUsable ?? (() => true),
    readEvent,
    denialOfModel: ({ principal: { models } }, model) =>
      models.has('*') || models.has(model) ? undefined : deny('model_not_allowed', { param: 'model' }),
    counters,
    openTokens: createTokenSessions(
      {},
      {
        plan: createLimitPlan(
          { defaults: change.defaults ?? {}, rules: [] },
          counters,
          createCalendar('UTC', createWallClock(clock)),
        ),
        counters,
        usage: createUsageBook(),
        onBudget: () => undefined,
        // Looking at budgets goes on after a session: its timer is none of those that a session has to stop.
        clock: { ...clock, after: (ms, run) => budgets.after(ms, run) },
      },
    ),
    clock,
    writeMs: WRITE_MS,
  });
  relay(
    x,
    () => [],
    (outcome) => void outcomes.push(outcome),
    (error) => void faults.push(error),
  );
  assert.ok(socket !== undefined);
  const caller = socket;
  const upstream = (nth = 0, of = 0) => upstreams[of]?.opened[nth] ?? assert.fail('no socket to upstream');
  return {
    x,
    clock,
    states,
    running,
    upstreams,
    outcomes,
    faults,
    headers,
    caller,
    upstream,
    frame: (value: object | string) =>
      caller.listener.text(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))),
    says: (value: object | string, nth = 0) =>
      upstream(nth).listener.text(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))),
    events: () => caller.sent.map((text) => JSON.parse(text) as Record<string, unknown>),
  };
}

type Session = ReturnType<typeof begin>;

/** A session whose socket to upstream stands. */
function open(change: Change = {}): Session {
  const session = begin(change);
  session.frame(UPDATE);
  session.upstream().listener.opened();
  return session;
}

/** It has ended with this, told in one event, and nothing of it is left anywhere. */
function endedWith(session: Session, code: ReasonCode, close: number | undefined, kind: Outcome['kind'] = 'cut'): void {
  const last = session.events().at(-1);
  const error = last?.['error'] as Record<string, unknown> | undefined;
  assert.deepEqual([last?.['type'], last?.['code'], error?.['code']], ['error', code, code]);
  assert.deepEqual(Object.keys(error ?? {}), ['message', 'type', 'param', 'code', 'request_id']);
  assert.equal(error?.['request_id'], 'id-1');
  assert.equal(session.events().filter(({ type }) => type === 'error').length, 1);
  assert.equal(session.caller.closedWith, close);
  isOver(session, code, kind);
}

function isOver(session: Session, code: ReasonCode | undefined, kind: Outcome['kind']): void {
  assert.deepEqual(
    session.outcomes.map((outcome) => [outcome.status, outcome.code, outcome.kind]),
    [[101, code, kind]],
  );
  assert.equal(session.running.count(), 0);
  assert.equal(session.clock.waiting(), 0);
  for (const index of session.upstreams.keys()) assert.equal(session.states.outstanding(index), 0);
  // What still comes changes nothing.
  session.frame(append(2));
  session.caller.listener.control();
  session.caller.listener.closed(false);
  session.caller.listener.drained();
  assert.equal(session.outcomes.length, 1);
}

test('the caller is greeted at once, and upstream hears nothing until a model is named', () => {
  const session = begin();
  assert.deepEqual(session.events(), [{ type: 'session.created', id: 'sess-id-1', created: 0 }]);
  assert.ok(session.headers.includes('x-request-id'));
  assert.equal(session.upstreams[0]?.opened.length, 0);
});

test('events go up as they were checked, answers come down as they were built', () => {
  const session = begin();
  session.frame({ ...UPDATE, event_id: 'e', session: {} });
  assert.equal(session.caller.isPaused, true);
  session.frame(append(4));
  const upstream = session.upstream();
  assert.deepEqual(upstream.sent, []);
  assert.deepEqual(
    [upstream.path, upstream.headers],
    ['/v1/realtime', ['x-request-id', 'id-1', 'authorization', 'Bearer upstream-key']],
  );
  upstream.listener.opened();
  assert.equal(session.caller.isPaused, false);
  session.frame(FINAL);
  assert.deepEqual(
    upstream.sent.map((text) => JSON.parse(text) as unknown),
    [UPDATE, append(4), FINAL],
  );
  session.says({ type: 'session.created', id: 'sess-upstream' });
  session.says({ type: 'transcription.delta', delta: 'a', token_ids: [1] });
  session.says({ type: 'vllm.internal', host: '10.0.0.1' });
  session.says({ type: 'transcription.done', text: 'a', usage: { prompt_tokens: 4, completion_tokens: 1 } });
  assert.deepEqual(session.events().slice(1), [
    { type: 'transcription.delta', delta: 'a' },
    { type: 'transcription.done', text: 'a', usage: { prompt_tokens: 4, completion_tokens: 1 } },
  ]);
  session.caller.listener.closed(true);
  assert.equal(upstream.isDestroyed, true);
  isOver(session, undefined, 'answer');
  assert.equal(session.x.model, 'tiny');
  assert.deepEqual([session.x.usage?.promptTokens, session.x.usage?.completionTokens], [4, 1]);
  assert.equal(session.outcomes[0]?.upstream, 'gpu-0');
});

test('a session whose budget is used up ends with budget_exhausted when it asks for more, and one without any does not begin', () => {
  const defaults: OwnLimits = { budget: { tokens: 10, per: 'day' } };
  const counters = createSharedCounters(createCounterMemory(64, 1, 'seed'), 0);
  const session = begin({ defaults, counters });
  session.frame(UPDATE);
  session.upstream().listener.opened();
  session.frame(append(4));
  session.frame(FINAL);
  session.says({ type: 'transcription.done', text: 'a', usage: { prompt_tokens: 6, completion_tokens: 4 } });
  assert.equal(session.outcomes.length, 0);
  session.frame(append(4));
  session.frame(FINAL);
  isOver(session, 'budget_exhausted', 'cut');
  assert.equal(counters.reserved(), 0);
  const next = begin({ defaults, counters });
  next.frame(UPDATE);
  isOver(next, 'budget_exhausted', 'cut');
  assert.equal(next.upstreams[0]?.opened.length, 0);
});

test('audio is paid for by its length where the caller hangs up before upstream has told what it cost, and once', () => {
  const defaults: OwnLimits = { budget: { tokens: 14, per: 'day' } };
  const counters = createSharedCounters(createCounterMemory(64, 1, 'seed'), 0);
  const first = begin({ defaults, counters });
  first.frame(UPDATE);
  first.upstream().listener.opened();
  first.frame(append(5 * 2_560));
  first.frame(COMMIT);
  first.says({ type: 'transcription.done', text: 'a', usage: { prompt_tokens: 3, completion_tokens: 1 } });
  first.frame(append(10 * 2_560));
  first.frame(COMMIT);
  first.caller.listener.closed(false);
  assert.equal(first.outcomes.length, 1);
  const next = begin({ defaults, counters });
  next.frame(UPDATE);
  isOver(next, 'budget_exhausted', 'cut');
});

test('usage of several transcriptions is counted together', () => {
  const session = open();
  for (let i = 0; i < 3; i++) session.says({ type: 'transcription.done', text: '', usage: { prompt_tokens: 2 } });
  assert.equal(session.x.usage.promptTokens, 6);
});

for (const [name, event, code] of [
  ['audio before a model', append(2), 'model_not_allowed'],
  ['a commit before a model', COMMIT, 'model_not_allowed'],
  ['a session.update without model', { type: 'session.update' }, 'model_not_allowed'],
  ['a model that was not granted', { ...UPDATE, model: 'other' }, 'model_not_allowed'],
  ['an event that nobody knows', { type: 'response.create' }, 'invalid_field'],
  ['an unknown field', { ...UPDATE, x: 1 }, 'unknown_field'],
  ['audio that is no base64', { type: 'input_audio_buffer.append', audio: '!' }, 'invalid_field'],
  ['a frame that is no JSON', '{"type":', 'invalid_json'],
] as const) {
  test(`${name} is ${code}, and upstream never hears of it`, () => {
    const session = begin({ principal: { ...alice, models: new Set(['tiny']) } });
    session.frame(event);
    endedWith(session, code, 1008);
    assert.equal(session.upstreams[0]?.opened.length, 0);
  });
}

test('a model that was not granted is model_not_allowed later, too', () => {
  const session = open({ principal: { ...alice, models: new Set(['tiny']) } });
  session.frame(UPDATE);
  assert.equal(session.upstream().sent.length, 2);
  session.frame({ ...UPDATE, model: 'other' });
  endedWith(session, 'model_not_allowed', 1008);
  assert.equal(session.upstream().isDestroyed, true);
  assert.equal(session.upstream().sent.length, 2);
});

test('another granted model in a session is invalid_field: limits and price are those of the first', () => {
  const session = open();
  session.frame(UPDATE);
  assert.equal(session.caller.closedWith, undefined);
  session.frame({ ...UPDATE, model: 'near' });
  endedWith(session, 'invalid_field', 1008);
});

test('what was transcribed and is never said to be done is counted all the same', () => {
  const counters = createSharedCounters(createCounterMemory(64, 1, 'seed'), 0);
  const session = begin({ defaults: { budget: { tokens: 4, per: 'day' } }, counters });
  session.frame(UPDATE);
  session.upstream().listener.opened();
  session.frame(append(4));
  session.frame(COMMIT);
  for (let i = 0; i < 4; i++) session.says({ type: 'transcription.delta', delta: 'a' });
  isOver(session, 'budget_exhausted', 'cut');
});

test('audio beyond the bound without a commit is value_out_of_range, a commit begins anew', () => {
  for (const [commits, isOut] of [
    [0, true],
    [1, false],
  ] as const) {
    const session = open();
    const size = 48_000;
    for (let sent = 0; sent + size <= MAX_UNCOMMITTED_BYTES; sent += size) {
      session.frame(append(size));
      session.clock.advance(1_000);
    }
    assert.equal(session.caller.closedWith, undefined);
    if (commits > 0) session.frame(COMMIT);
    session.frame(append(size));
    if (isOut) endedWith(session, 'value_out_of_range', 1008);
    else assert.equal(session.caller.closedWith, undefined);
  }
});

test('audio faster than the rate is rated over all sockets of the key: rate_limited', () => {
  const counters = createSharedCounters(createCounterMemory(64, 1, 'seed'), 0);
  const first = open({ counters });
  const size = 48_000;
  let sent = 0;
  while (first.caller.closedWith === undefined) {
    first.frame(append(size));
    sent += size;
    if (sent % (size * 8) === 0) first.frame(COMMIT);
    assert.ok(sent < AUDIO_RATE.burst * 1.1);
  }
  assert.ok(sent > AUDIO_RATE.burst * 0.9, String(sent));
  endedWith(first, 'rate_limited', 1008);
  const second = begin({ counters });
  second.frame(append(size));
  endedWith(second, 'rate_limited', 1008);
  const other = open({ counters, principal: { ...alice, id: 'key:Bob000' } });
  other.frame(append(size));
  assert.equal(other.caller.closedWith, undefined);
});

for (const kind of ['frames', 'pings'] as const) {
  test(`tiny ${kind} are rate_limited, too`, () => {
    const session = open();
    const most = AUDIO_RATE.burst / LEAST_FRAME_COST;
    let sent = 0;
    while (session.caller.closedWith === undefined && sent <= most) {
      if (kind === 'frames') session.frame(COMMIT);
      else session.caller.listener.control();
      sent++;
    }
    assert.equal(sent, most); // the first frame has named the model
    endedWith(session, 'rate_limited', 1008);
  });
}

test('counters that answer later keep frames in order, and counters that fail let nothing through', async () => {
  for (const fails of [false, true]) {
    const waiting: (() => void)[] = [];
    const shared = createSharedCounters(createCounterMemory(64, 1, 'seed'), 0);
    const session = begin({
      counters: {
        ...shared,
        spend: (asks, nowMs) =>
          new Promise((resolve, reject) =>
            waiting.push(() => (fails ? reject(new Error('counters down')) : resolve(shared.spend(asks, nowMs)))),
          ),
      },
    });
    session.frame(UPDATE);
    session.frame(append(2));
    session.frame(FINAL);
    assert.equal(session.caller.isPaused, true);
    for (let i = 0; i < 3; i++) {
      waiting.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (fails) {
      endedWith(session, 'internal_error', 1011, 'fault');
      continue;
    }
    session.upstream().listener.opened();
    assert.deepEqual(
      session.upstream().sent.map((text) => (JSON.parse(text) as { type: string }).type),
      [...CLIENT_EVENTS],
    );
  }
});

function thrown(): never {
  throw new Error('thrown');
}

test('what is thrown at a frame of the caller ends that session alone: internal_error, settled and told once', () => {
  const counters = createSharedCounters(createCounterMemory(64, 1, 'seed'), 0);
  const session = begin({ counters: { ...counters, spend: thrown } });
  session.frame(UPDATE);
  endedWith(session, 'internal_error', 1011, 'fault');
  assert.deepEqual(session.faults.map(String), ['Error: thrown']);
});

test('what is thrown at what upstream does ends that session alone: upstream_error, settled and told once', () => {
  const session = begin();
  session.frame(UPDATE);
  session.upstream().send = thrown;
  session.upstream().listener.opened();
  endedWith(session, 'upstream_error', 1011, 'fault');
  assert.deepEqual(session.faults.map(String), ['Error: thrown']);
});

test('what is thrown where the caller cannot be told any more ends the connection', () => {
  const session = open();
  session.caller.send = thrown;
  session.says({ type: 'transcription.delta', delta: 'a' });
  assert.equal(session.caller.isDestroyed, true);
  isOver(session, 'upstream_error', 'fault');
  assert.deepEqual(session.faults.map(String), ['Error: thrown']);
});

test('silence of both sides ends a session with request_timeout; what either says begins the time anew', () => {
  const session = open();
  session.clock.advance(IDLE_MS - 1);
  session.frame(COMMIT);
  session.clock.advance(IDLE_MS - 1);
  session.says({ type: 'transcription.delta', delta: 'a' });
  session.clock.advance(IDLE_MS - 1);
  session.caller.listener.control(); // not a ping
  assert.equal(session.caller.closedWith, undefined);
  session.clock.advance(1);
  endedWith(session, 'request_timeout', 1008);
});

test('a caller that names no model is silent, too', () => {
  const session = begin();
  session.clock.advance(IDLE_MS);
  endedWith(session, 'request_timeout', 1008);
});

test('a session ends after its longest time with request_timeout, however busy it is', () => {
  const session = open();
  for (let ms = 0; ms < TOTAL_MS - 60_000; ms += 60_000) {
    session.clock.advance(60_000);
    session.frame(COMMIT);
  }
  assert.equal(session.caller.closedWith, undefined);
  session.clock.advance(60_000);
  endedWith(session, 'request_timeout', 1008);
});

test('a key that is revoked ends its sessions; a gateway that goes down ends all', () => {
  for (const [code, close] of [
    ['revoked_credential', 1008],
    ['draining', 1001],
  ] as const) {
    const session = open();
    if (code === 'draining') session.running.cutEvery(deny(code));
    else session.running.cutAll('key:Alice0', deny(code));
    endedWith(session, code, close);
    assert.equal(session.upstream().isDestroyed, true);
  }
});

test('a key that was revoked before the model is named asks nothing of upstream', () => {
  const session = begin({ isUsable: () => false });
  session.frame(UPDATE);
  endedWith(session, 'revoked_credential', 1008);
  assert.equal(session.upstreams[0]?.opened.length, 0);
});

for (const [fault, code] of [
  ['too-big', 'body_too_large'],
  ['binary', 'unsupported_media_type'],
  ['encoding', 'invalid_encoding'],
  ['protocol', 'invalid_request'],
] as const satisfies readonly (readonly [SocketFault, ReasonCode])[]) {
  test(`a frame that is ${fault} is ${code}, told before the socket closes itself`, () => {
    const session = open();
    session.caller.listener.fault(fault);
    endedWith(session, code, undefined);
    assert.equal(session.upstream().isDestroyed, true);
  });
}

test('a caller that goes away without a close ends upstream at once', () => {
  const session = open();
  session.caller.listener.closed(false);
  assert.equal(session.upstream().isDestroyed, true);
  isOver(session, undefined, 'abort');
});

test('a caller that goes away while upstream opens leaves nothing behind', () => {
  const session = begin();
  session.frame(UPDATE);
  session.caller.listener.closed(false);
  assert.equal(session.upstream().isDestroyed, true);
  session.upstream().listener.opened();
  isOver(session, undefined, 'abort');
  assert.deepEqual(session.upstream().sent, []);
});

test('a caller that does not read makes upstream wait, and is cut after its time', () => {
  const session = open();
  session.caller.isFull = true;
  session.says({ type: 'transcription.delta', delta: 'a' });
  assert.equal(session.upstream().isPaused, true);
  session.caller.listener.drained();
  assert.equal(session.upstream().isPaused, false);
  session.says({ type: 'transcription.delta', delta: 'a' });
  session.clock.advance(WRITE_MS);
  assert.equal(session.caller.isDestroyed, true);
  isOver(session, 'request_timeout', 'abort');
});

test('an upstream that does not read makes the caller wait', () => {
  const session = open();
  session.upstream().isFull = true;
  session.frame(append(2));
  assert.equal(session.caller.isPaused, true);
  session.upstream().isFull = false;
  session.upstream().listener.drained();
  assert.equal(session.caller.isPaused, false);
});

for (const [name, frame] of [
  ['no JSON', '{"type":'],
  ['a delta without text', { type: 'transcription.delta' }],
  ['a list', '[]'],
] as const) {
  test(`${name} from upstream is upstream_error`, () => {
    const session = open();
    session.says(frame);
    endedWith(session, 'upstream_error', 1011, 'fault');
    assert.equal(session.upstream().isDestroyed, true);
  });
}

for (const fault of ['too-big', 'binary', 'encoding', 'protocol'] as const) {
  test(`a frame of upstream that is ${fault} is upstream_error`, () => {
    const session = open();
    session.upstream().listener.fault(fault);
    endedWith(session, 'upstream_error', 1011, 'fault');
  });
}

test('errors of upstream come in our words, and the session goes on', () => {
  const session = open();
  session.says({ type: 'error', error: "'/opt/secret' at 0x7f", code: 'processing_error' });
  session.says({ type: 'error', error: 'The model `tiny` does not exist.', code: 'model_not_found' });
  assert.deepEqual(
    session.events().map(({ code }) => code),
    [undefined, 'upstream_error', 'unknown_model'],
  );
  assert.doesNotMatch(session.caller.sent.join(''), /secret|0x7f/);
  assert.equal(session.caller.closedWith, undefined);
});

test('an upstream that closes when nothing is owed ends the session as usual, else it is upstream_error', () => {
  const idle = open();
  idle.upstream().listener.closed(true);
  assert.equal(idle.caller.closedWith, 1000);
  isOver(idle, undefined, 'answer');
  for (const [before, isClean] of [
    [[append(2)], true],
    [[COMMIT], true],
    [[], false],
  ] as const) {
    const session = open();
    for (const event of before) session.frame(event);
    session.upstream().listener.closed(isClean);
    endedWith(session, 'upstream_error', 1011, 'fault');
  }
});

test('an upstream that cannot be reached is passed over, and with none left it is upstream_unreachable', () => {
  const session = begin({ targets: 2 });
  session.frame(UPDATE);
  session.frame(append(2));
  session.upstream(0, 0).listener.refused({ kind: 'fault', fault: 'connect' });
  session.upstream(0, 1).listener.opened();
  assert.equal(session.upstream(0, 1).sent.length, 2);
  const other = begin();
  other.frame(UPDATE);
  other.upstream().listener.refused({ kind: 'fault', fault: 'connect' });
  endedWith(other, 'upstream_unreachable', 1011, 'fault');
});

for (const [refusal, code, close] of [
  [{ kind: 'fault', fault: 'timeout' }, 'upstream_timeout', 1011],
  [{ kind: 'fault', fault: 'reset' }, 'upstream_error', 1011],
  [{ kind: 'fault', fault: 'malformed' }, 'upstream_error', 1011],
  [{ kind: 'status', status: 401 }, 'upstream_error', 1011],
  [{ kind: 'status', status: 403 }, 'upstream_error', 1011],
  [{ kind: 'status', status: 404 }, 'unknown_model', 1008],
  [{ kind: 'status', status: 500 }, 'upstream_error', 1011],
  [{ kind: 'status', status: 503 }, 'overloaded', 1011],
] as const) {
  test(`an upstream that refuses by ${JSON.stringify(refusal)} is ${code}`, () => {
    const session = begin({ targets: 2 });
    session.frame(UPDATE);
    session.upstream().listener.refused(refusal);
    endedWith(session, code, close, 'fault');
    assert.equal(session.upstreams[1]?.opened.length, 0);
  });
}

test('a model that nobody serves is unknown_model', () => {
  const session = begin({ serving: () => [] });
  session.frame(UPDATE);
  endedWith(session, 'unknown_model', 1008);
});

test('whatever frames come, upstream only sees events of vLLM, the first of them naming a granted model', () => {
  const event = fc.oneof(
    fc.constantFrom<object>(UPDATE, COMMIT, FINAL, append(2), append(4), { ...UPDATE, model: 'other' }),
    fc.record({ type: fc.constantFrom<string>(...CLIENT_EVENTS, 'response.create'), audio: fc.string() }),
    fc.object(),
  );
  const step = fc.oneof(
    { weight: 6, arbitrary: event.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.string() },
    { weight: 2, arbitrary: fc.constantFrom('<opened>', '<delta>', '<done>', '<drain>', '<advance>') },
    { weight: 1, arbitrary: fc.constantFrom('<close>', '<upstream-close>', '<fault>', '<refused>') },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const session = begin({ principal: { ...alice, models: new Set(['tiny']) } });
      for (const one of steps) {
        const isOver = session.outcomes.length > 0;
        const socket = session.upstreams[0]?.opened.at(-1);
        if (!one.startsWith('<')) session.frame(one);
        else if (one === '<advance>') session.clock.advance(30_000);
        // A socket tells nothing behind its end; upstream's was destroyed with it.
        else if (isOver) continue;
        else if (one === '<close>') session.caller.listener.closed(false);
        else if (one === '<drain>') session.caller.listener.drained();
        else if (socket === undefined) continue;
        else if (one === '<opened>') socket.listener.opened();
        else if (one === '<refused>') socket.listener.refused({ kind: 'status', status: 500 });
        else if (one === '<fault>') socket.listener.fault('protocol');
        else if (one === '<upstream-close>') socket.listener.closed(true);
        else if (one === '<done>') session.says({ type: 'transcription.done', text: 'a' });
        else session.says({ type: 'transcription.delta', delta: 'a' });
      }
      const sent = session.upstreams[0]?.opened.flatMap((socket) => socket.sent) ?? [];
      for (const [i, text] of sent.entries()) {
        const value = JSON.parse(text) as Record<string, unknown>;
        const { type } = value;
        assert.ok((CLIENT_EVENTS as readonly unknown[]).includes(type));
        if (i === 0) assert.equal(type, 'session.update');
        if (type === 'session.update') assert.equal(value['model'], 'tiny');
      }
      if (session.outcomes.length === 0) session.caller.listener.closed(true);
      assert.equal(session.outcomes.length, 1);
      assert.equal(session.running.count(), 0);
      assert.equal(session.states.outstanding(0), 0);
      assert.equal(session.clock.waiting(), 0);
    }),
  );
});
