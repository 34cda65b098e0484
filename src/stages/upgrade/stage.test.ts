import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, fakeDownstream, alice } from '../../../test/support/exchange.ts';
import { settableClock } from '../../../test/support/clock.ts';
import { createCounterMemory, createSharedCounters } from '../../adapters/memory/counters.ts';
import type { Principal } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { createUpgrade } from './stage.ts';

const HEADERS = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
};
const ORIGIN = 'https://app.example';
const OVER: Outcome = {
  kind: 'answer',
  status: 101,
  code: undefined,
  durationMs: 0,
  firstByteMs: undefined,
  upstream: undefined,
};

function opened() {
  const counters = createSharedCounters(createCounterMemory(64, 1, 'seed'), 0);
  const stage = createUpgrade({ origins: new Set([ORIGIN]), sockets: 1 }, { counters, clock: settableClock() });
  const ask = async (headers: Readonly<Record<string, string>> = {}, principal: Principal = alice) => {
    const head = {
      method: 'GET',
      path: '/v1/realtime',
      headers: new Map(Object.entries({ ...HEADERS, ...headers })),
      hasBody: false,
      isUpgrade: true,
    };
    const x = exchange(fakeDownstream(), { head, principal });
    const denial = await stage.decide?.(x);
    return { denial, settle: () => stage.settle?.(x, OVER) };
  };
  return { counters, ask };
}

test('a right handshake passes and holds a socket until it settles', async () => {
  const { counters, ask } = opened();
  const { denial, settle } = await ask();
  assert.equal(denial, undefined);
  assert.equal(counters.held(), 1);
  settle();
  assert.equal(counters.held(), 0);
});

test('an API key has as many sockets as its cap says, one by default, and each is given back', async () => {
  const { ask } = opened();
  const first = await ask();
  const second = await ask();
  assert.equal(second.denial?.code, 'concurrency_limited');
  assert.equal((await ask({}, { ...alice, id: 'key:Bob000' })).denial, undefined);
  first.settle();
  assert.equal((await ask()).denial, undefined);
  const rich = { ...alice, id: 'key:Rich00', caps: { sockets: 2 } };
  assert.equal((await ask({}, rich)).denial, undefined);
  assert.equal((await ask({}, rich)).denial, undefined);
  assert.equal((await ask({}, rich)).denial?.code, 'concurrency_limited');
});

for (const origin of ['https://evil.example', 'null', `${ORIGIN}:443`, `${ORIGIN}.evil.example`, '']) {
  test(`a handshake of the page ${JSON.stringify(origin)}, which is not listed, is invalid_request and holds nothing`, async () => {
    const { counters, ask } = opened();
    assert.equal((await ask({ origin })).denial?.code, 'invalid_request');
    assert.equal(counters.held(), 0);
  });
}

test('a handshake of a listed origin passes', async () => {
  assert.equal((await opened().ask({ origin: ORIGIN })).denial, undefined);
});

test('a wrong handshake holds nothing', async () => {
  const { counters, ask } = opened();
  assert.equal((await ask({ 'sec-websocket-version': '12' })).denial?.code, 'upgrade_required');
  assert.equal(counters.held(), 0);
});
