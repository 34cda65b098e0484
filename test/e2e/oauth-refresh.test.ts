import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as oidc from 'openid-client';
import { ageArtifacts, lifetimesOf } from '../support/aged.ts';
import { createBrowser } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { createStockClient, createUser, REDIRECT, tokensFor } from '../support/people.ts';
import { LATER_MS, losersComeLate, race, RACERS } from '../support/refresh-race.ts';

describe('refresh tokens', () => {
  let it: TestGateway;
  let web: Awaited<ReturnType<typeof createStockClient>>;
  let app: Awaited<ReturnType<typeof createStockClient>>;
  before(async () => {
    it = await startTestGateway({
      plain: true,
      workers: 2,
      config: { listen: { publicUrl: PUBLIC_URL }, limits: { perIp: { failuresPerMinute: 1000 } } },
    });
    await createUser(it, '--name ada --scopes inference:chat,models:read');
    const line = `--grants authorization_code --scopes inference:chat,models:read --redirect-uri ${REDIRECT}`;
    web = await createStockClient(it, `--name notebook ${line}`);
    app = await createStockClient(it, `--name app --auth none ${line}`);
  });
  after(() => it[Symbol.asyncDispose]());

  const refresh = (token: string | undefined, more: Record<string, string> = {}, by = web) =>
    oidc.refreshTokenGrant(by.config, token ?? '', more);
  const invalid = { error: 'invalid_grant' };

  test('RT-03 each use gives a new one, of public clients too, and the one before is no more', async () => {
    for (const client of [web, app]) {
      const first = await tokensFor(createBrowser(it), client.config, 'ada');
      const second = await refresh(first.refresh_token, {}, client);
      assert.notEqual(second.refresh_token, first.refresh_token);
      assert.equal((await ask(it, { key: second.access_token })).status, 200);
      ageArtifacts(it.stateDir, 'RefreshToken', LATER_MS);
      await assert.rejects(refresh(first.refresh_token, {}, client), invalid);
    }
  });

  test('RT-02 scopes are narrowed by a refresh and never widened, and another client gets nothing', async () => {
    const narrow = await tokensFor(createBrowser(it), web.config, 'ada', { scope: 'inference:chat' });
    await assert.rejects(refresh(narrow.refresh_token, { scope: 'inference:chat models:read' }), {
      error: 'invalid_scope',
    });
    const same = await refresh(narrow.refresh_token);
    assert.equal(same.scope, 'inference:chat');
    await assert.rejects(refresh(same.refresh_token, {}, app), invalid);

    const wide = await tokensFor(createBrowser(it), web.config, 'ada');
    assert.equal(wide.scope, 'inference:chat models:read');
    const narrowed = await refresh(wide.refresh_token, { scope: 'models:read' });
    assert.equal(narrowed.scope, 'models:read');
    assert.equal((await ask(it, { key: narrowed.access_token })).code, 'insufficient_scope');
    await assert.rejects(refresh(narrowed.refresh_token, { resource: 'https://other.example.org' }), {
      error: 'invalid_target',
    });
  });

  for (const round of [1, 2, 3, 4, 5]) {
    test(`RT-05 RT-09 ${RACERS} at once get one successor, which lives (round ${round})`, async () => {
      const { refresh_token: token } = await tokensFor(createBrowser(it), web.config, 'ada');
      const successor = await race(it, web.config, token ?? '');
      assert.ok((await refresh(successor.refreshToken)).refresh_token);
    });
  }

  test('RT-04 the losers of a race who ask again after the grace end the family, and one line of the log says so', async () => {
    const { refresh_token: token } = await tokensFor(createBrowser(it), web.config, 'ada');
    await losersComeLate(it, web.config, token ?? '', await race(it, web.config, token ?? ''));
  });

  test('RT-09 in the grace only the same question gets the answer: another scope does not', async () => {
    const { refresh_token: token } = await tokensFor(createBrowser(it), web.config, 'ada');
    const first = await refresh(token);
    assert.equal((await refresh(token)).refresh_token, first.refresh_token);
    assert.ok(it.log.some((line) => line.includes('"refresh_repeated"')));
    await assert.rejects(refresh(token, { scope: 'models:read' }), invalid);
  });

  test('RT-04 one that is used after the grace ends the family, and is written to the log as security', async () => {
    const first = await tokensFor(createBrowser(it), web.config, 'ada');
    const second = await refresh(first.refresh_token);
    assert.equal((await ask(it, { key: second.access_token })).status, 200);
    ageArtifacts(it.stateDir, 'RefreshToken', LATER_MS);
    await assert.rejects(refresh(first.refresh_token), invalid);
    for (const _ of [1, 2, 3, 4])
      assert.equal((await ask(it, { key: second.access_token })).code, 'revoked_credential');
    await assert.rejects(refresh(second.refresh_token), invalid);
    const line = it.log.find((one) => one.includes('"security"') && one.includes('refresh_token_reused'));
    assert.match(line ?? '', new RegExp(`"level":"warn".*"client":"${web.id}"`));
  });

  test('RT-06 one that is not used ends after eight hours, and its grant after thirty days', () => {
    const idle = lifetimesOf(it.stateDir, 'RefreshToken');
    const whole = lifetimesOf(it.stateDir, 'Grant');
    // Some were made older above.
    assert.ok(idle.length > 0 && idle.every((s) => s <= 8 * 3600 + (10 * LATER_MS) / 1000), idle.join());
    assert.ok(whole.length > 0 && whole.every((s) => s <= 30 * 24 * 3600), whole.join());
  });

  test('RV-03 whoever takes a refresh token back ends its access tokens, too', async () => {
    const tokens = await tokensFor(createBrowser(it), web.config, 'ada');
    await oidc.tokenRevocation(web.config, tokens.refresh_token ?? '');
    await assert.rejects(refresh(tokens.refresh_token), invalid);
    for (const _ of [1, 2, 3, 4])
      assert.equal((await ask(it, { key: tokens.access_token })).code, 'revoked_credential');
  });
});
