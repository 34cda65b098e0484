import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as oidc from 'openid-client';
import { createBrowser } from '../support/browser.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { fetchVia } from '../support/oauth.ts';
import { createUser, REDIRECT, signIn } from '../support/people.ts';

/**
 * Stock OAuth clients against the authorization server of the gateway, over its own TLS. A client says where it needs
 * its person, who is played here.
 */
const SCOPE = 'inference:chat models:read';
const SCOPES = SCOPE.replace(' ', ',');

interface Client {
  readonly id: string;
  readonly secret: string | null;
  readonly key?: string;
  readonly kid?: string;
}

let it: TestGateway;
let dir: string;
let clients: Record<'service' | 'signer' | 'confidential' | 'public', Client>;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-stock-'));
  it = await startTestGateway({ workers: 2 });
  await createUser(it, `--name ada --scopes ${SCOPES} --models tiny`);
  const people = `--grants authorization_code,device_code --redirect-uri ${REDIRECT}`;
  clients = {
    service: await create('--name service --grants client_credentials'),
    signer: await createSigner(),
    confidential: await create(`--name confidential ${people}`),
    public: await create(`--name public --auth none ${people}`),
  };
});
after(async () => {
  await it[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

async function create(words: string): Promise<Client> {
  const made = await sallyport(it.stateDir, `clients create ${words} --scopes ${SCOPES} --models tiny --json`);
  assert.equal(made.exit, 0, made.err);
  const { client_id: id, client_secret: secret } = JSON.parse(made.out) as Record<string, string | null>;
  return { id: id ?? '', secret: secret ?? null };
}

/** A client that shows who it is by a key of its own. */
async function createSigner(): Promise<Client> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwks = join(dir, 'jwks.json');
  const kid = 'signer-1';
  writeFileSync(jwks, JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256' }] }));
  const client = await create(`--name signer --grants client_credentials --auth private_key_jwt --jwks ${jwks}`);
  return { ...client, kid, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

const browser = () => createBrowser(it, it.gateway.publicUrl);

/** The person at an authorization request. @returns where the browser is sent with the code */
async function comeBack(url: string): Promise<string> {
  const own = browser();
  const consent = await signIn(own, await own.open(url), 'ada');
  return (await own.submit(consent, { decision: 'accept' })).url.href;
}

/** The person who types in what the device shows. */
async function connectDevice(userCode: string): Promise<void> {
  const own = browser();
  const confirm = await own.submit(await own.open('/device'), { user_code: userCode });
  const consent = await signIn(own, await own.submit(confirm, { confirm: 'yes' }), 'ada');
  assert.match((await own.submit(consent, { decision: 'accept' })).title, /^Your device is connected/);
}

/** Runs a program with a stock client in it. @returns what worked, in its own words */
async function run(command: string, ...words: string[]): Promise<string[]> {
  const caFile = join(it.stateDir, 'ca.pem');
  const OAUTH = JSON.stringify({ ...clients, issuer: it.gateway.publicUrl, redirect: REDIRECT });
  const child = spawn(command, words, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, OAUTH, SSL_CERT_FILE: caFile, REQUESTS_CA_BUNDLE: caFile },
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let problems = '';
  child.stderr.on('data', (part: Buffer) => (problems += part.toString()));
  const done: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    const said = JSON.parse(line) as { open?: string; device?: string; done?: string };
    if (said.done !== undefined) done.push(said.done);
    if (said.open !== undefined) child.stdin.write(`${await comeBack(said.open)}\n`);
    if (said.device !== undefined) child.stdin.write(`${await connectDevice(said.device).then(() => 'ok')}\n`);
  }
  assert.equal(await ended, 0, problems.slice(-2000));
  return done;
}

const clientFile = (name: string): string => fileURLToPath(new URL(`clients/${name}`, import.meta.url));
const WITH_PEOPLE = ['confidential', 'public'].flatMap((name) => [`code with PKCE, ${name}`, `refresh, ${name}`]);

test('Authlib gets tokens by every grant, looks at them, takes one back, and the gateway takes the others', async () => {
  assert.deepEqual(await run(process.env['OAUTH_PYTHON'] ?? '', clientFile('oauth-authlib.py')), [
    'client credentials',
    'introspection',
    'revocation',
    'client credentials by private_key_jwt',
    ...WITH_PEOPLE,
    'device',
  ]);
});

test('requests-oauthlib gets tokens by every grant, takes one back, and the gateway takes the others', async () => {
  assert.deepEqual(await run(process.env['OAUTH_PYTHON'] ?? '', clientFile('oauth-requests.py')), [
    'client credentials',
    'revocation',
    ...WITH_PEOPLE,
    'device',
  ]);
});

test('golang.org/x/oauth2 gets tokens by every grant, and the gateway takes them', async () => {
  assert.deepEqual(await run(process.env['OAUTH_GO'] ?? ''), ['client credentials', ...WITH_PEOPLE, 'device']);
});

test('openid-client gets tokens by every grant, pushed too, looks at them, takes one back, and the gateway takes the others', async () => {
  const configOf = ({ id, secret }: Client) =>
    oidc.discovery(
      new URL(it.gateway.publicUrl),
      id,
      {},
      secret === null ? oidc.None() : oidc.ClientSecretBasic(secret),
      { [oidc.customFetch]: fetchVia(it) as oidc.CustomFetch, algorithm: 'oauth2' },
    );
  const use = async (token: string): Promise<void> => {
    assert.equal((await ask(it, { method: 'GET', path: '/v1/models', key: token })).status, 200);
    assert.equal((await ask(it, { key: token })).status, 200);
  };
  const service = await configOf(clients.service);
  const { access_token: token } = await oidc.clientCredentialsGrant(service, { scope: SCOPE });
  await use(token);
  assert.equal((await oidc.tokenIntrospection(service, token)).active, true);
  await oidc.tokenRevocation(service, token);
  assert.equal((await oidc.tokenIntrospection(service, token)).active, false);
  assert.equal((await ask(it, { key: token })).code, 'revoked_credential');

  for (const client of [clients.confidential, clients.public]) {
    const config = await configOf(client);
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
    const expectedState = oidc.randomState();
    const wish = {
      redirect_uri: REDIRECT,
      scope: SCOPE,
      state: expectedState,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    };
    const url = await oidc.buildAuthorizationUrlWithPAR(config, wish);
    const back = new URL(await comeBack(url.href));
    const tokens = await oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState });
    await use(tokens.access_token);
    const next = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '');
    assert.notEqual(next.refresh_token, tokens.refresh_token);
    await use(next.access_token);
  }

  const tv = await configOf(clients.public);
  const started = await oidc.initiateDeviceAuthorization(tv, { scope: SCOPE });
  const [tokens] = await Promise.all([
    oidc.pollDeviceAuthorizationGrant(tv, started),
    connectDevice(started.user_code),
  ]);
  await use(tokens.access_token);
});
