import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createBrowser } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { createStockClient, createUser, tokensFor } from '../support/people.ts';

describe('the authorization code grant', () => {
  let it: TestGateway;
  let web: Awaited<ReturnType<typeof createStockClient>>;
  before(async () => {
    it = await startTestGateway({ plain: true, workers: 2, config: { listen: { publicUrl: PUBLIC_URL } } });
    await createUser(it, '--name ada --models tiny --scopes inference:chat,models:read');
    web = await createStockClient(
      it,
      '--name notebook --grants authorization_code --scopes inference:chat,inference:embeddings --redirect-uri https://app.example.org/callback',
    );
  });
  after(() => it[Symbol.asyncDispose]());

  test('a person signs in and consents, and a stock client gets tokens that work', async () => {
    const tokens = await tokensFor(createBrowser(it), web.config, 'ada');
    assert.equal(tokens.scope, 'inference:chat');
    assert.ok(tokens.refresh_token);
    assert.equal((await ask(it, { key: tokens.access_token })).status, 200);
  });
});
