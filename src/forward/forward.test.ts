import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContentTap } from '../kernel/content.ts';
import type { InferenceRequest, Upload } from '../kernel/exchange.ts';
import { deny } from '../kernel/reasons.ts';
import type { Inspector, Outcome } from '../kernel/stage.ts';
import { createUpstreamMemory } from '../adapters/memory/upstream-memory.ts';
import { createUpstreamStates } from '../adapters/memory/upstream-states.ts';
import { settableClock } from '../../test/support/clock.ts';
import { exchange, fakeDownstream, fakeUpstream, type FakeCall, noLine } from '../../test/support/exchange.ts';
import { createResponseIds } from '../wire/response-id.ts';
import { createForward } from './forward.ts';
import { createRunningExchanges } from './running.ts';

const STREAM = {
  model: 'tiny',
  body: { model: 'tiny', stream: true },
  isStream: true,
  wantsUsage: false,
  adjusted: [],
  output: undefined,
};
const SSE = () => 'text/event-stream; charset=utf-8';
const JSON_TYPE = () => 'application/json';

/** What a test wants other than one upstream, a stream and nothing to look at it. */
interface SetUp {
  readonly isStream?: boolean;
  readonly upstreams?: number;
  readonly inspectors?: readonly Inspector[];
  readonly adjusted?: readonly string[];
  readonly revokedKeys?: readonly string[];
  readonly isGone?: boolean;
  readonly content?: ContentTap;
  readonly request?: Partial<InferenceRequest>;
}

function thrown(): never {
  throw new Error('thrown');
}

function setUp({
  isStream = true,
  upstreams = 1,
  inspectors = [],
  adjusted = [],
  revokedKeys = [],
  isGone = false,
  content,
  request = {},
}: SetUp = {}) {
  const clock = settableClock();
  const servers = Array.from({ length: upstreams }, () => fakeUpstream());
  const states = createUpstreamStates(createUpstreamMemory(upstreams, 1), 0);
  const running = createRunningExchanges();
  const revoked = new Set<string>(revokedKeys);
  const forward = createForward({
    targets: servers.map((upstream, i) => ({
      name: `u${i}`,
      upstream,
      apiKey: 'upstream-key',
      totalMs: 60_000,
      isAffine: false,
    })),
    serving: () => servers.map((_, i) => i),
    routeIndex: () => 0,
    states,
    line: noLine,
    running,
    responseIds: createResponseIds(Buffer.alloc(32, 1)),
    judgeOutput: () => undefined,
    isUsable: ({ keyId }) => !revoked.has(keyId ?? ''),
    clock,
    sseKeepAliveMs: 15_000,
    sessionKey: Buffer.alloc(32),
  });
  const peer = fakeDownstream();
  peer.isGone = isGone;
  const outcomes: Omit<Outcome, 'durationMs'>[] = [];
  const faults: unknown[] = [];
  const x = exchange(peer, {
    request: { ...STREAM, ...(isStream ? {} : { body: { model: 'tiny' }, isStream }), adjusted, ...request },
  });
  x.content = content;
  const start = () =>
    forward(
      x,
      () => inspectors,
      (outcome) => outcomes.push(outcome),
      (error) => faults.push(error),
    );
  start();
  const call = (i = 0): FakeCall => servers[i]?.calls.at(-1) ?? assert.fail(`upstream ${i} was not asked`);
  const event = (data: string, i = 0) => call(i).listener.chunk(Buffer.from(`data: ${data}\n\n`));
  return { clock, servers, states, running, peer, x, outcomes, faults, call, event, start };
}

/** Makes the upstream refuse the running call for its length. */
function refuseLength({ listener }: FakeCall, message: string): void {
  listener.head({ status: 400, header: JSON_TYPE });
  listener.chunk(Buffer.from(JSON.stringify({ error: { message, type: 'BadRequestError', param: 'x', code: 400 } })));
  listener.end();
}
const sentTokens = ({ request }: FakeCall): unknown =>
  (JSON.parse(String(request.body)) as { max_tokens?: unknown }).max_tokens;
const OURS = { body: { model: 'tiny', max_tokens: 2000 }, output: { name: 'max_tokens', isOurs: true } };

for (const { words, room } of [
  {
    words:
      "This model's maximum context length is 2048 tokens. However, you requested 2000 output tokens and your prompt " +
      'contains 100 input tokens, for a total of 2100 tokens. Please reduce',
    room: 1948,
  },
  {
    words:
      "'max_tokens' or 'max_completion_tokens' is too large: 2000. This model's maximum context length is 2048 tokens " +
      'and your request has 100 input tokens (2000 > 2048 - 100).',
    room: 1948,
  },
  {
    words:
      "This model's maximum context length is 2048 tokens. However, you requested 2100 tokens (100 in the messages, " +
      '2000 in the completion). Please reduce',
    room: 1948,
  },
]) {
  test(`asks once more with what "${words.slice(0, 60)}…" leaves, where the length was the gateway's own`, () => {
    const it = setUp({ isStream: false, request: { ...OURS, adjusted: ['max_tokens=2000'] } });
    refuseLength(it.call(), words);
    assert.equal(it.servers[0]?.calls.length, 2);
    assert.equal(sentTokens(it.call()), room);
    it.call().listener.head({ status: 200, header: JSON_TYPE });
    it.call().listener.chunk(Buffer.from('{"id":"a"}'));
    it.call().listener.end();
    assert.equal(it.peer.status, 200);
    assert.equal(it.peer.headers.get('x-sallyport-adjusted'), `max_tokens=${room}`);
  });
}

/** As 0.16 and its neighbours say it: their tokenizers stop one token behind what the wanted output leaves. */
for (const { name, words } of [
  {
    name: 'at least',
    words: (prompt: number, output: number) =>
      `This model's maximum context length is 2048 tokens. However, you requested ${output} output tokens and your ` +
      `prompt contains at least ${prompt} input tokens, for a total of at least 2049 tokens. Please reduce`,
  },
  {
    name: 'as too many characters',
    words: (prompt: number, output: number) =>
      `This model's maximum context length is 2048 tokens. However, you requested ${output} output tokens and your ` +
      `prompt contains 9000 characters (more than 8000 characters, which is the upper bound for ${prompt - 1} input tokens).`,
  },
  {
    name: 'by what it may be',
    words: (prompt: number, output: number) =>
      `You passed ${prompt} input tokens and requested ${output} output tokens. However, the model's context length is ` +
      `only 2048 tokens, resulting in a maximum input length of ${prompt - 1} tokens. Please reduce the length`,
  },
]) {
  test(`a prompt whose length is only named ${name} is tried with what such texts have, then with what dense ones have`, () => {
    const messages = [{ role: 'user', content: 'x'.repeat(2000 - 4 - 256) }];
    const output = { name: 'max_tokens', isOurs: true };
    const request = { body: { model: 'tiny', messages, max_tokens: 1798 }, output };
    const it = setUp({ isStream: false, request });
    refuseLength(it.call(), words(251, 1798));
    assert.equal(sentTokens(it.call()), 2048 - 500);
    refuseLength(it.call(), words(501, 1548));
    assert.equal(sentTokens(it.call()), 2048 - 1000);
    refuseLength(it.call(), words(1001, 1048));
    assert.equal(it.servers[0]?.calls.length, 3);
    assert.equal(it.outcomes[0]?.code, 'context_length_exceeded');
  });
}

for (const words of [
  'max_tokens=2000 cannot be greater than max_model_len=512. Please request fewer output tokens.',
  'max_tokens=2000cannot be greater than max_model_len=max_total_tokens=512. Please request fewer output tokens.',
]) {
  test(`asks once more with what the prompt's text leaves of the context that "${words.slice(0, 40)}…" names`, () => {
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(100_000)}` } };
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'x'.repeat(400 - 4 - 4 - 9 - 256) }, image] }];
    const it = setUp({ isStream: false, request: { ...OURS, body: { ...OURS.body, messages } } });
    refuseLength(it.call(), words);
    assert.equal(sentTokens(it.call()), 512 - 100);
  });
}

test('a length that the caller has named within its bounds is refused, not changed', () => {
  const it = setUp({ isStream: false, request: { ...OURS, output: { name: 'max_tokens', isOurs: false } } });
  refuseLength(it.call(), 'maximum context length is 2048 tokens and your request has 100 input tokens (2000 > 1948).');
  assert.equal(it.servers[0]?.calls.length, 1);
  assert.equal(it.outcomes[0]?.code, 'context_length_exceeded');
});

test('a prompt that is too long by itself is refused at once, and nothing is tried for ever', () => {
  const whole = setUp({ isStream: false, request: OURS });
  refuseLength(
    whole.call(),
    'maximum context length is 2048 tokens. However, your prompt contains at least 2049 input tokens, which exceeds',
  );
  assert.equal(whole.servers[0]?.calls.length, 1);
  const stubborn = setUp({ isStream: false, request: OURS });
  for (const prompt of [100, 200, 300, 400]) {
    if (stubborn.outcomes.length > 0) break;
    const message = `maximum context length is 2048 tokens and your request has ${prompt} input tokens (1 > 2)`;
    refuseLength(stubborn.call(), message);
  }
  assert.equal(stubborn.servers[0]?.calls.length, 3);
  assert.equal(stubborn.outcomes[0]?.code, 'context_length_exceeded');
});

test('an answer for which no memory is left is overloaded, and upstream is aborted', () => {
  const { peer, call, outcomes } = setUp({ isStream: false });
  peer.hasRoomForAnswers = false;
  call().listener.head({ status: 200, header: JSON_TYPE });
  call().listener.chunk(Buffer.from('{"id":"a"}'));
  assert.equal(call().isAborted, true);
  assert.deepEqual([peer.status, peer.headers.get('retry-after')], [503, '1']);
  assert.deepEqual(outcomes[0]?.code, 'overloaded');
});

test('what upstream refuses for a mistake of the caller is a denial, what fails in upstream a fault', () => {
  for (const [status, kind] of [
    [400, 'denial'],
    [404, 'denial'],
    [500, 'fault'],
    [418, 'fault'],
  ] as const) {
    const { call, outcomes } = setUp({ isStream: false });
    call().listener.head({ status, header: JSON_TYPE });
    call().listener.end();
    assert.equal(outcomes[0]?.kind, kind, String(status));
  }
});

test('what upstream refuses at once it has not worked for, what it refuses after three seconds it has; its faults nobody pays', () => {
  for (const [status, afterMs, mayHaveWorked] of [
    [400, 2_999, false],
    [400, 3_000, true],
    [500, 59_000, false],
  ] as const) {
    const { call, outcomes, clock } = setUp({ isStream: false });
    clock.advance(afterMs);
    call().listener.head({ status, header: JSON_TYPE });
    call().listener.end();
    assert.equal(outcomes[0]?.mayHaveWorked, mayHaveWorked, `${status} after ${afterMs}`);
  }
});

test('an answer above 64 MiB is cut by us: upstream has worked for it, and that is told', () => {
  const { call, outcomes } = setUp({ isStream: false });
  call().listener.head({ status: 200, header: JSON_TYPE });
  const piece = Buffer.alloc(16 * 1024 * 1024, ' ');
  for (let i = 0; i < 5 && outcomes.length === 0; i++) call().listener.chunk(piece);
  assert.deepEqual([outcomes[0]?.kind, outcomes[0]?.code, outcomes[0]?.mayHaveWorked], ['cut', 'upstream_error', true]);
});

test('an event above 1 MiB is no answer', () => {
  const { peer, call, event } = setUp();
  call().listener.head({ status: 200, header: SSE });
  event(JSON.stringify({ a: 'x'.repeat(1024 * 1024) }));
  assert.equal(call().isAborted, true);
  assert.match(peer.body, /upstream_error/);
});

test('passes a stream on event by event and ends it with [DONE]', () => {
  const { call, event, peer, outcomes, states } = setUp();
  call().listener.head({ status: 200, header: SSE });
  assert.equal(peer.status, 200);
  event('{"a":1}');
  assert.equal(peer.body, 'data: {"a":1}\n\n');
  event('[DONE]');
  assert.equal(peer.body, 'data: {"a":1}\n\ndata: [DONE]\n\n');
  assert.equal(peer.isEnded, true);
  call().listener.end();
  assert.equal(outcomes.length, 1);
  assert.equal(outcomes[0]?.kind, 'answer');
  assert.equal(states.outstanding(0), 0);
});

test('sends upstream the checked body with its own key and id', () => {
  const { call } = setUp({ isStream: false });
  const { request } = call();
  assert.equal(request.body?.toString(), '{"model":"tiny"}');
  assert.deepEqual(
    [...request.headers],
    [
      'content-type',
      'application/json',
      'accept',
      'application/json',
      'x-request-id',
      'id-1',
      'authorization',
      'Bearer upstream-key',
    ],
  );
});

test('sends a keep-alive while upstream is silent, also before the first byte, and then a refusal as an event', () => {
  const { call, clock, peer, outcomes } = setUp();
  clock.advance(14_999);
  assert.equal(peer.status, undefined);
  clock.advance(1);
  assert.equal(peer.status, 200);
  assert.equal(peer.body, ': keep-alive\n\n');
  clock.advance(15_000);
  assert.equal(peer.body, ': keep-alive\n\n'.repeat(2));
  call().listener.head({ status: 500, header: JSON_TYPE });
  call().listener.end();
  assert.match(peer.body, /data: \{"error":.*"code":"upstream_error"/);
  assert.deepEqual([outcomes[0]?.kind, outcomes[0]?.status], ['fault', 200]);
});

test('an event puts the next keep-alive off', () => {
  const { call, clock, event, peer } = setUp();
  call().listener.head({ status: 200, header: SSE });
  clock.advance(14_000);
  event('{"a":1}');
  clock.advance(14_000);
  assert.doesNotMatch(peer.body, /keep-alive/);
  clock.advance(1_000);
  assert.match(peer.body, /keep-alive/);
});

test('a large event counts in the memory for answers until its peer has taken it, and ends the stream where none is left', () => {
  const { call, event, peer, outcomes } = setUp();
  call().listener.head({ status: 200, header: SSE });
  const large = JSON.stringify({ text: 'a'.repeat(100_000) });
  peer.isFull = true;
  event('{"a":1}');
  assert.equal(peer.heldAnswer, 0);
  event(large);
  assert.equal(peer.heldAnswer, `data: ${large}\n\n`.length);
  peer.drain();
  assert.equal(peer.heldAnswer, 0);
  peer.hasRoomForAnswers = false;
  event(large);
  assert.equal(call().isAborted, true);
  assert.match(peer.body, /"code":"overloaded"[^\n]*\n\n$/);
  assert.deepEqual(
    outcomes.map(({ kind, code }) => [kind, code]),
    [['cut', 'overloaded']],
  );
});

test('the parsed body is forgotten once upstream answers, for it could not be counted for as long as that takes', () => {
  const { call, x } = setUp({ request: { ...OURS, isStream: true } });
  refuseLength(call(), "This model's maximum context length is 2048 tokens and your request has 100 input tokens (");
  assert.equal(sentTokens(call()), 1948);
  assert.deepEqual([x.sentBody, x.request.body], [OURS.body, OURS.body]);
  call().listener.head({ status: 200, header: SSE });
  assert.deepEqual([x.sentBody, x.request.body], [{}, {}]);
});

test('a peer that reads slowly pauses upstream for as long as its connection bears it, and then goes on', () => {
  const { call, clock, event, peer, outcomes } = setUp();
  call().listener.head({ status: 200, header: SSE });
  peer.isFull = true;
  assert.equal(event('{"a":1}'), false);
  clock.advance(59_000);
  assert.deepEqual([call().isAborted, outcomes.length], [false, 0]);
  peer.isFull = false;
  peer.drain();
  assert.equal(call().resumes, 1);
  assert.equal(event('{"a":2}'), true);
});

test('a peer that was cut for what it left unread aborts upstream with request_timeout', () => {
  const { call, event, peer, outcomes } = setUp();
  call().listener.head({ status: 200, header: SSE });
  peer.isFull = true;
  event('{"a":1}');
  peer.disconnect(true);
  assert.equal(call().isAborted, true);
  assert.deepEqual(
    outcomes.map(({ kind, status, code }) => [kind, status, code]),
    [['abort', 200, 'request_timeout']],
  );
});

test('aborts upstream at once when the peer goes away', () => {
  const { call, peer, outcomes, states } = setUp();
  peer.disconnect();
  assert.equal(call().isAborted, true);
  assert.deepEqual(
    outcomes.map(({ kind, status }) => [kind, status]),
    [['abort', 499]],
  );
  assert.equal(states.outstanding(0), 0);
});

test('asks another upstream where the first cannot be connected, and no third time where none is left', () => {
  const { servers, call, peer, outcomes, states } = setUp({ upstreams: 2, isStream: false });
  const first = servers.findIndex(({ calls }) => calls.length === 1);
  call(first).listener.fault('connect');
  const second = 1 - first;
  assert.equal(servers[second]?.calls.length, 1);
  call(second).listener.fault('connect');
  assert.equal(peer.status, 502);
  assert.equal(outcomes[0]?.code, 'upstream_unreachable');
  assert.equal(outcomes.length, 1);
  assert.deepEqual([states.outstanding(0), states.outstanding(1)], [0, 0]);
});

test('never asks twice once anything of the request may have arrived', () => {
  for (const fault of ['reset', 'timeout', 'malformed'] as const) {
    const { servers, peer } = setUp({ upstreams: 2, isStream: false });
    const asked = servers.find(({ calls }) => calls.length === 1);
    asked?.calls[0]?.listener.fault(fault);
    assert.equal(servers.flatMap(({ calls }) => calls).length, 1, fault);
    assert.equal(peer.status, fault === 'timeout' ? 504 : 502);
  }
});

test('the whole time of a call is bounded', () => {
  const { call, clock, event, peer } = setUp();
  call().listener.head({ status: 200, header: SSE });
  for (let i = 0; i < 11; i++) {
    clock.advance(5_000);
    event('{"a":1}');
  }
  assert.equal(call().isAborted, false);
  clock.advance(5_000);
  assert.equal(call().isAborted, true);
  assert.match(peer.body, /upstream_timeout/);
});

test('ends a running stream with the denial of whoever cuts its key', () => {
  const { call, event, peer, running, outcomes } = setUp();
  call().listener.head({ status: 200, header: SSE });
  event('{"a":1}');
  running.cutAll('key:Other0', deny('revoked_credential'));
  assert.equal(outcomes.length, 0);
  running.cutAll('key:Alice0', deny('revoked_credential'));
  assert.equal(call().isAborted, true);
  assert.match(peer.body.split('\n\n').at(-2) ?? '', /revoked_credential/);
  assert.deepEqual([outcomes[0]?.kind, outcomes[0]?.code], ['cut', 'revoked_credential']);
  assert.equal(running.count(), 0);
});

test('an inspector may drop, replace and end; what it dropped nobody sees', () => {
  const inspector: Inspector = {
    event(shown) {
      const value = shown.json();
      if (value?.['a'] === 1) return 'drop';
      if (value?.['a'] === 3) return deny('internal_error');
      shown.replace({ b: 2 });
      return 'pass';
    },
  };
  const { call, event, peer, outcomes } = setUp({ inspectors: [inspector] });
  call().listener.head({ status: 200, header: SSE });
  event('{"a":1}');
  assert.equal(peer.body, '');
  event('{"a":2}');
  assert.equal(peer.body, 'data: {"b":2}\n\n');
  event('{"a":3}');
  assert.match(peer.body, /internal_error/);
  assert.equal(outcomes[0]?.kind, 'cut');
});

test('says in a header what was changed of the wishes', () => {
  const { call, peer } = setUp({ adjusted: ['max_tokens=8'] });
  call().listener.head({ status: 200, header: SSE });
  assert.equal(peer.headers.get('x-sallyport-adjusted'), 'max_tokens=8');
});

test('three faults in a row mark an upstream down; then one request a second may try it', () => {
  const { call, start, states, servers, clock, peer } = setUp({ isStream: false });
  call().listener.fault('reset');
  for (let i = 0; i < 2; i++) {
    assert.equal(states.isUp(0), true);
    peer.status = undefined;
    peer.isEnded = false;
    start();
    call().listener.fault('reset');
  }
  assert.equal(states.isUp(0), false);
  const before = servers[0]?.calls.length ?? 0;
  for (let i = 0; i < 3; i++) {
    peer.status = undefined;
    peer.isEnded = false;
    start();
  }
  assert.equal(servers[0]?.calls.length, before + 1);
  clock.advance(1_000);
  peer.status = undefined;
  peer.isEnded = false;
  start();
  assert.equal(servers[0]?.calls.length, before + 2);
  call().listener.head({ status: 200, header: JSON_TYPE });
  assert.equal(states.isUp(0), true);
});

test('slow requests of one key leave an upstream up that answers others meanwhile, and take down one that does not', () => {
  const { call, start, states, peer } = setUp({ isStream: false });
  const timeOut = () => {
    call().listener.fault('timeout');
    assert.equal(peer.status, 504);
    peer.status = undefined;
    peer.isEnded = false;
    start();
  };
  for (let i = 0; i < 6; i++) {
    states.noteSuccess(0, 1, 'key:another');
    timeOut();
  }
  timeOut();
  timeOut();
  assert.equal(states.isUp(0), true);
  timeOut();
  assert.equal(states.isUp(0), false);
});

for (const { name, when, inspector, isStream } of [
  { name: 'of the head', when: 'head', inspector: undefined, isStream: false },
  { name: 'of a whole answer', when: 'end', inspector: { body: thrown }, isStream: false },
  { name: 'of an event', when: 'chunk', inspector: { event: thrown }, isStream: true },
] as const) {
  test(`what is thrown at the sight ${name} ends that answer alone: upstream_error, settled and told once`, () => {
    const inspectors = inspector === undefined ? undefined : [inspector];
    const it = setUp({ isStream, ...(inspectors === undefined ? {} : { inspectors }) });
    const { listener } = it.call();
    listener.head({ status: 200, header: inspectors === undefined ? thrown : isStream ? SSE : JSON_TYPE });
    if (when !== 'head') listener.chunk(Buffer.from(isStream ? 'data: {"a":1}\n\n' : '{"a":1}'));
    if (when === 'end') listener.end();
    assert.equal(it.call().isAborted, true);
    assert.match(it.peer.body, /"code":"upstream_error"/);
    assert.equal(it.peer.isEnded, true);
    assert.deepEqual(
      it.outcomes.map(({ kind, code }) => [kind, code]),
      [['fault', 'upstream_error']],
    );
    assert.deepEqual(it.faults.map(String), ['Error: thrown']);
    assert.deepEqual([it.states.outstanding(0), it.running.count()], [0, 0]);
  });
}

test('where the answer itself cannot be written any more, the connection is cut and the exchange settled', () => {
  const it = setUp({ isStream: false });
  it.peer.answer = thrown;
  it.call().listener.head({ status: 200, header: JSON_TYPE });
  it.call().listener.chunk(Buffer.from('{"a":1}'));
  it.call().listener.end();
  assert.equal(it.peer.isDestroyed, true);
  assert.deepEqual(
    it.outcomes.map(({ kind, status }) => [kind, status]),
    [['fault', 502]],
  );
  assert.deepEqual(it.faults.map(String), ['Error: thrown']);
  assert.equal(it.states.outstanding(0), 0);
});

test('an answer or event that is nested without end is upstream_error', () => {
  const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
  const whole = setUp({ isStream: false });
  whole.call().listener.head({ status: 200, header: JSON_TYPE });
  whole.call().listener.chunk(Buffer.from(deep));
  whole.call().listener.end();
  assert.equal(whole.peer.status, 502);
  const stream = setUp();
  stream.call().listener.head({ status: 200, header: SSE });
  stream.event(deep);
  assert.match(stream.peer.body, /"code":"upstream_error"/);
  // Nothing was thrown: it was seen for what it is.
  assert.deepEqual([...whole.faults, ...stream.faults], []);
});

test('a key that was revoked while its body arrived starts nothing', () => {
  const { servers, peer, outcomes } = setUp({ revokedKeys: ['Alice0'] });
  assert.equal(servers[0]?.calls.length, 0);
  assert.equal(peer.status, 401);
  assert.equal(outcomes[0]?.code, 'revoked_credential');
});

test('an answer counts as running until it has left, and what comes meanwhile changes nothing of it', () => {
  const { call, peer, outcomes, running, clock } = setUp({ isStream: false });
  peer.isSlow = true;
  call().listener.head({ status: 200, header: JSON_TYPE });
  call().listener.chunk(Buffer.from('{"a":1}'));
  call().listener.end();
  assert.equal(peer.body, '{"a":1}');
  assert.equal(outcomes.length, 0);
  running.cutAll('key:Alice0', deny('revoked_credential'));
  clock.advance(120_000);
  assert.equal(outcomes.length, 0);
  peer.flush();
  assert.deepEqual(
    outcomes.map(({ kind, status }) => [kind, status]),
    [['answer', 200]],
  );
});

test('an answer whose peer goes away before it has left is an abort', () => {
  const { call, peer, outcomes } = setUp({ isStream: false });
  peer.isSlow = true;
  call().listener.head({ status: 200, header: JSON_TYPE });
  call().listener.chunk(Buffer.from('{"a":1}'));
  call().listener.end();
  peer.disconnect();
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['abort'],
  );
});

test('keeps of the body what is sent, until upstream has it', () => {
  const { call, peer } = setUp({ isStream: false });
  assert.equal(peer.kept, '{"model":"tiny"}'.length);
  call().listener.head({ status: 200, header: JSON_TYPE });
  assert.equal(peer.kept, 0);
});

/** A request whose body is no JSON. */
function uploading(): Partial<InferenceRequest> & { readonly upload: Upload } {
  return { upload: { contentType: 'multipart/form-data; boundary=b', bytes: Buffer.from([0, 0xff, 1]) } };
}

test('an upload is sent as its bytes under its own type, and its memory goes with the sending', () => {
  const request = uploading();
  const { call, peer } = setUp({ isStream: false, request });
  const { headers, body } = call().request;
  assert.deepEqual(body, Buffer.from([0, 0xff, 1]));
  assert.deepEqual(headers.slice(0, 2), ['content-type', 'multipart/form-data; boundary=b']);
  assert.equal(peer.kept, 3);
  assert.equal(request.upload.bytes, undefined);
  call().listener.head({ status: 200, header: JSON_TYPE });
  assert.equal(peer.kept, 0);
});

test('an upload that found no connection goes to another upstream as it is', () => {
  const { servers } = setUp({ isStream: false, upstreams: 2, request: uploading() });
  servers.find(({ calls }) => calls.length === 1)?.calls[0]?.listener.fault('connect');
  const bodies = servers.map(({ calls }) => calls[0]?.request.body);
  assert.deepEqual(bodies, [Buffer.from([0, 0xff, 1]), Buffer.from([0, 0xff, 1])]);
});

test('an upload that is refused for its length is not sent again: its form holds what was refused', () => {
  const output = { name: 'max_completion_tokens', isOurs: true };
  const body = { model: 'tiny', max_completion_tokens: 2000 };
  const { call, servers, peer } = setUp({ isStream: false, request: { ...uploading(), body, output } });
  refuseLength(
    call(),
    "This model's maximum context length is 448 tokens. However, you requested 2000 output tokens and your prompt " +
      'contains 4 input tokens, for a total of 2004 tokens.',
  );
  assert.equal(servers[0]?.calls.length, 1);
  assert.equal(peer.status, 400);
});

test('a peer that went away while its body was judged costs upstream nothing and holds nothing', () => {
  for (const isStream of [true, false]) {
    const { servers, outcomes, states, running } = setUp({ isStream, isGone: true });
    assert.equal(servers[0]?.calls.length, 0);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['abort'],
    );
    assert.equal(states.outstanding(0), 0);
    assert.equal(running.count(), 0);
  }
});

function listening() {
  const [sent, answered]: [string[], string[]] = [[], []];
  const content: ContentTap = {
    sent: (body) => void sent.push(body.toString()),
    answered: (text) => void answered.push(text),
    take: () => undefined,
  };
  return { content, sent, answered };
}

test('who listens to a stream hears the events that the caller gets, and neither keep-alives nor our own end of it', () => {
  const { content, sent, answered } = listening();
  const inspectors: Inspector[] = [{ event: ({ data }) => (data.includes('secret') ? 'drop' : 'pass') }];
  const { clock, call, event, peer } = setUp({ content, inspectors });
  call().listener.head({ status: 200, header: SSE });
  event('{"id":"a"}');
  event('{"id":"secret"}');
  clock.advance(15_000);
  event('{"id":"b"}');
  call().listener.end();
  assert.match(peer.body, /keep-alive[^]*upstream_error/);
  assert.deepEqual(sent, ['{"model":"tiny","stream":true}']);
  assert.equal(answered.join(''), 'data: {"id":"a"}\n\ndata: {"id":"b"}\n\n');
});

test('who listens to a whole answer hears what the caller gets, and of a request that is sent anew each body', () => {
  const { content, sent, answered } = listening();
  const inspectors: Inspector[] = [{ body: () => ({ id: 'changed' }) }];
  const { call, peer } = setUp({ isStream: false, content, inspectors, request: OURS });
  refuseLength(
    call(),
    "This model's maximum context length is 2048 tokens. However, you requested 2000 output tokens and your prompt " +
      'contains 100 input tokens, for a total of 2100 tokens. Please reduce',
  );
  call().listener.head({ status: 200, header: JSON_TYPE });
  call().listener.chunk(Buffer.from('{"id":"secret"}'));
  call().listener.end();
  assert.deepEqual(sent, ['{"model":"tiny","max_tokens":2000}', '{"model":"tiny","max_tokens":1948}']);
  assert.deepEqual(answered, [peer.body]);
  assert.equal(peer.body, '{"id":"changed"}');
});

test('who listens hears no refusal', () => {
  const { content, answered } = listening();
  const { call, peer } = setUp({ isStream: false, content });
  call().listener.fault('reset');
  assert.equal(peer.status, 502);
  assert.deepEqual(answered, []);
});
