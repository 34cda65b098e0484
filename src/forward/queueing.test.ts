import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createUpstreamMemory } from '../adapters/memory/upstream-memory.ts';
import { createUpstreamPlaces } from '../adapters/memory/upstream-places.ts';
import { createUpstreamStates } from '../adapters/memory/upstream-states.ts';
import { createWorkerLine } from '../gateway/threads/line.ts';
import { deny } from '../kernel/reasons.ts';
import type { Outcome } from '../kernel/stage.ts';
import { createResponseIds } from '../wire/response-id.ts';
import { settableClock } from '../../test/support/clock.ts';
import {
  alice,
  exchange,
  fakeDownstream,
  fakeUpstream,
  type FakeCall,
  type FakeDownstream,
} from '../../test/support/exchange.ts';
import { createForward } from './forward.ts';
import { createWaitingRoom } from './queue/waiting-room.ts';
import { createRunningExchanges } from './running.ts';

const DEADLINE_MS = 10_000;

/** One worker before upstreams with so many places each, and the room where its requests wait. */
function setUp(limits: readonly number[], { size = 100, deadlineMs = DEADLINE_MS } = {}) {
  const clock = settableClock();
  const memory = createUpstreamMemory(limits.length, 1);
  const places = createUpstreamPlaces(memory);
  for (const [i, limit] of limits.entries()) places.setLimit(i, limit, []);
  const states = createUpstreamStates(memory, 0, (upstream) => room.freed(upstream));
  const line = createWorkerLine(
    (message) => {
      if (message.kind === 'wait') room.wait(0, message.asked);
      else if (message.kind === 'leave') room.leave(0, message.id);
    },
    (upstream, tenant) => places.giveBack(0, upstream, tenant),
  );
  const room = createWaitingRoom({
    take: (row, upstream, tenant) => places.takeInTurn(row, upstream, tenant),
    setWaiting: (upstream, count) => places.setWaiting(upstream, count),
    granted: (_row, id, upstream, tenant) => line.granted(id, upstream, tenant),
    refused: (_row, id, retryAfterMs) => line.refused(id, retryAfterMs),
    weightOf: () => 1,
    rulesOf: () => ({ size, deadlineMs }),
    clock,
  });
  const servers = limits.map(() => fakeUpstream());
  const running = createRunningExchanges();
  const outcomes: Omit<Outcome, 'durationMs'>[] = [];
  const faults: unknown[] = [];
  const forward = createForward({
    targets: servers.map((upstream, i) => ({
      name: `u${i}`,
      upstream,
      apiKey: undefined,
      totalMs: 60_000,
      isAffine: false,
    })),
    serving: () => servers.map((_, i) => i),
    routeIndex: () => 0,
    states,
    line,
    running,
    responseIds: createResponseIds(Buffer.alloc(32, 1)),
    judgeOutput: () => undefined,
    isUsable: () => true,
    clock,
    sseKeepAliveMs: 3_000,
    sessionKey: Buffer.alloc(32),
  });
  const ask = (tenant = 'default', isStream = false): FakeDownstream => {
    const peer = fakeDownstream();
    const request = {
      model: 'tiny',
      body: { model: 'tiny', n: outcomes.length },
      isStream,
      wantsUsage: false,
      adjusted: [],
      output: undefined,
    };
    const principal = { ...alice, tenant, marks: [`key:${tenant}`] };
    forward(
      exchange(peer, { principal, request }),
      () => [],
      (outcome) => outcomes.push(outcome),
      (error) => faults.push(error),
    );
    return peer;
  };
  const call = (nth: number, server = 0): FakeCall => servers[server]?.calls[nth] ?? assert.fail(`no call ${nth}`);
  const answer = ({ listener }: FakeCall): void => {
    listener.head({ status: 200, header: () => 'application/json' });
    listener.chunk(Buffer.from('{"id":"a"}'));
    listener.end();
  };
  const asked = () => servers.map(({ calls }) => calls.length);
  return { clock, places, states, servers, running, outcomes, faults, ask, call, answer, asked };
}

test('what finds no place waits, and goes upstream when an answer ends', () => {
  const it = setUp([1]);
  it.ask();
  const second = it.ask();
  assert.deepEqual([it.asked(), it.states.waiting(0)], [[1], 1]);
  it.answer(it.call(0));
  assert.deepEqual([it.asked(), it.states.waiting(0), it.states.outstanding(0)], [[2], 0, 1]);
  it.answer(it.call(1));
  assert.deepEqual([second.status, it.states.outstanding(0)], [200, 0]);
});

test('a peer that does not read its answer keeps no place', () => {
  const it = setUp([1]);
  it.ask().isSlow = true;
  it.ask();
  it.answer(it.call(0));
  assert.equal(it.outcomes.length, 0, 'the first answer has not left');
  assert.deepEqual(it.asked(), [2]);
});

test('a tenant that floods does not make another one wait for its backlog', () => {
  const it = setUp([1]);
  for (let i = 0; i < 20; i++) it.ask('flood');
  const small = it.ask('small');
  it.answer(it.call(0));
  it.answer(it.call(1));
  it.answer(it.call(2));
  assert.equal(small.status, 200, 'two answers later at most');
});

test('at the deadline a waiting request is refused with the time to try again', () => {
  const it = setUp([1]);
  it.ask();
  const second = it.ask();
  it.clock.advance(DEADLINE_MS - 1);
  assert.equal(second.status, undefined);
  it.clock.advance(1);
  assert.deepEqual([second.status, second.headers.get('retry-after')], [503, '10']);
  assert.match(second.body, /"code":"overloaded"/);
  assert.deepEqual([it.asked(), it.outcomes.map(({ kind, code }) => [kind, code])], [[1], [['denial', 'overloaded']]]);
});

test('what finds the queue full is refused at once', () => {
  const it = setUp([1], { size: 1 });
  it.ask();
  it.ask();
  const third = it.ask();
  assert.deepEqual([third.status, it.asked()], [503, [1]]);
});

test('a waiting stream gets its keep-alives, and its refusal then comes as an event', () => {
  const it = setUp([1]);
  it.ask();
  const stream = it.ask('default', true);
  it.clock.advance(2_999);
  assert.equal(stream.status, undefined);
  it.clock.advance(1);
  assert.deepEqual([stream.status, stream.body.startsWith(':')], [200, true]);
  it.clock.advance(DEADLINE_MS);
  assert.match(stream.body, /data: \{"error":\{.*"code":"overloaded"/);
  assert.equal(stream.isEnded, true);
});

test('who goes away while it waits is not asked for any more', () => {
  const it = setUp([1]);
  it.ask();
  const second = it.ask();
  second.disconnect();
  assert.deepEqual([it.states.waiting(0), it.outcomes.map(({ kind }) => kind)], [0, ['abort']]);
  it.answer(it.call(0));
  assert.deepEqual([it.asked(), it.states.outstanding(0), it.running.count()], [[1], 0, 0]);
});

test('a place whose request was cut off is free only once upstream has had time to notice', () => {
  const it = setUp([1]);
  const first = it.ask('default', true);
  it.ask();
  it.call(0).listener.head({ status: 200, header: () => 'text/event-stream' });
  first.disconnect();
  assert.equal(it.call(0).isAborted, true);
  it.clock.advance(49);
  assert.deepEqual(it.asked(), [1]);
  it.clock.advance(1);
  assert.deepEqual([it.asked(), it.states.outstanding(0)], [[2], 1]);
});

test('what waits on a key that is revoked ends at once', () => {
  const it = setUp([1]);
  it.ask('a');
  const second = it.ask('b');
  it.running.cutAll('key:b', deny('revoked_credential'));
  assert.deepEqual([second.status, it.states.waiting(0)], [401, 0]);
  it.answer(it.call(0));
  assert.deepEqual(it.asked(), [1]);
});

test('an upstream that is stuck keeps its places until its time-outs end them, and those who wait are refused before', () => {
  const it = setUp([2], { deadlineMs: 5_000 });
  const stuck = [it.ask(), it.ask()];
  const late = it.ask();
  it.clock.advance(5_000);
  assert.deepEqual([late.status, it.states.outstanding(0)], [503, 2]);
  const next = it.ask();
  it.call(0).listener.fault('timeout');
  it.clock.advance(50);
  assert.deepEqual([stuck[0]?.status, it.asked(), it.states.outstanding(0)], [504, [3], 2]);
  it.answer(it.call(2));
  assert.equal(next.status, 200);
});

test('who waits while one of two upstreams is stuck goes to the other', () => {
  const it = setUp([1, 1]);
  it.ask();
  it.ask();
  const third = it.ask();
  assert.deepEqual([it.asked(), it.states.waiting(0), it.states.waiting(1)], [[1, 1], 1, 1]);
  it.answer(it.call(0, 1));
  it.answer(it.call(1, 1));
  assert.deepEqual([third.status, it.asked()], [200, [1, 2]]);
});

test('an upstream with a free place is asked before anybody waits', () => {
  const it = setUp([1, 3]);
  for (let i = 0; i < 4; i++) it.ask();
  assert.deepEqual([it.asked(), it.states.waiting(0)], [[1, 3], 0]);
});

test('what found no connection at its turn waits for the other upstream', () => {
  const it = setUp([1, 1]);
  for (let i = 0; i < 3; i++) it.ask();
  const third = it.outcomes.length;
  it.answer(it.call(0, 0));
  it.call(1, 0).listener.fault('connect');
  assert.deepEqual([it.asked(), it.states.waiting(1), it.states.outstanding(0)], [[2, 1], 1, 0]);
  it.answer(it.call(0, 1));
  assert.deepEqual([it.asked(), third], [[2, 2], 0]);
});

test('what breaks at its turn is told, answered, and gives its place back', () => {
  const it = setUp([1]);
  it.ask();
  const second = it.ask();
  const [server] = it.servers;
  assert.ok(server !== undefined);
  server.send = () => {
    throw new Error('broken');
  };
  it.answer(it.call(0));
  it.clock.advance(50);
  assert.deepEqual([second.status, it.faults.length, it.states.outstanding(0)], [502, 1, 0]);
});

test('the time to the first byte of a stream counts from its place on, not from its arrival', () => {
  const it = setUp([1]);
  it.ask();
  it.ask('default', true);
  it.clock.advance(2_000);
  it.answer(it.call(0));
  it.clock.advance(300);
  it.call(1).listener.head({ status: 200, header: () => 'text/event-stream' });
  it.call(1).listener.chunk(Buffer.from('data: {}\n\n'));
  assert.deepEqual(it.places.firstBytes(0), { sumMs: 300, count: 1 });
  assert.deepEqual(it.places.firstBytes(0), { sumMs: 0, count: 0 });
});
