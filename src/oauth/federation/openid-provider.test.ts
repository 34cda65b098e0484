import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { createOpenidProvider, whyOf } from './openid-provider.ts';

const ISSUER = 'https://login.example.org';
const METADATA = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize`,
  token_endpoint: `${ISSUER}/token`,
  jwks_uri: `${ISSUER}/keys`,
};

/** A provider whose metadata is what `it.metadata` is; undefined: it is down. */
function providerOf(metadata: Record<string, unknown> | undefined) {
  const it = { metadata, asked: 0 };
  const clock = settableClock();
  const options = { issuer: ISSUER, clientId: 'gateway', clientSecret: 's', groups: {} };
  const provider = createOpenidProvider(
    options,
    'https://llm.example.org/account/federated',
    () => {
      it.asked += 1;
      return it.metadata === undefined
        ? Promise.reject(new Error('down'))
        : Promise.resolve(Response.json(it.metadata));
    },
    clock,
  );
  return { it, clock, begin: () => provider.begin(28_800) };
}

for (const [what, metadata] of [
  ['that is another issuer’s', { ...METADATA, issuer: 'https://evil.example' }],
  ['with a script for an endpoint', { ...METADATA, authorization_endpoint: 'javascript:alert(1)' }],
  ['with an endpoint in the clear', { ...METADATA, authorization_endpoint: 'http://login.example.org/authorize' }],
  ['without an endpoint', { ...METADATA, authorization_endpoint: undefined }],
] as const) {
  test(`nobody is sent anywhere by metadata ${what}`, async () => {
    await assert.rejects(providerOf(metadata).begin());
  });
}

test('metadata is asked for once for all who come, and anew after an hour', async () => {
  const { it, clock, begin } = providerOf(METADATA);
  await Promise.all([begin(), begin(), begin()]);
  clock.advance(3_600_000 - 1);
  await begin();
  assert.equal(it.asked, 1);
  clock.advance(1);
  await begin();
  assert.equal(it.asked, 2);
});

test('a provider that is down is asked again after two seconds, not by each who comes', async () => {
  const { it, clock, begin } = providerOf(undefined);
  await assert.rejects(begin());
  it.metadata = METADATA;
  clock.advance(1_999);
  await assert.rejects(begin());
  assert.equal(it.asked, 1);
  clock.advance(1);
  assert.equal((await begin()).url.origin, ISSUER);
});

test('each sign-in has a state, nonce and verifier of its own', async () => {
  const { begin } = providerOf(METADATA);
  const [one, two] = [await begin(), await begin()];
  const secrets = [one, two].flatMap(({ begun: { state, nonce, verifier } }) => [state, nonce, verifier]);
  assert.equal(new Set(secrets).size, 6);
  assert.ok(secrets.every((secret) => secret.length >= 43));
  assert.ok(!one.url.href.includes(one.begun.verifier));
});

test('what the log is told of a failure is a code, never a text', () => {
  assert.equal(
    whyOf(Object.assign(new Error('<b>x</b>'), { code: 'OAUTH_INVALID_RESPONSE' })),
    'OAUTH_INVALID_RESPONSE',
  );
  assert.equal(whyOf(Object.assign(new Error('x'), { code: 'a b\nc' })), 'Error');
  assert.equal(whyOf('a text'), 'unknown');
});
