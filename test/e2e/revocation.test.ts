import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, CHAT } from '../support/http.ts';
import { startTestIssuer } from '../support/issuer.ts';
import { PUBLIC_URL } from '../support/oauth.ts';

const OPEN = {
  listen: { publicUrl: PUBLIC_URL },
  limits: {
    default: { requestsPerMinute: 'none', concurrency: 'none' },
    perIp: { requestsPerMinute: 'none', connections: 'none', failuresPerMinute: 'none' },
  },
};
const WORKERS = 4;
const IN_FLIGHT = 1_000;

/** Opens streams that go on until somebody ends them; resolves once each has begun. */
async function openStreams(it: TestGateway, key: string, count: number): Promise<Promise<string>[]> {
  const ends: Promise<string>[] = [];
  await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<void>((resolve, reject) => {
          const body = { ...CHAT, stream: true, max_tokens: 4_000 };
          const answer = ask(it, { key, body, onData: () => resolve() });
          ends.push(answer.then(({ text }) => text));
          answer.then(({ status, text }) => status !== 200 && reject(new Error(text)), reject);
        }),
    ),
  );
  return ends;
}

test('RV-04 JW-19 what is revoked ends on every worker at the next request, with 1,000 streams running', async (t) => {
  await using issuer = await startTestIssuer(() => PUBLIC_URL);
  await using it = await startTestGateway({
    plain: true,
    workers: WORKERS,
    config: { ...OPEN, authentication: { issuers: [{ issuer: issuer.url }] } },
    simulator: { chunkIntervalMs: 1_000 },
  });
  const run = async (line: string): Promise<string> => {
    const done = await sallyport(it.stateDir, line);
    assert.equal(done.exit, 0, done.err);
    return done.out;
  };
  const { key, record } = await it.issue();
  const made = JSON.parse(
    await run('clients create --name one --grants client_credentials --scopes inference:chat --models tiny --json'),
  ) as { client_id: string; client_secret: string };
  const tokenOfOwn = async (): Promise<string> => {
    const basic = Buffer.from(`${made.client_id}:${made.client_secret}`).toString('base64');
    const headers = { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await ask(it, { path: '/oauth/token', body: 'grant_type=client_credentials', headers });
    return String(answer.json?.['access_token']);
  };

  async function ends(
    name: string,
    credential: string,
    revoke: () => Promise<unknown>,
    streams: number,
  ): Promise<void> {
    await t.test(name, async () => {
      assert.equal((await ask(it, { key: credential })).status, 200);
      const running = await openStreams(it, credential, streams);
      await revoke();
      const next = await Promise.all(Array.from({ length: 10 * WORKERS }, () => ask(it, { key: credential })));
      assert.deepEqual(new Set(next.map(({ code }) => code)), new Set(['revoked_credential']));
      for (const text of await Promise.all(running)) assert.match(text, /revoked_credential/);
    });
  }

  await ends(
    'a token of an issuer, by its subject',
    issuer.token({ sub: 'leaver' }),
    () => run(`tokens revoke --issuer ${issuer.url} --subject leaver`),
    IN_FLIGHT,
  );
  const other = issuer.token({ sub: 'stays' });
  await ends(
    'a token of an issuer, by its client',
    issuer.token({ sub: 'x', client_id: 'client-9' }),
    () => run(`tokens revoke --issuer ${issuer.url} --client client-9`),
    8,
  );
  assert.equal((await ask(it, { key: other })).status, 200);
  await ends('an API key', key, () => run(`keys revoke ${record.id}`), 8);
  await ends(
    'tokens of our own, by their client',
    await tokenOfOwn(),
    () => run(`tokens revoke --client ${made.client_id}`),
    8,
  );
  await ends(
    'a client that is disabled',
    await tokenLater(tokenOfOwn),
    () => run(`clients disable ${made.client_id}`),
    8,
  );

  /** Times of issue are whole seconds: a token of the second in which others were revoked counts as one of them. */
  async function tokenLater(make: () => Promise<string>): Promise<string> {
    for (;;) {
      const token = await make();
      if ((await ask(it, { key: token })).status === 200) return token;
    }
  }
});
