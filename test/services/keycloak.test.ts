import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  clientCredentialsGrant,
  discovery,
  None,
  randomPKCECodeVerifier,
  randomState,
  type ClientAuth,
  type Configuration,
} from 'openid-client';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { createBrowser, type Browser, type Shown } from '../support/browser.ts';
import { sallyport } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { startTestGateway } from '../support/gateway.ts';
import { readGuide } from '../support/guide.ts';
import { ask, type Answer } from '../support/http.ts';
import { signed, testKey } from '../support/issuer.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { createStockClient, REDIRECT as APP_REDIRECT, tokensFor } from '../support/people.ts';
import { startProduct, type Product } from '../support/product.ts';
import { signIn } from './keycloak/browser.ts';
import { startKeycloak, type Keycloak } from './keycloak/keycloak.ts';

/** The product with a real Keycloak as issuer, both set up to the letter as `docs/guides/keycloak.md` says. */
const page = readFileSync(join(import.meta.dirname, '../../docs/guides/keycloak.md'), 'utf8');
const files = new Map(readGuide(page).steps.flatMap((step) => (step.kind === 'file' ? [[step.name, step.text]] : [])));
const AUDIENCE = 'https://llm.example.org';
const REDIRECT = 'http://127.0.0.1/callback';

let keycloak: Keycloak;
let simulator: Awaited<ReturnType<typeof startSimulator>>;
let product: Product;
let issuer: string;
/** The gateway, by its address here: the name that callers know is not in this machine's DNS. */
let to: { url: string; port: number; ca: string };
const dir = mkdtempSync(join(tmpdir(), 'sallyport-keycloak-'));

before(async () => {
  simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], chunkIntervalMs: 0 });
  keycloak = await startKeycloak();
  issuer = `${keycloak.url}/realms/company`;
  await keycloak.admin('POST', '', JSON.parse(files.get('realm.json') ?? ''));
  const yaml = (files.get('sallyport.yaml') ?? '')
    .replaceAll('https://sso.example.org', keycloak.url)
    .replaceAll('http://127.0.0.1:8000', simulator.url);
  assert.ok(yaml.includes(issuer) && yaml.includes(simulator.url), 'the guide names other addresses than this test');
  writeFileSync(join(dir, 'sallyport.yaml'), yaml);
  const port = await freePort();
  const words = ['--config', join(dir, 'sallyport.yaml'), '--workers', '2', '--listen', `127.0.0.1:${port}`];
  product = await startProduct(words, join(dir, 'state'), {
    // A key that is taken back ends within this time; the guide's ten minutes are too long to wait for.
    SALLYPORT__AUTHENTICATION__ISSUERS__0__JWKS_MAX_AGE: '2s',
  });
  to = { url: `https://127.0.0.1:${port}`, port, ca: readFileSync(product.caFile, 'utf8') };
});
after(async () => {
  await product?.end();
  await simulator?.close();
  await keycloak?.kill();
  rmSync(dir, { recursive: true, force: true });
});

const chat = (key: string): Promise<Answer> => ask(to, { key });
const client = (id: string, auth: ClientAuth): Promise<Configuration> =>
  discovery(new URL(issuer), id, undefined, auth, { execute: [allowInsecureRequests] });

/** A token of a program. */
async function programToken(id = 'nightly-batch', secret = 'change-me'): Promise<string> {
  return (await clientCredentialsGrant(await client(id, ClientSecretBasic(secret)))).access_token;
}

const claims = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
const kidOf = (token: string): unknown =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: unknown }).kid;

/** Asks until the answer is of that status: the cool-down between two questions to the issuer has to pass. */
async function chatUntil(status: number, key: string): Promise<Answer> {
  let answer = await chat(key);
  for (let left = 100; left > 0 && answer.status !== status; left--) {
    await sleep(200);
    answer = await chat(key);
  }
  assert.equal(answer.status, status, answer.text);
  return answer;
}

/** Waits for a line of the log: lines leave in batches. */
async function logged(...wanted: readonly string[]): Promise<void> {
  for (let left = 100; left > 0; left--) {
    if (product.lines.some((line) => wanted.every((one) => line.includes(one)))) return;
    await sleep(100);
  }
  throw new Error(`no line with ${wanted.join(', ')} in:\n${product.lines.slice(-20).join('\n')}`);
}

test('client credentials: the token of a program works, with its scopes and models and no more', async () => {
  const token = await programToken();
  const answer = await chat(token);
  assert.equal(answer.status, 200, answer.text);
  const models = await ask(to, { method: 'GET', path: '/v1/models', key: token });
  assert.equal(models.code, 'insufficient_scope');
  const other = await ask(to, { key: token, body: { model: 'big', messages: [{ role: 'user', content: 'a' }] } });
  assert.equal(other.code, 'model_not_allowed');
});

test('JW-09 a token of the same realm without the audience mapper is refused; the log says why', async () => {
  await keycloak.admin('POST', '/company/clients', {
    clientId: 'other-api',
    secret: 'other-secret',
    serviceAccountsEnabled: true,
    standardFlowEnabled: false,
  });
  const token = await programToken('other-api', 'other-secret');
  assert.notEqual(claims(token)['aud'], AUDIENCE);
  const answer = await chat(token);
  assert.deepEqual([answer.status, answer.code], [401, 'invalid_credential']);
  await logged('"code":"invalid_credential"', '"why":"aud"');
});

test('JW-08 a token of another realm of the same Keycloak is refused', async () => {
  const token = await programTokenOfMaster();
  assert.deepEqual([(await chat(token)).code], ['invalid_credential']);
});

async function programTokenOfMaster(): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'password',
    client_id: 'admin-cli',
    username: 'admin',
    password: 'admin',
  });
  const answer = await fetch(`${keycloak.url}/realms/master/protocol/openid-connect/token`, { method: 'POST', body });
  return ((await answer.json()) as { access_token: string }).access_token;
}

test('JW-07 code flow: a person signs in, the access token works, the ID token and the refresh token do not', async () => {
  const config = await client('chat-page', None());
  const [verifier, state] = [randomPKCECodeVerifier(), randomState()];
  const start = buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: 'openid',
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  });
  const back = await signIn(start, { username: 'alice', password: 'change-me-too', redirectUri: REDIRECT });
  const tokens = await authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state });
  assert.equal((await chat(tokens.access_token)).status, 200);
  const models = await ask(to, { method: 'GET', path: '/v1/models', key: tokens.access_token });
  assert.deepEqual(
    (models.json?.['data'] as { id: string }[] | undefined)?.map(({ id }) => id),
    ['tiny'],
  );
  for (const wrong of [tokens.id_token, tokens.refresh_token]) {
    assert.ok(wrong);
    assert.equal((await chat(wrong)).code, 'invalid_credential');
  }
  // Who it was is in the log, by the subject of the issuer.
  const subject = String(claims(tokens.access_token)['sub']);
  await logged(`"subject":"${subject}"`, '"client":"chat-page"');
});

test('Keycloak as the company’s provider: whoever is in a mapped group signs in here, and loses it with the group', async () => {
  const secret = 'federation-secret';
  await keycloak.admin('POST', '/company/clients', {
    clientId: 'sallyport',
    secret,
    redirectUris: [`${PUBLIC_URL}/account/federated`],
    protocolMappers: [
      {
        name: 'groups',
        protocol: 'openid-connect',
        protocolMapper: 'oidc-group-membership-mapper',
        config: { 'claim.name': 'groups', 'full.path': 'false', 'id.token.claim': 'true' },
      },
    ],
  });
  await keycloak.admin('POST', '/company/groups', { name: 'engineers' });
  const [group] = (await keycloak.admin('GET', '/company/groups?search=engineers')) as { id: string }[];
  const [alice] = (await keycloak.admin('GET', '/company/users?username=alice&exact=true')) as { id: string }[];
  const membership = `/company/users/${alice?.id}/groups/${group?.id}`;
  await using it = await startTestGateway({
    plain: true,
    config: {
      listen: { publicUrl: PUBLIC_URL },
      authorizationServer: {
        federation: { issuer, clientId: 'sallyport', clientSecret: secret, groups: { engineers: 'staff' } },
      },
    },
  });
  assert.equal((await sallyport(it.stateDir, 'groups create staff --scopes inference:chat --models tiny')).exit, 0);
  const app = await createStockClient(
    it,
    `--name app --grants authorization_code --scopes inference:chat --redirect-uri ${APP_REDIRECT}`,
  );

  /** Goes to Keycloak and back. */
  async function arrive(browser: Browser): Promise<Shown> {
    const page = await browser.open('/account/sign-in');
    const going = await browser.submit(page, { step: 'federated' }, 'value="federated"');
    const [, link = ''] = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(going.text) ?? [];
    const back = await signIn(new URL(link.replaceAll('&amp;', '&')), {
      username: 'alice',
      password: 'change-me-too',
      redirectUri: `${PUBLIC_URL}/account/federated`,
    });
    return browser.open(back);
  }
  assert.equal((await arrive(createBrowser(it))).status, 403);
  await keycloak.admin('PUT', membership);
  const browser = createBrowser(it);
  assert.match((await arrive(browser)).text, /signed in as <strong>alice \(127\.0\.0\.1/);
  const { access_token: token } = await tokensFor(browser, app.config, 'alice', { scope: 'inference:chat' });
  assert.equal((await ask(it, { key: token })).status, 200);
  await keycloak.admin('DELETE', membership);
  assert.equal((await arrive(createBrowser(it))).status, 403);
  assert.equal((await ask(it, { key: token })).code, 'revoked_credential');
});

test('JW-16 JW-17 keys of the realm are rotated: no restart, and what a key signed ends when it is taken out', async () => {
  const old = await programToken();
  assert.equal((await chat(old)).status, 200);
  const { id: realm } = (await keycloak.admin('GET', '/company')) as { id: string };
  await keycloak.admin('POST', '/company/components', {
    name: 'next-key',
    providerId: 'rsa-generated',
    providerType: 'org.keycloak.keys.KeyProvider',
    parentId: realm,
    config: { priority: ['1000'], enabled: ['true'], active: ['true'], algorithm: ['RS256'], keySize: ['2048'] },
  });
  const fresh = await programToken();
  assert.notEqual(kidOf(fresh), kidOf(old));
  await chatUntil(200, fresh);
  assert.equal((await chat(old)).status, 200);
  const providers = (await keycloak.admin('GET', '/company/components?type=org.keycloak.keys.KeyProvider')) as {
    id: string;
    name: string;
    providerId: string;
  }[];
  const first = providers.find(({ name, providerId }) => providerId === 'rsa-generated' && name !== 'next-key');
  assert.ok(first);
  await keycloak.admin('DELETE', `/company/components/${first.id}`);
  assert.equal((await chatUntil(401, old)).code, 'invalid_credential');
  assert.equal((await chat(fresh)).status, 200);
});

test('JW-16 IN-07 Keycloak is gone: known tokens work until they expire, unknown keys are 503, the log says why', async () => {
  await keycloak.admin('PUT', '/company', { accessTokenLifespan: 15 });
  const [known, unseen] = [await programToken(), await programToken()];
  assert.equal((await chat(known)).status, 200);
  await keycloak.kill();
  const nowS = Math.floor(Date.now() / 1000);
  const stranger = testKey('RS256');
  const made = signed(
    { typ: 'JWT', alg: 'RS256', kid: stranger.kid },
    { iss: issuer, aud: AUDIENCE, sub: 'a', exp: nowS + 600 },
    stranger,
  );
  const answer = await chatUntil(503, made);
  assert.equal(answer.code, 'issuer_unreachable');
  assert.ok(Number(answer.headers['retry-after']) >= 1);
  await logged('"event":"issuer_unreachable"', `"issuer":"${issuer}"`, '"why":"');
  assert.equal((await chat(known)).status, 200);
  assert.equal((await chat(unseen)).status, 200);
  assert.equal((await chatUntil(401, known)).code, 'expired_credential');
});
