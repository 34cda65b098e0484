import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBrowser } from '../support/browser.ts';
import { startTestGateway } from '../support/gateway.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { createStockClient, createUser, REDIRECT, tokensFor } from '../support/people.ts';
import { losersComeLate, race, RACERS } from '../support/refresh-race.ts';

/** As the issue asks for it; `test/e2e/oauth-refresh.test.ts` runs five. */
const ROUNDS = 50;

test(`RT-04 RT-05 RT-09 ${RACERS} at once get one successor, and end its family when they ask late, ${ROUNDS} times`, async () => {
  await using it = await startTestGateway({
    plain: true,
    workers: 2,
    config: {
      listen: { publicUrl: PUBLIC_URL },
      limits: { perIp: { requestsPerMinute: 'none', connections: 'none', failuresPerMinute: 'none' } },
    },
  });
  await createUser(it, '--name ada --scopes inference:chat');
  const grants = '--grants authorization_code --scopes inference:chat';
  const { config } = await createStockClient(it, `--name notebook ${grants} --redirect-uri ${REDIRECT}`);
  const browser = createBrowser(it);
  for (let round = 1; round <= ROUNDS; round++) {
    const { refresh_token: token } = await tokensFor(browser, config, 'ada');
    assert.ok(token !== undefined);
    await losersComeLate(it, config, token, await race(it, config, token));
  }
});
