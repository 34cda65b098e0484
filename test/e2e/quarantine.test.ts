import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as oidc from 'openid-client';
import { holdChange, releaseChange } from '../../src/directory/quarantines.ts';
import { startTestGateway } from '../support/gateway.ts';
import { ask, CHAT } from '../support/http.ts';
import { sallyport } from '../support/command.ts';
import { startTestIssuer } from '../support/issuer.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { createStockClient } from '../support/people.ts';

test('a key that is held is refused from the next request on by all of 4 workers, and works again once it is released', async () => {
  await using it = await startTestGateway({
    plain: true,
    workers: 4,
    simulator: { chunkIntervalMs: 20, answerTokens: 10_000 },
  });
  const { admin } = it.gateway;
  const [one, other] = [await it.issue(), await it.issue()];
  const id = `key:${one.record.id}`;
  let begun = (): void => undefined;
  const isBegun = new Promise<void>((resolve) => (begun = resolve));
  const stream = ask(it, { key: one.key, body: { ...CHAT, max_tokens: 10_000, stream: true }, onData: () => begun() });
  await isBegun;
  await admin.commit([holdChange(admin.directory, { id, rule: 'operator', why: '', heldAtMs: 0 })]);
  assert.match((await stream).text, /"code":"quarantined"/);
  const refused = await Promise.all(Array.from({ length: 40 }, () => ask(it, { key: one.key })));
  for (const { status, code, headers } of refused) {
    assert.deepEqual([status, code, headers['x-should-retry']], [403, 'quarantined', 'false']);
  }
  // Nobody learns that it is held but who has the secret, and nobody else's key is.
  const wrong = `${one.key.slice(0, -7)}${one.key.at(-7) === 'a' ? 'b' : 'a'}${one.key.slice(-6)}`;
  assert.equal((await ask(it, { key: wrong })).code, 'invalid_credential');
  assert.equal((await ask(it, { key: other.key })).status, 200);
  const record = admin.directory.quarantines.get(id);
  assert.ok(record);
  await admin.commit([releaseChange(record)]);
  // No more at once than one credential may have.
  const answers = await Promise.all(Array.from({ length: 32 }, () => ask(it, { key: one.key })));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
});

test('a key that is held stays held after a worker has died', async () => {
  await using it = await startTestGateway({ plain: true });
  const { admin, testing } = it.gateway;
  const { key, record } = await it.issue();
  await admin.commit([holdChange(admin.directory, { id: `key:${record.id}`, rule: 'operator', why: '', heldAtMs: 0 })]);
  testing.killWorker(0);
  for (;;) {
    const answer = await ask(it, { key }).catch(() => undefined);
    if (answer === undefined) continue;
    assert.equal(answer.code, 'quarantined');
    break;
  }
});

test('a client is held by its id, as alerts name it, and what would hold nothing is refused', async () => {
  await using it = await startTestGateway({ plain: true, config: { listen: { publicUrl: PUBLIC_URL } } });
  const words = '--name one --grants client_credentials --scopes inference:chat --models tiny';
  const { id, config } = await createStockClient(it, words);
  const { access_token: key } = await oidc.clientCredentialsGrant(config);
  assert.equal((await ask(it, { key })).status, 200);
  assert.match(
    (await sallyport(it.stateDir, `quarantine hold client:${id}`)).out,
    new RegExp(`^holding client:own ${id}`),
  );
  assert.equal((await ask(it, { key })).code, 'quarantined');
  assert.equal((await sallyport(it.stateDir, `quarantine release client:${id}`)).exit, 0);
  assert.equal((await ask(it, { key })).status, 200);
  for (const name of ['client:nobody', 'token:abc', 'pair:x']) {
    assert.notEqual((await sallyport(it.stateDir, `quarantine hold ${name}`)).exit, 0, name);
  }
});

test('a token is held by the name that the detector gives to whom it is of, of any issuer and of our own', async () => {
  await using issuer = await startTestIssuer(() => PUBLIC_URL);
  await using it = await startTestGateway({
    plain: true,
    config: { listen: { publicUrl: PUBLIC_URL }, authentication: { issuers: [{ issuer: issuer.url }] } },
  });
  const { admin } = it.gateway;
  const stranger = issuer.token({ sub: 'bob' });
  const words = '--name one --grants client_credentials --scopes inference:chat --models tiny';
  const { id: client, config } = await createStockClient(it, words);
  const { access_token: own } = await oidc.clientCredentialsGrant(config);
  for (const [key, subject] of [
    [issuer.token({ sub: 'alice' }), `subject:${issuer.url} alice`],
    [own, `subject:${PUBLIC_URL} ${client}`],
  ] as const) {
    assert.equal((await ask(it, { key })).status, 200);
    await admin.commit([holdChange(admin.directory, { id: subject, rule: 'stolen-key', why: '', heldAtMs: 0 })]);
    assert.equal((await ask(it, { key })).code, 'quarantined');
    assert.equal((await ask(it, { key: stranger })).status, 200);
  }
});
