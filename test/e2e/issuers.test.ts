import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { proofFor, startTestIssuer, testKey, type TestIssuer } from '../support/issuer.ts';

const AUDIENCE = 'https://llm.example.org';

async function start(issuer: TestIssuer, options: Record<string, unknown> = {}, workers = 1): Promise<TestGateway> {
  return startTestGateway({
    workers,
    plain: true,
    config: {
      listen: { publicUrl: AUDIENCE },
      limits: { perIp: { failuresPerMinute: 'none', requestsPerMinute: 'none' } },
      authentication: { issuers: [{ issuer: issuer.url, ...options }] },
    },
  });
}

test('JW-18 JW-20 a token of a trusted issuer is answered; the log tells which, and never the token', async () => {
  await using issuer = await startTestIssuer(() => AUDIENCE);
  await using it = await start(issuer);
  const token = issuer.token({ jti: 'token-id-1' });
  for (const _ of [1, 2]) assert.equal((await ask(it, { key: token })).status, 200);
  const models = await ask(it, { method: 'GET', path: '/v1/models', key: token });
  assert.deepEqual(
    (models.json?.['data'] as { id: string }[] | undefined)?.map(({ id }) => id),
    ['tiny'],
  );
  assert.equal(
    (await ask(it, { path: '/v1/completions', key: token, body: { model: 'tiny', prompt: 'a' } })).code,
    'insufficient_scope',
  );
  await it.gateway.stop();
  const line = it.log.find((one) => one.includes('"route":"chat"') || one.includes('"status":200')) ?? '';
  assert.match(
    line,
    /"issuer":"http:.*"subject":"user-1".*"client":"client-1".*"token":"[\w-]{22}".*"tokenAgeS":\d+.*"binding":"none"/,
  );
  assert.ok(!it.log.join('\n').includes(token.slice(-40)));
  assert.ok(!it.log.join('\n').includes('token-id-1'));
});

test('MD-07 BR-03 DP-09 a caller without a token is led to the metadata of the resource', async () => {
  await using issuer = await startTestIssuer(() => AUDIENCE);
  await using it = await start(issuer);
  const refused = await ask(it, {});
  const challenges = refused.headers['www-authenticate'] ?? '';
  assert.match(
    challenges,
    /^Bearer realm="sallyport", resource_metadata="https:\/\/llm\.example\.org\/\.well-known\/oauth-protected-resource"/,
  );
  assert.match(challenges, /DPoP realm="sallyport", algs="ES256 /);
  assert.ok(!challenges.includes('error='));
  const metadata = await ask(it, { method: 'GET', path: '/.well-known/oauth-protected-resource' });
  assert.equal(metadata.status, 200);
  assert.equal(metadata.json?.['resource'], AUDIENCE);
  assert.deepEqual(metadata.json?.['authorization_servers'], [issuer.url]);
  assert.deepEqual(metadata.json?.['bearer_methods_supported'], ['header']);
  assert.equal((await ask(it, { method: 'GET', path: '/.well-known/openid-configuration' })).status, 404);
});

test('JW-16 JW-17 keys rotate without a restart, on every worker; what a key signed ends with the key', async () => {
  await using issuer = await startTestIssuer(() => AUDIENCE);
  await using it = await start(issuer, {}, 2);
  const [first] = issuer.keys;
  const old = issuer.token();
  assert.equal((await ask(it, { key: old })).status, 200);
  const second = testKey('RS256');
  issuer.keys = [second, ...(first === undefined ? [] : [first])];
  // The cool-down after the first fetch is over soon: until then an unknown key is refused.
  let answer = await ask(it, { key: issuer.token() });
  while (answer.status === 401) answer = await ask(it, { key: issuer.token() });
  assert.equal(answer.status, 200);
  assert.equal((await ask(it, { key: old })).status, 200);
  issuer.keys = [testKey('EdDSA')];
  answer = await ask(it, { key: issuer.token() });
  while (answer.status === 401) answer = await ask(it, { key: issuer.token() });
  assert.equal(answer.status, 200);
  for (let i = 0; i < 8; i++) assert.equal((await ask(it, { key: old })).code, 'invalid_credential');
});

test('an issuer that is gone: known tokens work on, tokens of unknown keys are 503, the log says why', async () => {
  await using issuer = await startTestIssuer(() => AUDIENCE);
  await using it = await start(issuer);
  const token = issuer.token();
  assert.equal((await ask(it, { key: token })).status, 200);
  issuer.isBroken = true;
  const stranger = testKey();
  let answer = await ask(it, { key: issuer.token({}, { key: stranger }) });
  while (answer.status === 401) answer = await ask(it, { key: issuer.token({}, { key: stranger }) });
  assert.deepEqual([answer.status, answer.code], [503, 'issuer_unreachable']);
  assert.ok(Number(answer.headers['retry-after']) >= 1);
  assert.equal((await ask(it, { key: token })).status, 200);
  assert.ok(it.log.some((line) => line.includes('"issuer_unreachable"') && line.includes('answered 500')));
});

test('an issuer that was never reached: 503, and it starts to work when it comes', async () => {
  await using issuer = await startTestIssuer(() => AUDIENCE);
  issuer.isBroken = true;
  await using it = await start(issuer);
  assert.equal((await ask(it, { key: issuer.token() })).code, 'issuer_unreachable');
  issuer.isBroken = false;
  let answer = await ask(it, { key: issuer.token() });
  while (answer.status === 503) answer = await ask(it, { key: issuer.token() });
  assert.equal(answer.status, 200);
});

test('JW-16 made-up key ids do not flood the issuer', async () => {
  await using issuer = await startTestIssuer(() => AUDIENCE);
  await using it = await start(issuer, {}, 2);
  assert.equal((await ask(it, { key: issuer.token() })).status, 200);
  issuer.asked.length = 0;
  for (let i = 0; i < 100; i++) {
    const answer = await ask(it, { key: issuer.token({}, { key: testKey() }) });
    assert.equal(answer.code, 'invalid_credential');
  }
  assert.ok(issuer.asked.filter((path) => path === '/keys').length <= 3, String(issuer.asked.length));
});

test('DP-05 DP-08 a bound token needs a fresh proof, which counts once over all workers', async () => {
  await using issuer = await startTestIssuer(() => AUDIENCE);
  await using it = await start(issuer, {}, 2);
  const key = testKey('ES256');
  const { thumbprintOf } = await import('../../src/jwt/thumbprint.ts');
  const token = issuer.token({ cnf: { jkt: thumbprintOf(key.jwk as never) } });
  const url = `${AUDIENCE}/v1/chat/completions`;
  const send = (proof: string) => ask(it, { headers: { authorization: `DPoP ${token}`, dpop: proof } });
  const proof = proofFor(key, { method: 'POST', url, token });
  assert.equal((await send(proof)).status, 200);
  const again = await Promise.all(Array.from({ length: 6 }, () => send(proof)));
  assert.deepEqual(new Set(again.map(({ code }) => code)), new Set(['invalid_credential']));
  assert.match(
    again[0]?.headers['www-authenticate'] ?? '',
    /DPoP realm="sallyport", algs="[^"]+", error="invalid_dpop_proof"/,
  );
  assert.equal((await ask(it, { key: token })).code, 'invalid_credential');
  assert.equal((await send(proofFor(key, { method: 'POST', url, token }))).status, 200);
  // A clock that is wrong: the answer brings a nonce, with which it works.
  const late = { method: 'POST', url, token, nowMs: Date.now() - 3_600_000 };
  const wanted = await send(proofFor(key, late));
  assert.match(wanted.headers['www-authenticate'] ?? '', /error="use_dpop_nonce"/);
  const nonce = String(wanted.headers['dpop-nonce']);
  assert.equal((await send(proofFor(key, late, { payload: { nonce } }))).status, 200);
});

test('IN-05 IN-06 an opaque token is asked about once for its time; the literal true alone lets it in', async () => {
  await using issuer = await startTestIssuer(() => AUDIENCE);
  await using it = await start(issuer, { introspection: { clientId: 'gateway', clientSecret: 'p:ss word' } });
  let count = 0;
  issuer.introspect = (token, { headers }) => {
    count++;
    assert.equal(headers.authorization, `Basic ${Buffer.from('gateway:p%3Ass+word').toString('base64')}`);
    const nowS = Math.floor(Date.now() / 1000);
    const active = {
      active: true,
      sub: 'user-2',
      aud: AUDIENCE,
      exp: nowS + 60,
      scope: 'inference:chat',
      models: ['tiny'],
    };
    return token === 'opaque-token-good'
      ? active
      : token === 'opaque-token-text'
        ? { ...active, active: 'true' }
        : { active: false };
  };
  for (const _ of [1, 2, 3]) assert.equal((await ask(it, { key: 'opaque-token-good' })).status, 200);
  assert.equal(count, 1);
  assert.equal((await ask(it, { key: 'opaque-token-text' })).code, 'invalid_credential');
  assert.equal((await ask(it, { key: 'opaque-token-none' })).code, 'invalid_credential');
  issuer.isBroken = true;
  assert.deepEqual((await ask(it, { key: 'opaque-token-new-1' })).code, 'issuer_unreachable');
});

test('CA-06 tokens and the secret of the gateway go to no server of the inner network that metadata names', async () => {
  await using issuer = await startTestIssuer(() => AUDIENCE);
  await using inner = await startTestIssuer(() => AUDIENCE);
  issuer.metadata = { introspection_endpoint: `${inner.url}/introspect` };
  await using it = await start(issuer, { introspection: { clientId: 'gateway', clientSecret: 'secret' } });
  assert.equal((await ask(it, { key: issuer.token() })).status, 200);
  assert.equal((await ask(it, { key: 'opaque-token-0123456789' })).code, 'issuer_unreachable');
  assert.deepEqual(inner.asked, []);
});

test('BR-01 BR-02 BR-04 BR-05 where a token may stand, and what the challenge of a refusal says', async () => {
  await using issuer = await startTestIssuer(() => AUDIENCE);
  await using it = await start(issuer);
  const token = issuer.token();
  for (const name of ['access_token', 'token', 'key', 'authorization']) {
    assert.equal((await ask(it, { path: `/v1/chat/completions?${name}=${token}` })).code, 'missing_credential', name);
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal((await ask(it, { headers: form, body: `access_token=${token}` })).code, 'missing_credential');
  assert.equal((await ask(it, { headers: { cookie: `access_token=${token}` } })).code, 'missing_credential');
  for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR']) {
    assert.equal((await ask(it, { headers: { authorization: `${scheme} ${token}` } })).status, 200, scheme);
  }
  const twice = await ask(it, { headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } });
  assert.deepEqual([twice.status, twice.code], [400, 'ambiguous_credential']);
  const other = await ask(it, { key: token, headers: { 'x-api-key': issuer.token({ jti: 'b' }) } });
  assert.deepEqual([other.status, other.code], [400, 'ambiguous_credential']);

  const challenges = ({ headers }: { headers: NodeJS.Dict<string | string[]> }) => String(headers['www-authenticate']);
  const bad = await ask(it, { key: issuer.token({ aud: 'x' }) });
  assert.equal(bad.status, 401);
  assert.match(challenges(bad), /^Bearer [^,]*(, [^,]*)*error="invalid_token"/);
  const little = await ask(it, { path: '/v1/completions', key: token, body: { model: 'tiny', prompt: 'a' } });
  assert.equal(little.status, 403);
  assert.match(challenges(little), /error="insufficient_scope".*scope="inference:completions"/);
});
