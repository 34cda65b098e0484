import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { settableClock } from '../../test/support/clock.ts';
import { fakeDownstream } from '../../test/support/exchange.ts';
import type { RequestHead } from '../kernel/transport.ts';
import { CountersUnavailable } from '../limits/counters.ts';
import { createFront } from './front.ts';

interface Setting {
  /** What the first stage does. */
  readonly decide?: () => Promise<undefined> | undefined;
  readonly isDraining?: boolean;
  readonly isWell?: boolean;
  readonly isUnrecorded?: boolean;
  /** Resolves once records are on disk; left out, nobody waits for that. */
  readonly kept?: Promise<boolean>;
}

/** Sends one head through a front whose pipelines answer nothing; what the peer got, and whether a pipeline was reached. */
function send(
  change: Partial<RequestHead>,
  { isDraining = false, isUnrecorded = false, isWell = true, kept, decide = () => undefined }: Setting = {},
) {
  const reached: string[] = [];
  const outcomes: string[] = [];
  const pipeline = (name: string) => ({
    stages: [{ name: 'limits', adds: [], decide }],
    forward: () => void reached.push(name),
  });
  const front = createFront({
    clock: settableClock(),
    rules: { maxHeaders: 64, hosts: new Set() },
    pipelines: {
      inference: pipeline('inference'),
      models: pipeline('models'),
      usage: pipeline('usage'),
      realtime: pipeline('realtime'),
      wellKnown: pipeline('wellKnown'),
      oauth: pipeline('oauth'),
      preflight: pipeline('preflight'),
    },
    origins: new Set(['https://app.example']),
    offer: () => undefined,
    isOAuthOn: () => false,
    health: (path) => ({ isWell, body: `{"path":"${path}"}` }),
    isDraining: () => isDraining,
    isUnrecorded: () => isUnrecorded,
    recording: {
      isStrict: () => kept !== undefined,
      begin: () => void outcomes.push('begin'),
      kept: () => kept ?? Promise.resolve(true),
    },
    observe: (_, outcome) => void outcomes.push(`${outcome.status} ${outcome.code}`),
    onFault: (_, error) => assert.fail(String(error)),
  });
  const head: RequestHead = {
    method: 'POST',
    target: '/v1/x',
    httpVersion: '1.1',
    rawHeaders: ['Host', 'h'],
    ...change,
  };
  const peer = Object.assign(fakeDownstream(), { head });
  front(peer);
  const code = /"code":"([a-z_]+)"/.exec(peer.body)?.[1];
  return { peer, reached, outcomes, code };
}

test('a request takes the pipeline of its path', () => {
  assert.deepEqual(send({ target: '/v1/chat/completions' }).reached, ['inference']);
  assert.deepEqual(send({ target: '/v1/models', method: 'GET' }).reached, ['models']);
  assert.deepEqual(send({ target: '/anything' }).reached, ['inference']);
});

test('health answers GET and HEAD without any pipeline, also while draining', () => {
  const well = send({ target: '/readyz?x', method: 'GET' }, { isDraining: true });
  assert.deepEqual([well.peer.status, well.peer.body, well.reached.length], [200, '{"path":"/readyz"}', 0]);
  assert.equal(send({ target: '/readyz', method: 'GET' }, { isWell: false }).peer.status, 503);
  assert.equal(send({ target: '/healthz', method: 'HEAD' }).peer.body, '');
  const posted = send({ target: '/healthz' });
  assert.equal(posted.code, 'method_not_allowed');
  assert.equal(posted.peer.headers.get('allow'), 'GET, HEAD');
});

test('while draining every other request is told so, and asked to come again', () => {
  const { code, peer, reached, outcomes } = send({}, { isDraining: true });
  assert.equal(code, 'draining');
  assert.equal(peer.status, 503);
  assert.deepEqual(reached, []);
  assert.deepEqual(outcomes, ['503 draining']);
});

test('a head that is refused has the form of the surface that it asked for', () => {
  assert.match(send({ target: '/v1/messages//x' }).peer.body, /^\{"type":"error"/);
  assert.match(send({ target: '/oauth//token' }).peer.body, /^\{"error":"invalid_request"/);
  assert.match(send({ target: '//x' }).peer.body, /^\{"error":\{/);
});

test('names under /.well-known/ take a way of their own, without a credential', () => {
  assert.deepEqual(send({ target: '/.well-known/openid-configuration', method: 'GET' }).reached, ['wellKnown']);
});

const ORIGIN = ['Host', 'h', 'Origin', 'https://app.example'];
const PREFLIGHT = ['Access-Control-Request-Method', 'POST'];

test('the preflight of a listed origin takes a way of its own, that of others the common one', () => {
  assert.deepEqual(send({ method: 'OPTIONS', rawHeaders: [...ORIGIN, ...PREFLIGHT] }).reached, ['preflight']);
  for (const origin of ['https://evil.example', 'https://app.example.evil', 'null']) {
    const other = send({ method: 'OPTIONS', rawHeaders: ['Host', 'h', 'Origin', origin, ...PREFLIGHT] });
    assert.deepEqual(other.reached, ['inference']);
  }
});

test('refusals carry the headers of a listed origin, and of no other', () => {
  const target = '/.well-known/x';
  assert.equal(
    send({ target, rawHeaders: ORIGIN }, { isDraining: true }).peer.headers.get('access-control-allow-origin'),
    'https://app.example',
  );
  const other = send({ target, rawHeaders: ['Host', 'h', 'Origin', 'https://evil.example'] }, { isDraining: true });
  assert.equal(other.peer.headers.has('access-control-allow-origin'), false);
});

test('counters that cannot be asked are 503 with a time to try again, and no fault of the gateway', async () => {
  const failing = [
    () => Promise.reject(new CountersUnavailable('down')),
    () => {
      throw new CountersUnavailable('down');
    },
  ];
  for (const decide of failing) {
    const { peer, reached, outcomes } = send({ target: '/v1/chat/completions' }, { decide });
    await Promise.resolve().then(() => undefined);
    assert.deepEqual([peer.status, reached, outcomes], [503, [], ['503 store_unavailable']]);
    assert.match(peer.body, /"code":"store_unavailable"/);
  }
});

test('while nothing can be recorded and that refuses everybody, all is refused but health', () => {
  const { peer, reached, code } = send({}, { isUnrecorded: true });
  assert.equal(peer.status, 503);
  assert.equal(code, 'store_unavailable');
  assert.deepEqual(reached, []);
  assert.equal(send({ method: 'GET', target: '/healthz' }, { isUnrecorded: true }).peer.status, 200);
});

test('where nothing may be done unrecorded, a request goes on only once its record is on disk', async () => {
  let keep: (isKept: boolean) => void = () => undefined;
  const { reached, outcomes } = send({}, { kept: new Promise((resolve) => (keep = resolve)) });
  await turn();
  assert.deepEqual([reached, outcomes], [[], ['begin']]);
  keep(true);
  await turn();
  assert.deepEqual(reached, ['inference']);
});

test('where its record could not be written, it is refused and goes nowhere', async () => {
  const { reached, peer } = send({}, { kept: Promise.resolve(false) });
  await turn();
  assert.deepEqual(reached, []);
  assert.equal(peer.status, 503);
});

test('a refusal is on disk before anybody hears of it', async () => {
  let keep: (isKept: boolean) => void = () => undefined;
  const { peer, outcomes } = send(
    { rawHeaders: ['Host', 'h', 'Host', 'h'] },
    { kept: new Promise((resolve) => (keep = resolve)) },
  );
  await turn();
  assert.equal(peer.status, undefined);
  assert.equal(outcomes.length, 1);
  keep(true);
  await turn();
  assert.equal(peer.status, 400);
});
