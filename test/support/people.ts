import assert from 'node:assert/strict';
import * as oidc from 'openid-client';
import { sallyport } from './command.ts';
import type { Browser, Shown } from './browser.ts';
import type { TestGateway } from './gateway.ts';
import { fetchVia, PUBLIC_URL } from './oauth.ts';

/** The password of everybody in the tests. */
export const PASSWORD = 'correct horse battery';
/** Where the answers of the tests' clients go. */
export const REDIRECT = 'https://app.example.org/callback';

/** Makes a person. */
export async function createUser(it: Pick<TestGateway, 'stateDir'>, line: string): Promise<{ id: string }> {
  const made = await sallyport(it.stateDir, `users create ${line} --password-stdin --json`, {
    stdin: () => Promise.resolve(PASSWORD),
  });
  assert.equal(made.exit, 0, made.err);
  return JSON.parse(made.out) as { id: string };
}

/** A client of the tests, known to a stock library. */
export async function createStockClient(
  it: Pick<TestGateway, 'stateDir' | 'port'>,
  line: string,
): Promise<{ id: string; secret: string | null; config: oidc.Configuration }> {
  const made = await sallyport(it.stateDir, `clients create ${line} --json`);
  assert.equal(made.exit, 0, made.err);
  const { client_id: id, client_secret: secret } = JSON.parse(made.out) as {
    client_id: string;
    client_secret: string | null;
  };
  const auth = secret === null ? oidc.None() : oidc.ClientSecretBasic(secret);
  const config = await oidc.discovery(new URL(PUBLIC_URL), id, {}, auth, {
    [oidc.customFetch]: fetchVia(it) as oidc.CustomFetch,
    algorithm: 'oauth2',
  });
  return { id, secret, config };
}

/** An authorization request of a stock client. */
export async function authorizationOf(config: oidc.Configuration, more: Record<string, string> = {}) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    ...more,
  });
  return { url, verifier, state };
}

/** Signs in on a page that asks for it. */
export const signIn = (browser: Browser, page: Shown, name: string, password = PASSWORD): Promise<Shown> =>
  browser.submit(page, { name, password, step: 'password' });

/** Goes the whole way to a code. */
export async function codeFor(
  browser: Browser,
  config: oidc.Configuration,
  name: string,
  more: Record<string, string> = {},
) {
  const asked = await authorizationOf(config, more);
  let page = await browser.open(asked.url);
  if (page.title.startsWith('Sign in')) page = await signIn(browser, page, name);
  if (page.title.startsWith('Let ')) page = await browser.submit(page, { decision: 'accept' });
  assert.equal(page.url.origin, new URL(REDIRECT).origin, page.text);
  return { ...asked, url: page.url };
}

/** Goes the whole way to tokens. */
export async function tokensFor(
  browser: Browser,
  config: oidc.Configuration,
  name: string,
  more: Record<string, string> = {},
) {
  const { url, verifier, state } = await codeFor(browser, config, name, more);
  return oidc.authorizationCodeGrant(config, url, { pkceCodeVerifier: verifier, expectedState: state });
}
