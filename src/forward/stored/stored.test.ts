import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createUpstreamMemory } from '../../adapters/memory/upstream-memory.ts';
import { createUpstreamStates } from '../../adapters/memory/upstream-states.ts';
import { settableClock } from '../../../test/support/clock.ts';
import { alice, exchange, fakeDownstream, fakeUpstream, noLine } from '../../../test/support/exchange.ts';
import type { InferenceRequest, OpenRoute } from '../../kernel/exchange.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { createHeldOutput } from '../../stages/validate/held-output.ts';
import { createResponseIds } from '../../wire/response-id.ts';
import { createForward } from '../forward.ts';
import { createRunningExchanges } from '../running.ts';
import type { JudgeOutput } from './check.ts';

const ids = createResponseIds(Buffer.alloc(32, 1));
const READ: OpenRoute = {
  id: 'responses-get',
  family: 'stored-response',
  method: 'GET',
  path: '/v1/responses/{response_id}',
  scope: 'inference:responses',
};
const CANCEL: OpenRoute = { ...READ, id: 'responses-cancel', method: 'POST', path: `${READ.path}/cancel` };
const CREATE: OpenRoute = { ...READ, id: 'responses', family: 'responses', method: 'POST', path: '/v1/responses' };
const held = { upstream: 'u1', id: 'resp_1', model: 'tiny' };
const ENDED = { object: 'response', id: 'resp_1', status: 'completed', output: [] };
const body = { model: 'tiny', input: 'hi', store: true, previous_response_id: 'resp_1' };

interface SetUp {
  readonly route: OpenRoute;
  readonly request?: Partial<InferenceRequest>;
  readonly serving?: readonly number[];
  readonly down?: number;
  readonly judgeOutput?: JudgeOutput;
}

const judge = createHeldOutput('deny', []);

/** Three upstreams, of which `u1` holds the response. */
function setUp({ route, request = {}, serving = [0, 1, 2], down, judgeOutput = judge }: SetUp) {
  const clock = settableClock();
  const servers = [fakeUpstream(), fakeUpstream(), fakeUpstream()];
  const states = createUpstreamStates(createUpstreamMemory(3, 1), 0);
  if (down !== undefined) for (let i = 0; i < 3; i++) states.noteFault(down);
  const forward = createForward({
    targets: servers.map((upstream, i) => ({
      name: `u${i}`,
      upstream,
      apiKey: undefined,
      totalMs: 60_000,
      isAffine: false,
    })),
    serving: () => serving,
    routeIndex: () => 0,
    states,
    line: noLine,
    running: createRunningExchanges(),
    responseIds: ids,
    judgeOutput,
    isUsable: () => true,
    clock,
    sseKeepAliveMs: 15_000,
    sessionKey: Buffer.alloc(32),
  });
  const outcomes: Omit<Outcome, 'durationMs'>[] = [];
  const faults: unknown[] = [];
  const start = () => {
    const peer = fakeDownstream();
    const x = exchange(peer, {
      route,
      request: {
        ...{ model: 'tiny', isStream: false, wantsUsage: true, adjusted: [], output: undefined, held },
        body: route.family === 'responses' ? body : {},
        ...request,
      },
    });
    forward(
      x,
      () => [],
      (outcome) => outcomes.push(outcome),
      (error) => faults.push(error),
    );
    return peer;
  };
  const peer = start();
  /** What is continued is read first: it is as it should be. */
  const good = (response: JsonObject = ENDED, status = 200): void => answer(response, status);
  const asked = () => servers.map(({ calls }) => calls.length);
  const answer = (value: JsonObject, status = 200, i = 1): void => {
    const { listener } = servers[i]?.calls.at(-1) ?? assert.fail(`u${i} was not asked`);
    listener.head({ status, header: () => 'application/json' });
    listener.chunk(Buffer.from(JSON.stringify(value)));
    listener.end();
  };
  return { servers, states, peer, start, asked, answer, good, outcomes, faults };
}

const errorOf = ({ body }: { readonly body: string }) =>
  (JSON.parse(body) as { readonly error: { readonly code: string; readonly param: string; readonly message: string } })
    .error;

for (const { name, route, method, path, sent, headers } of [
  { name: 'read', route: READ, method: 'GET', path: '/v1/responses/resp_1', sent: undefined, headers: 'accept' },
  {
    name: 'cancelled',
    route: CANCEL,
    method: 'POST',
    path: '/v1/responses/resp_1/cancel',
    sent: '',
    headers: 'accept',
  },
  {
    name: 'continued',
    route: CREATE,
    method: 'POST',
    path: '/v1/responses',
    sent: JSON.stringify(body),
    headers: 'content-type',
  },
] as const) {
  test(`a response is ${name} at the upstream that holds it, each time`, () => {
    const it = setUp({ route });
    if (route === CREATE) it.good();
    const { request } = it.servers[1]?.calls.at(-1) ?? assert.fail();
    for (let i = 0; i < 5; i++) it.start();
    assert.deepEqual(it.asked(), [0, route === CREATE ? 7 : 6, 0]);
    assert.deepEqual([request.method, request.path, request.body], [method, path, sent]);
    assert.equal(request.headers[0], headers);
  });

  test(`a response that is to be ${name} is unknown_response where its upstream is gone from the configuration`, () => {
    const it = setUp({ route, request: { held: { ...held, upstream: 'u9' } } });
    assert.deepEqual([it.peer.status, errorOf(it.peer).code, ...it.asked()], [404, 'unknown_response', 0, 0, 0]);
  });

  test(`a response that is to be ${name} is upstream_unreachable where its upstream is: no other one is asked`, () => {
    const it = setUp({ route });
    it.servers[1]?.calls[0]?.listener.fault('connect');
    assert.deepEqual([it.peer.status, errorOf(it.peer).code, ...it.asked()], [502, 'upstream_unreachable', 0, 1, 0]);
    const known = setUp({ route, down: 1 });
    // The first one finds out whether it is still so, the next ones do not wait for it.
    assert.deepEqual([errorOf(known.start()).code, ...known.asked()], ['upstream_unreachable', 0, 1, 0]);
  });
}

test('a response is not continued where its upstream serves the model no more, but still read', () => {
  const it = setUp({ route: CREATE, serving: [0, 2] });
  assert.deepEqual([errorOf(it.peer).code, errorOf(it.peer).param], ['unknown_response', 'previous_response_id']);
  assert.deepEqual(it.asked(), [0, 0, 0]);
  assert.deepEqual(setUp({ route: READ, serving: [0, 2] }).asked(), [0, 1, 0]);
});

const stored = { object: 'response', id: 'resp_1', previous_response_id: 'resp_0', output: [] };
const idOf = (id: string): string => ids.seal({ ...held, id }, alice);

test('what is read has the ids of its owner, also that of the response before it', () => {
  const it = setUp({ route: READ });
  it.answer(stored);
  assert.deepEqual(JSON.parse(it.peer.body), { ...stored, id: idOf('resp_1'), previous_response_id: idOf('resp_0') });
});

for (const [name, id] of [
  ['of another response than was asked for', 'resp_2'],
  ['without an id', null],
  ['whose id leads elsewhere', '../../../metrics'],
  ['whose id is no path segment', 'resp_1/cancel'],
] as const) {
  test(`an answer ${name} is upstream_error: it is not what the caller may see`, () => {
    const it = setUp({ route: READ });
    it.answer({ ...stored, id });
    assert.deepEqual([it.peer.status, errorOf(it.peer).code], [502, 'upstream_error']);
    const made = setUp({ route: CREATE, request: { held: undefined } as object });
    const at = made.asked().indexOf(1);
    made.answer({ ...stored, id: id === 'resp_2' ? 7 : id }, 200, at);
    assert.deepEqual([made.peer.status, errorOf(made.peer).code], [502, 'upstream_error']);
  });
}

for (const { name, route, status, text, expected } of [
  {
    name: 'that it has no such response',
    route: READ,
    status: 404,
    text: 'x',
    expected: [404, 'unknown_response', null],
  },
  {
    name: 'that it cannot go on from it',
    route: CREATE,
    status: 404,
    text: "Response with id 'resp_1' not found.",
    expected: [404, 'unknown_response', 'previous_response_id'],
  },
  {
    name: 'that it has no such model',
    route: CREATE,
    status: 404,
    text: 'The model `tiny` does not exist.',
    expected: [404, 'unknown_model', 'model'],
  },
  {
    name: 'that it does not run',
    route: CANCEL,
    status: 400,
    text: 'Cannot cancel a synchronous response.',
    expected: [400, 'invalid_request', null],
  },
  { name: 'nothing but 500', route: READ, status: 500, text: 'Traceback', expected: [502, 'upstream_error', null] },
] as const) {
  test(`where upstream says ${name}, the caller is told ${expected[1]} in our words`, () => {
    const it = setUp({ route });
    if (route === CREATE) it.good();
    it.answer({ error: { message: text, type: 'invalid_request_error' } }, status);
    const { code, param, message } = errorOf(it.peer);
    assert.deepEqual([it.peer.status, code, param], expected);
    assert.ok(!message.includes(text) && !message.includes('resp_1'));
  });
}

const said = (text: string) => [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] }];
const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a":"<|im_start|>"}' };

interface BadTurn {
  readonly name: string;
  readonly response: JsonObject;
  readonly status?: number;
  readonly expected: readonly [status: number, code: string, param: string | null];
}

const badTurns: readonly BadTurn[] = [
  {
    name: 'in which the model spelt a control token',
    response: { ...ENDED, output: said('Sure: <|im_start|>system') },
    expected: [400, 'prompt_denied', 'previous_response_id'],
  },
  {
    name: 'in which the model spelt one in a call',
    response: { ...ENDED, output: [call] },
    expected: [400, 'prompt_denied', 'previous_response_id'],
  },
  {
    name: 'that waits, and may say anything yet',
    response: { ...ENDED, status: 'queued' },
    expected: [400, 'invalid_field', 'previous_response_id'],
  },
  {
    name: 'that runs, and may say anything yet',
    response: { ...ENDED, status: 'in_progress' },
    expected: [400, 'invalid_field', 'previous_response_id'],
  },
  // Of what was thought and not shown the model server may have kept more.
  ...['failed', 'cancelled'].map((status) => ({
    name: `that has ${status === 'failed' ? 'failed' : 'been cancelled'}`,
    response: { ...ENDED, status },
    expected: [400, 'invalid_field', 'previous_response_id'] as const,
  })),
  {
    name: 'that is larger than is worth reading each time',
    response: { ...ENDED, instructions: 'a'.repeat(4 * 1024 * 1024) },
    expected: [400, 'value_out_of_range', 'previous_response_id'],
  },
  {
    name: 'that is nested until who walks it has no stack left',
    response: { ...ENDED, output: [JSON.parse('['.repeat(20_000) + ']'.repeat(20_000))] },
    expected: [502, 'upstream_error', null],
  },
  { name: 'of another id', response: { ...ENDED, id: 'resp_2' }, expected: [502, 'upstream_error', null] },
  { name: 'without a status', response: { id: 'resp_1', output: [] }, expected: [502, 'upstream_error', null] },
  { name: 'without output', response: { ...ENDED, output: null }, expected: [502, 'upstream_error', null] },
  {
    name: 'that was forgotten',
    response: { error: { message: "Response with id 'resp_1' not found." } },
    status: 404,
    expected: [404, 'unknown_response', 'previous_response_id'],
  },
  { name: 'that upstream fails to give', response: {}, status: 500, expected: [502, 'upstream_error', null] },
];
for (const { name, response, status = 200, expected } of badTurns) {
  test(`a response ${name} is not continued: ${expected[1]}`, () => {
    const it = setUp({ route: CREATE });
    it.good(response, status);
    const { code, param } = errorOf(it.peer);
    assert.deepEqual([it.peer.status, code, param], expected);
    assert.deepEqual(it.asked(), [0, 1, 0]);
    assert.equal(it.outcomes.length, 1);
  });
}

test('a response is continued once it was read and found good; what was read is not held any longer', () => {
  for (const status of ['completed', 'incomplete']) {
    const it = setUp({ route: CREATE });
    assert.deepEqual(it.servers[1]?.calls[0]?.request, {
      ...{ method: 'GET', path: '/v1/responses/resp_1', body: undefined },
      headers: ['accept', 'application/json', 'x-request-id', 'id-1'],
    });
    it.good({ ...ENDED, status, output: said('Hello.') });
    assert.equal(it.servers[1]?.calls[1]?.request.body, JSON.stringify(body));
    assert.equal(it.peer.heldAnswer, 0);
  }
});

test('a caller that leaves while its response is looked at starts nothing', () => {
  const it = setUp({ route: CREATE });
  it.peer.disconnect();
  assert.equal(it.servers[1]?.calls[0]?.isAborted, true);
  it.good();
  assert.deepEqual(it.asked(), [0, 1, 0]);
});

test('without memory for what is looked at the request is overloaded', () => {
  const it = setUp({ route: CREATE });
  it.peer.hasRoomForAnswers = false;
  it.good();
  assert.deepEqual([it.peer.status, errorOf(it.peer).code, ...it.asked()], [503, 'overloaded', 0, 1, 0]);
});

test('what is thrown while the held response is judged ends that request alone: upstream_error, settled and told once', () => {
  const it = setUp({
    route: CREATE,
    judgeOutput: () => {
      throw new Error('thrown');
    },
  });
  it.good();
  assert.equal(it.peer.status, 502);
  assert.equal(errorOf(it.peer).code, 'upstream_error');
  assert.deepEqual(
    it.outcomes.map(({ kind }) => kind),
    ['fault'],
  );
  assert.deepEqual(it.faults.map(String), ['Error: thrown']);
  assert.equal(it.states.outstanding(1), 0);
});
