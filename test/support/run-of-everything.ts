import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { SeenSecrets } from './at-rest.ts';
import { peopleRun } from './at-rest-people.ts';
import { sallyport } from './command.ts';
import type { TestGateway } from './gateway.ts';
import { ask } from './http.ts';
import { fetchVia, PUBLIC_URL } from './oauth.ts';

/** What a run leaves behind is searched for all that it has shown: add what your part shows here. */
export async function runOfEverything(it: TestGateway, seen: SeenSecrets): Promise<void> {
  const { key } = await it.issue();
  seen.add('API key', key);
  await ask(it, { key });
  await clientCredentials(it, seen);
  await userGrants(it, seen);
  await peopleRun(it, seen);
}

interface Client {
  readonly client_id: string;
  readonly client_secret: string;
}

async function createClient(it: TestGateway, seen: SeenSecrets, words: string): Promise<Client> {
  const made = await sallyport(it.stateDir, `clients create --name n ${words} --scopes inference:chat --json`);
  assert.equal(made.exit, 0, made.err);
  const client = JSON.parse(made.out) as Client;
  seen.add('client secret', client.client_secret);
  return client;
}

/** Asks an endpoint of the authorization server, and notes what it shows. */
async function post(
  it: TestGateway,
  seen: SeenSecrets,
  path: string,
  { client_id, client_secret }: Client,
  form: Record<string, string>,
): Promise<Record<string, unknown>> {
  const answer = await fetchVia(it)(`${PUBLIC_URL}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(form).toString(),
  });
  const text = await answer.text();
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  seen.addAnswer(answer, body);
  return body;
}

async function clientCredentials(it: TestGateway, seen: SeenSecrets): Promise<void> {
  const client = await createClient(it, seen, '--grants client_credentials');
  const { access_token: token } = await post(it, seen, '/oauth/token', client, { grant_type: 'client_credentials' });
  assert.equal((await ask(it, { key: String(token) })).status, 200);
  await post(it, seen, '/oauth/introspect', client, { token: String(token) });
  const rotated = await sallyport(it.stateDir, `clients rotate ${client.client_id} --overlap 1h --json`);
  const again = { ...client, ...(JSON.parse(rotated.out) as Client) };
  seen.add('client secret after its rotation', again.client_secret);
  await post(it, seen, '/oauth/token', again, { grant_type: 'client_credentials' });
  const revoked = await post(it, seen, '/oauth/token', again, { grant_type: 'client_credentials' });
  await post(it, seen, '/oauth/revoke', again, { token: String(revoked['access_token']) });
}

async function userGrants(it: TestGateway, seen: SeenSecrets): Promise<void> {
  const redirect = 'https://app.example.org/callback';
  const words = `--grants authorization_code,device_code --redirect-uri ${redirect}`;
  const client = await createClient(it, seen, words);
  await post(it, seen, '/oauth/device_authorization', client, { scope: 'inference:chat' });
  const verifier = randomBytes(32).toString('base64url');
  seen.add('code verifier', verifier);
  const state = randomBytes(16).toString('base64url');
  seen.add('state', state);
  const wish = {
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: redirect,
    scope: 'inference:chat',
    state,
    code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  };
  const { request_uri: uri } = await post(it, seen, '/oauth/par', client, wish);
  for (const query of [{ client_id: client.client_id, request_uri: String(uri) }, wish]) {
    const path = `/oauth/authorize?${new URLSearchParams(query).toString()}`;
    const answer = await fetchVia(it)(`${PUBLIC_URL}${path}`, { headers: { accept: 'text/html' } });
    assert.ok(answer.status < 400, `${answer.status} ${await answer.text()}`);
    seen.addAnswer(answer, {});
  }
}
