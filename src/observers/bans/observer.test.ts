import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { alice } from '../../../test/support/exchange.ts';
import type { ParsedHead } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { addressMatcher } from '../../wire/address.ts';
import { createBansObserver, type SeenExchange } from './observer.ts';

const ended = (change: Partial<Outcome>): Outcome => ({
  kind: 'denial',
  status: 401,
  code: 'missing_credential',
  durationMs: 0,
  firstByteMs: undefined,
  upstream: undefined,
  ...change,
});
const headOf = (method: string, path: string): ParsedHead => ({
  method,
  path,
  headers: new Map(),
  hasBody: false,
  isUpgrade: false,
});

/** What is noted of an exchange: `trust NETWORK`, `OFFENCE NETWORK`, or nothing. */
function noted(x: Partial<SeenExchange>, outcome: Partial<Outcome>): string[] {
  const lines: string[] = [];
  const observe = createBansObserver({
    bans: {
      find: () => undefined,
      offend: (network, offence) => void lines.push(`${offence} ${network}`),
      trust: (network) => void lines.push(`trust ${network}`),
    },
    isNeverBanned: addressMatcher(['127.0.0.1', '198.51.100.0/24']),
    clock: settableClock(),
  });
  const peer = { address: '192.0.2.7', network: '192.0.2.7' };
  observe(
    { head: undefined, peer, principal: undefined, downstream: { peerAddress: '203.0.113.1' }, ...x },
    ended(outcome),
  );
  return lines;
}

for (const [method, path, isScan] of [
  ['GET', '/wp-login.php', true],
  ['GET', '/', true],
  ['POST', '/pause', true],
  ['GET', '/metrics', true],
  ['HEAD', '/admin', true],
  ['HEAD', '/', false],
  ['GET', '/api/hello', false],
  ['GET', '/favicon.ico', false],
  ['OPTIONS', '/wp-login.php', false],
  ['GET', '/v1/models', false],
  ['POST', '/v1/chat/completions', false],
  ['PUT', '/v1/chat/completions', false],
  ['POST', '/v2/rerank', false],
  ['GET', '/.well-known/openid-configuration', false],
  ['POST', '/oauth/token', false],
  ['GET', '/device', false],
  ['GET', '/devices', true],
  ['GET', '/.well-knowns', true],
] as const)
  test(`${method} ${path} without a credential is ${isScan ? 'a step of a scan' : 'no offence'}`, () => {
    assert.deepEqual(noted({ head: headOf(method, path) }, {}), isScan ? ['scan 192.0.2.7'] : []);
  });

test('a wrong credential is no offence until it was told to wait', () => {
  const head = headOf('POST', '/v1/chat/completions');
  assert.deepEqual(noted({ head }, { code: 'invalid_credential' }), []);
  assert.deepEqual(noted({ head }, { status: 429, code: 'too_many_failures' }), ['failures 192.0.2.7']);
});

test('the authorization server tells by its status of who was told to wait there', () => {
  const head = headOf('POST', '/oauth/token');
  assert.deepEqual(noted({ head }, { kind: 'answer', status: 429, code: undefined }), ['failures 192.0.2.7']);
  assert.deepEqual(noted({ head }, { kind: 'answer', status: 400, code: undefined }), []);
  const page = headOf('GET', '/oauth/authorize');
  for (const head of [page, headOf('POST', '/oauth/token')]) {
    assert.deepEqual(noted({ head }, { kind: 'answer', status: 200, code: undefined }), []);
  }
});

test('too many requests or none that fits are no offence', () => {
  const head = headOf('POST', '/v1/chat/completions');
  for (const code of ['rate_limited', 'ip_denied', 'draining', 'invalid_request'] as const) {
    assert.deepEqual(noted({ head }, { status: 400, code }), [], code);
  }
});

test('doubtful framing is an offence of the peer itself, whatever it forwards', () => {
  const outcome = { status: 400, code: 'invalid_request', why: 'framing' } as const;
  assert.deepEqual(noted({ peer: undefined }, outcome), ['smuggling 203.0.113.1']);
  assert.deepEqual(noted({ peer: undefined, downstream: { peerAddress: '2001:db8::7' } }, outcome), [
    'smuggling 2001:db8:0:0::/64',
  ]);
  assert.deepEqual(noted({ peer: undefined }, { status: 400, code: 'invalid_request' }), []);
});

test('a good credential speaks for its address, whatever was refused after it', () => {
  const head = headOf('GET', '/wp-login.php');
  assert.deepEqual(noted({ head, principal: alice }, { status: 404, code: 'unknown_route' }), ['trust 192.0.2.7']);
});

test('nothing is counted for addresses that are never banned', () => {
  const head = headOf('GET', '/wp-login.php');
  for (const address of ['127.0.0.1', '198.51.100.9']) {
    assert.deepEqual(noted({ head, peer: { address, network: address } }, {}), []);
  }
  assert.deepEqual(noted({ peer: undefined, downstream: { peerAddress: '127.0.0.1' } }, { why: 'framing' }), []);
});
