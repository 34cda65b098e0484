import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { settableClock } from '../../test/support/clock.ts';
import { testKey } from '../../test/support/issuer.ts';
import { JsonSourceError, type JsonAsk } from '../adapters/http-client/json-source.ts';
import type { JsonObject } from '../kernel/json.ts';
import { allowedUrl, STALE_MS, watchIssuers, type IssuerState, type WatchedIssuer } from './issuer-watch.ts';
import { createIssuerBook } from './threads/issuer-book.ts';

const ISSUER = 'https://idp.example.org/realms/a';
const METADATA = `${ISSUER}/.well-known/openid-configuration`;
const OAUTH_METADATA = 'https://idp.example.org/.well-known/oauth-authorization-server/realms/a';
const KEYS = `${ISSUER}/keys`;
const NOW = 1_790_000_000_000;
const jwk = testKey('ES256', 'first').jwk as JsonObject;
const next = testKey('ES256', 'second').jwk as JsonObject;

/** A watch before documents that are changed by assigning; what is not there cannot be asked. */
function setUp(change: Partial<WatchedIssuer> = {}, known: readonly IssuerState[] = []) {
  const clock = settableClock(NOW);
  const it = {
    documents: new Map<string, JsonObject | Error>([
      [METADATA, { issuer: ISSUER, jwks_uri: KEYS, introspection_endpoint: `${ISSUER}/introspect` }],
      [KEYS, { keys: [jwk] }],
    ]),
    asks: [] as JsonAsk[],
    problems: [] as string[],
    recovered: 0,
    told: [] as (readonly IssuerState[])[],
    hold: undefined as Promise<void> | undefined,
  };
  const watch = watchIssuers(
    [{ issuer: ISSUER, jwksUri: undefined, caPem: undefined, maxAgeMs: 600_000, introspection: undefined, ...change }],
    known,
    {
      clock,
      async get(ask) {
        it.asks.push(ask);
        await it.hold;
        const found = it.documents.get(ask.url.href);
        if (found === undefined) throw new JsonSourceError(`${ask.url.href} answered 404`);
        if (found instanceof Error) throw found;
        return found;
      },
      onNews: (states) => it.told.push(states),
      onProblem: (_, why) => it.problems.push(why),
      onRecovered: () => void it.recovered++,
    },
  );
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 4; i++) await turn();
  };
  const state = (): IssuerState => {
    const [one] = watch.states();
    assert.ok(one);
    return one;
  };
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };
  return { ...it, it, watch, clock, settle, state, pass, kids: () => state().jwks?.map(({ kid }) => kid) };
}

test('keys are found by discovery, and fetched anew whenever they have grown old', async () => {
  const { settle, kids, it, pass, state } = setUp();
  await settle();
  assert.deepEqual(kids(), ['first']);
  assert.deepEqual(
    it.asks.map(({ url }) => url.href),
    [METADATA, KEYS],
  );
  it.documents.set(KEYS, { keys: [next] });
  await pass(599_999);
  assert.deepEqual(kids(), ['first']);
  await pass(1);
  assert.deepEqual(kids(), ['second']);
  assert.equal(state().goodUntilMs, NOW + 600_000 + 600_000 + STALE_MS);
});

test('with a jwksUri of the configuration no metadata is asked for', async () => {
  const { settle, kids, it } = setUp({ jwksUri: KEYS });
  await settle();
  assert.deepEqual([kids(), it.asks.map(({ url }) => url.href)], [['first'], [KEYS]]);
});

test('where there is no OpenID metadata that of RFC 8414 counts', async () => {
  const { settle, kids, it } = setUp();
  const metadata = it.documents.get(METADATA) as JsonObject;
  it.documents.delete(METADATA);
  it.documents.set(OAUTH_METADATA, metadata);
  await settle();
  assert.deepEqual(kids(), ['first']);
});

for (const [name, issuer] of [
  ['another issuer', 'https://attacker.example'],
  ['its own with a slash more', `${ISSUER}/`],
  ['its own in other letters', ISSUER.replace('realms', 'Realms')],
  ['its own by plain http', ISSUER.replace('https', 'http')],
  ['another realm of it', ISSUER.replace(/a$/, 'b')],
  ['no issuer', undefined],
  ['a list with its own', [ISSUER]],
] as const) {
  test(`MD-03 metadata that names ${name} is discarded, and its keys with it`, async () => {
    const { settle, state, it } = setUp({ introspection: {} });
    const changed = { ...(it.documents.get(METADATA) as JsonObject), issuer: issuer as never };
    it.documents.set(METADATA, JSON.parse(JSON.stringify(changed)) as JsonObject);
    await settle();
    assert.deepEqual([state().jwks, state().introspectionEndpoint], [undefined, undefined]);
    assert.deepEqual(it.problems, ['its metadata names another issuer than the configuration']);
    assert.ok(!it.asks.some(({ url }) => url.href === KEYS));
  });
}

for (const [name, uri, why] of [
  ['by plain http', 'http://idp.example.org/keys', 'its metadata names a URL that is not https'],
  ['by plain http on loopback', 'http://127.0.0.1/keys', 'its metadata names a URL that is not https'],
  ['in a file', 'file:///etc/passwd', 'its metadata names a URL that is not https'],
  ['in itself', 'data:application/json,{}', 'its metadata names a URL that is not https'],
  ['nowhere', undefined, 'its metadata names no jwks_uri'],
  ['in no text', 5, 'its metadata names no jwks_uri'],
  ['in no URL', '/keys', 'its metadata names no jwks_uri'],
] as const) {
  test(`MD-09 JW-16 a jwks_uri ${name} is not asked`, async () => {
    const { settle, state, it } = setUp();
    it.documents.set(METADATA, { issuer: ISSUER, ...(uri === undefined ? {} : { jwks_uri: uri }) });
    await settle();
    assert.deepEqual([state().jwks, it.problems], [undefined, [why]]);
    assert.equal(it.asks.length, 1);
  });
}

test('JW-16 plain http counts for an issuer of this machine alone, and for its own loopback alone', () => {
  const local = new URL('http://127.0.0.1:8080');
  assert.equal(allowedUrl(new URL('http://localhost:9/keys'), local).port, '9');
  assert.throws(() => allowedUrl(new URL('http://192.0.2.1/keys'), local), JsonSourceError);
  assert.throws(() => allowedUrl(new URL('http://127.0.0.1/keys'), new URL(ISSUER)), JsonSourceError);
});

test('CA-06 only the issuer itself may be in the inner network, not where its metadata points to', async () => {
  for (const [uri, mustBePublic] of [
    [KEYS, false],
    ['https://idp.example.org/elsewhere/keys', false],
    ['https://keys.example.org/a', true],
    ['https://idp.example.org:8443/keys', true],
    ['https://169.254.169.254/latest', true],
  ] as const) {
    const { settle, it } = setUp();
    it.documents.set(METADATA, { issuer: ISSUER, jwks_uri: uri });
    await settle();
    assert.deepEqual(
      it.asks.map((ask) => ask.mustBePublic),
      [false, mustBePublic],
      uri,
    );
  }
  const written = setUp({ jwksUri: 'https://10.0.0.1/keys' });
  await written.settle();
  assert.deepEqual(
    written.it.asks.map((ask) => ask.mustBePublic),
    [false],
  );
});

test('JW-16 everybody who asks at the same time asks one question', async () => {
  const { settle, watch, it, pass } = setUp();
  await settle();
  await pass(1_000);
  let go: () => void = () => undefined;
  it.hold = new Promise((resolve) => (go = resolve));
  it.asks.length = 0;
  const all = Promise.all(Array.from({ length: 50 }, () => watch.refresh(ISSUER)));
  await settle();
  go();
  await all;
  assert.equal(it.asks.length, 2);
});

test('who asks too soon is told what is known, for it has missed that', async () => {
  const { settle, watch, it } = setUp();
  await settle();
  it.told.length = 0;
  await watch.refresh(ISSUER);
  assert.deepEqual([it.told.length, it.told[0]?.[0]?.jwks?.length, it.asks.length], [1, 1, 2]);
});

test('JW-16 unknown keys lead to one question per cool-down, which doubles to a minute while they bring nothing new', async () => {
  const { settle, watch, it, pass } = setUp({ jwksUri: KEYS });
  await settle();
  it.asks.length = 0;
  const times: number[] = [];
  for (let ms = 0; ms < 300_000; ms += 500) {
    const before = it.asks.length;
    await watch.refresh(ISSUER);
    if (it.asks.length > before) times.push(ms);
    await pass(500);
  }
  assert.deepEqual(times, [1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000, 183_000, 243_000]);
  it.documents.set(KEYS, { keys: [jwk, next] });
  await pass(60_000);
  await watch.refresh(ISSUER);
  it.asks.length = 0;
  await pass(1_000);
  await watch.refresh(ISSUER);
  assert.equal(it.asks.length, 1);
});

test('JW-16 an issuer that fails is asked again later and later, is told of once, and comes back by itself', async () => {
  const { settle, kids, state, it, pass } = setUp();
  await settle();
  it.documents.set(KEYS, new JsonSourceError('answered 500'));
  it.asks.length = 0;
  await pass(600_000);
  assert.deepEqual([it.problems, kids(), state().why], [['answered 500'], ['first'], 'answered 500']);
  const asked: number[] = [];
  for (let s = 0; s < 120; s++) {
    const before = it.asks.length;
    await pass(1_000);
    if (it.asks.length > before) asked.push(s + 1);
  }
  assert.deepEqual(asked, [1, 3, 7, 15, 31, 61, 91]);
  assert.deepEqual(it.problems, ['answered 500']);
  it.documents.set(KEYS, new TypeError('something of ours'));
  await pass(30_000);
  assert.deepEqual(it.problems, ['answered 500', 'its answer could not be read']);
  it.documents.set(KEYS, { keys: [next] });
  await pass(30_000);
  assert.deepEqual([it.recovered, kids(), state().why], [1, ['second'], undefined]);
});

test('JW-16 stale keys count for an hour beyond their age, for every thread, and not a millisecond longer', async () => {
  const { settle, it, pass, clock, watch } = setUp();
  await settle();
  const book = createIssuerBook(watch.states(), async () => undefined, clock);
  it.documents.set(KEYS, new JsonSourceError('answered 500'));
  await pass(600_000);
  book.apply(watch.states());
  const keys = book.keysOf(ISSUER);
  assert.deepEqual([keys.keys?.length, keys.isFailing()], [1, true]);
  clock.advance(STALE_MS - 1);
  book.apply(watch.states());
  assert.equal(keys.keys?.length, 1);
  clock.advance(1);
  book.apply(watch.states());
  assert.equal(keys.keys, undefined);
});

for (const [name, set] of [
  ['is empty', { keys: [] }],
  ['shows only private keys', { keys: [{ ...jwk, d: 'AAAA' }] }],
  ['holds only keys for encryption', { keys: [{ ...jwk, use: 'enc' }] }],
] as const) {
  test(`JW-17 a set that ${name} takes the keys before it back, and is a problem`, async () => {
    const { settle, kids, it, pass, state } = setUp();
    await settle();
    it.documents.set(KEYS, set as unknown as JsonObject);
    await pass(600_000);
    assert.deepEqual([kids(), it.problems], [[], ['its key set holds no usable public key']]);
    assert.deepEqual(it.told.at(-1)?.[0]?.jwks, []);
    it.documents.set(KEYS, { keys: [next] });
    await pass(1_000);
    assert.deepEqual([kids(), state().why], [['second'], undefined]);
  });
}

test('what is no key set takes nothing back: another page may stand there for an hour', async () => {
  for (const set of [{}, { keys: 'x' }, { error: 'maintenance' }]) {
    const { settle, kids, it, pass } = setUp();
    await settle();
    it.documents.set(KEYS, set);
    await pass(600_000);
    assert.deepEqual([kids(), it.problems], [['first'], ['its key set holds no usable public key']]);
  }
});

test('MD-09 an issuer that begins to show a private key loses it, and keeps the others', async () => {
  const { settle, kids, it, pass } = setUp();
  await settle();
  it.documents.set(KEYS, { keys: [{ ...jwk, d: 'AAAA' }, next] });
  await pass(600_000);
  assert.deepEqual(kids(), ['second']);
});

test('a new configuration starts with what was known before, and its bound', async () => {
  const first = setUp();
  await first.settle();
  const second = setUp({ maxAgeMs: 60_000 }, first.watch.states());
  assert.equal(second.state().goodUntilMs, first.state().goodUntilMs);
  assert.deepEqual(second.kids(), ['first']);
});

test('a watch that was stopped asks nobody, and says nothing any more', async () => {
  const { settle, watch, clock, it, pass } = setUp();
  await settle();
  watch.stop();
  assert.equal(clock.waiting(), 0);
  await pass(10_000_000);
  assert.equal(it.asks.length, 2);
});

test('where to ask about opaque tokens is found by discovery unless it is configured', async () => {
  for (const [introspection, expected] of [
    [undefined, undefined],
    [{}, `${ISSUER}/introspect`],
    [{ endpoint: 'https://idp.example.org/other' }, 'https://idp.example.org/other'],
  ] as const) {
    const { settle, state } = setUp({ introspection });
    await settle();
    assert.equal(state().introspectionEndpoint, expected);
  }
  const odd = setUp({ introspection: {} });
  odd.it.documents.set(METADATA, { issuer: ISSUER, jwks_uri: KEYS, introspection_endpoint: 'http://10.0.0.1/' });
  await odd.settle();
  assert.deepEqual(odd.it.problems, ['its metadata names a URL that is not https']);
});
