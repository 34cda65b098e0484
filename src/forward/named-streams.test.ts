import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createUpstreamMemory } from '../adapters/memory/upstream-memory.ts';
import { createUpstreamStates } from '../adapters/memory/upstream-states.ts';
import { settableClock } from '../../test/support/clock.ts';
import { exchange, fakeDownstream, fakeUpstream, noLine } from '../../test/support/exchange.ts';
import type { RouteFamily, Surface } from '../kernel/exchange.ts';
import type { JsonObject } from '../kernel/json.ts';
import { deny } from '../kernel/reasons.ts';
import type { Outcome } from '../kernel/stage.ts';
import { createResponseIds } from '../wire/response-id.ts';
import { formatSseEvent } from '../wire/sse.ts';
import { createForward } from './forward.ts';
import { createRunningExchanges } from './running.ts';

const FORMS = {
  messages: {
    surface: 'anthropic',
    keepAlive: 'event: ping\ndata: {"type":"ping"}\n\n',
    first: 'event: message_start\ndata: {"type":"message_start"}\n\n',
    last: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    error: /^event: error\ndata: \{"type":"error","error":\{"type":"api_error",.*"code":"upstream_error".*\n\n$/,
  },
  responses: {
    surface: 'responses',
    keepAlive: ': keep-alive\n\n',
    first: 'event: response.created\ndata: {"type":"response.created","response":{},"sequence_number":0}\n\n',
    last: 'event: response.completed\ndata: {"type":"response.completed","response":{},"sequence_number":1}\n\n',
    error:
      /^event: error\ndata: \{"type":"error","code":"upstream_error","message":".*","param":null,"sequence_number":\d\}\n\n$/,
  },
} as const satisfies {
  readonly [family in RouteFamily]?: { readonly surface: Surface; readonly [fact: string]: unknown };
};

function setUp(family: keyof typeof FORMS, body: JsonObject = {}) {
  const clock = settableClock();
  const upstream = fakeUpstream();
  const running = createRunningExchanges();
  const forward = createForward({
    targets: [{ name: 'u', upstream, apiKey: undefined, totalMs: 60_000, isAffine: false }],
    serving: () => [0],
    routeIndex: () => 0,
    states: createUpstreamStates(createUpstreamMemory(1, 1), 0),
    line: noLine,
    running,
    responseIds: createResponseIds(Buffer.alloc(32, 1)),
    judgeOutput: () => undefined,
    isUsable: () => true,
    clock,
    sseKeepAliveMs: 15_000,
    sessionKey: Buffer.alloc(32),
  });
  const peer = fakeDownstream();
  const outcomes: Omit<Outcome, 'durationMs'>[] = [];
  const output = { name: 'max_output_tokens', isOurs: false };
  const x = exchange(peer, {
    route: { id: family, family, method: 'POST', path: `/v1/${family}`, scope: `inference:${family}` },
    request: { model: 'tiny', body, isStream: true, wantsUsage: true, adjusted: [], output },
  });
  x.surface = FORMS[family].surface;
  forward(
    x,
    () => [],
    (outcome) => outcomes.push(outcome),
    (error) => assert.fail(String(error)),
  );
  const { listener } = upstream.calls[0] ?? assert.fail('upstream was not asked');
  const begin = () => listener.head({ status: 200, header: () => 'text/event-stream; charset=utf-8' });
  return { clock, running, peer, outcomes, listener, begin, send: (text: string) => listener.chunk(Buffer.from(text)) };
}

for (const family of ['messages', 'responses'] as const) {
  const { keepAlive, first, last, error } = FORMS[family];

  test(`a stream of ${family} passes with the names of its events and ends with its last one`, () => {
    for (const size of [1, 7, 1000]) {
      const { peer, outcomes, begin, send } = setUp(family);
      begin();
      const all = first + last;
      for (let at = 0; at < all.length; at += size) send(all.slice(at, at + size));
      assert.equal(peer.body, all);
      assert.equal(peer.isEnded, true);
      assert.deepEqual([outcomes[0]?.kind, outcomes[0]?.code], ['answer', undefined]);
    }
  });

  test(`what an old release sends behind the last event of ${family} is not passed on`, () => {
    const { peer, begin, send } = setUp(family);
    begin();
    send(`${first}${last}data: [DONE]\n\n`);
    assert.equal(peer.body, first + last);
  });

  test(`a silent stream of ${family} is kept open in its own way, and a refusal after that is its error event`, () => {
    const { clock, peer, listener } = setUp(family);
    clock.advance(15_000);
    assert.equal(peer.status, 200);
    assert.equal(peer.body, keepAlive);
    listener.head({ status: 500, header: () => 'application/json' });
    listener.end();
    assert.match(peer.body.slice(keepAlive.length), error);
    assert.equal(peer.isEnded, true);
  });

  test(`a refusal before the first byte of a stream of ${family} is a whole answer`, () => {
    const { peer, listener } = setUp(family);
    listener.head({ status: 500, header: () => 'application/json' });
    listener.end();
    assert.equal(peer.status, 502);
    assert.doesNotMatch(peer.body, /event:/);
    assert.equal(peer.headers.get('content-type'), 'application/json');
  });

  for (const [how, cut] of [
    ['ends early', (it: ReturnType<typeof setUp>) => it.listener.end()],
    ['is reset', (it: ReturnType<typeof setUp>) => it.listener.fault('reset')],
    ['sends what is no JSON', (it: ReturnType<typeof setUp>) => it.send('event: x\ndata: nonsense\n\n')],
    ['sends an error', (it: ReturnType<typeof setUp>) => it.send('data: {"error":{"message":"/srv/secret"}}\n\n')],
    ['ends as another API would', (it: ReturnType<typeof setUp>) => (it.send('data: [DONE]\n\n'), it.listener.end())],
  ] as const) {
    test(`a stream of ${family} that ${how} ends with its error event, once, and without upstream's text`, () => {
      const it = setUp(family);
      it.begin();
      it.send(first);
      cut(it);
      assert.ok(it.peer.body.startsWith(first));
      assert.match(it.peer.body.slice(first.length), error);
      assert.doesNotMatch(it.peer.body, /secret/);
      assert.equal(it.peer.isEnded, true);
      assert.deepEqual([it.outcomes[0]?.kind, it.outcomes[0]?.code], ['fault', 'upstream_error']);
    });
  }

  test(`a stream of ${family} whose key is cut ends with its error event`, () => {
    const it = setUp(family);
    it.begin();
    it.send(first);
    it.running.cutAll('key:Alice0', deny('revoked_credential'));
    assert.match(it.peer.body.slice(first.length), /^event: error\ndata: \{"type":"error",.*revoked_credential.*\n\n$/);
  });
}

test('the error event of a response is numbered after the events before it', () => {
  const it = setUp('responses');
  it.begin();
  it.send(FORMS.responses.first.repeat(3));
  it.listener.end();
  assert.match(it.peer.body, /"sequence_number":3\}\n\n$/);
});

test('an event that echoes a request of megabytes passes, one beyond what the request can make of it does not', () => {
  const body = { instructions: 'x'.repeat(3 * 1024 * 1024), max_output_tokens: 16 };
  const event = (instructions: string) =>
    formatSseEvent('response.created', JSON.stringify({ type: 'response.created', response: { instructions } }));
  const echo = event(body.instructions);
  for (const { sent, passes } of [
    { sent: echo, passes: true },
    { sent: event(body.instructions + 'y'.repeat(1024 * 1024 + 1024)), passes: false },
  ]) {
    const { peer, begin, send } = setUp('responses', body);
    begin();
    send(sent);
    assert.equal(peer.body === echo, passes);
    assert.equal(peer.body.includes('upstream_error'), !passes);
  }
});
