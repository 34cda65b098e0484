import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as oidc from 'openid-client';
import { startTestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { startTestIssuer } from '../support/issuer.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { createStockClient } from '../support/people.ts';
import { assertEnds, openStreams, REVOCATIONS, run } from '../support/revocations.ts';

const OPEN = {
  listen: { publicUrl: PUBLIC_URL },
  limits: {
    default: { requestsPerMinute: 'none', concurrency: 'none', tokensPerMinute: 'none' },
    perIp: { requestsPerMinute: 'none', connections: 'none', failuresPerMinute: 'none' },
  },
};
const IN_FLIGHT = 1_000;
/** Of each credential that is taken back while the others are in flight; `test/services` has 1,000 of each. */
const OWN_STREAMS = 8;

test('RV-04 JW-19 what is revoked ends on every worker at the next request, with 1,000 streams running', async (t) => {
  await using issuer = await startTestIssuer(() => PUBLIC_URL);
  await using it = await startTestGateway({
    plain: true,
    workers: 4,
    config: { ...OPEN, authentication: { issuers: [{ issuer: issuer.url }] } },
    simulator: { chunkIntervalMs: 5_000 },
  });
  const leaver = issuer.token({ sub: 'leaver' });
  const inFlight = await openStreams(it, leaver, IN_FLIGHT);
  let ended = 0;
  for (const one of inFlight) void one.then(() => (ended += 1));

  for (const { what, by, make } of REVOCATIONS)
    await t.test(`a ${what}, by ${by}`, async () => assertEnds(it, await make(it), OWN_STREAMS));

  await t.test('a token of an issuer, by its client', async () => {
    const credential = issuer.token({ sub: 'x', client_id: 'client-9' });
    const end = () => run(it, `tokens revoke --issuer ${issuer.url} --client client-9`);
    await assertEnds(it, { credential, end }, OWN_STREAMS);
  });

  for (const [name, line] of [
    ['tokens of our own, by their client', 'tokens revoke --client'],
    ['a client that is disabled', 'clients disable'],
  ] as const)
    await t.test(name, async () => {
      const words = '--name one --grants client_credentials --scopes inference:chat --models tiny';
      const { id, config } = await createStockClient(it, words);
      const { access_token: credential } = await oidc.clientCredentialsGrant(config);
      await assertEnds(it, { credential, end: () => run(it, `${line} ${id}`) }, OWN_STREAMS);
    });

  await t.test('a token of an issuer, by its subject: the 1,000 that ran all the while', async () => {
    assert.equal(ended, 0);
    const other = issuer.token({ sub: 'stays' });
    const end = () => run(it, `tokens revoke --issuer ${issuer.url} --subject leaver`);
    await assertEnds(it, { credential: leaver, end }, OWN_STREAMS);
    for (const text of await Promise.all(inFlight)) assert.match(text, /revoked_credential/);
    assert.equal((await ask(it, { key: other })).status, 200);
  });
});
