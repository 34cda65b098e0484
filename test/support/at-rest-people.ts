import assert from 'node:assert/strict';
import * as oidc from 'openid-client';
import { totpCode, totpStepAt } from '../../src/directory/totp.ts';
import type { SeenSecrets } from './at-rest.ts';
import { fromBase32 } from './base32.ts';
import { createBrowser, type Browser } from './browser.ts';
import { sallyport } from './command.ts';
import type { TestGateway } from './gateway.ts';
import { fetchVia, PUBLIC_URL } from './oauth.ts';
import { createStockClient, PASSWORD, REDIRECT, signIn, codeFor } from './people.ts';

/** A login name that is a mail address: personal data twice over. */
export const MAIL = 'ada.lovelace@mail.example.org';
const NEW_PASSWORD = 'another horse battery';
const SCOPES = 'inference:chat,models:read';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

/** People do all that they can do, and every secret that they get or type in is noted. */
export async function peopleRun(it: TestGateway, seen: SeenSecrets): Promise<void> {
  const browser = await takeUpInvitation(it, seen);
  const client = await createStockClient(
    it,
    `--name app --grants authorization_code,device_code --scopes ${SCOPES} --redirect-uri ${REDIRECT}`,
  );
  seen.add('client secret', client.secret ?? '');
  await codeAndRefresh(browser, client.config, seen);
  await device(it, browser, client, seen);
  await secondFactor(browser, seen);
  await changePassword(browser, seen);
  addCookies(browser, seen);
}

/** The cookie whose value is in the address of a page and so in the log: it counts with its signature alone. */
const ADDRESS_COOKIE = 'sallyport_interaction';

function addCookies(browser: Browser, seen: SeenSecrets): void {
  for (const [key, { value }] of browser.jar) {
    const name = key.split(' ')[0] ?? '';
    if (name !== ADDRESS_COOKIE) seen.add(`cookie ${name}`, decodeURIComponent(value));
  }
}

async function takeUpInvitation(it: TestGateway, seen: SeenSecrets): Promise<Browser> {
  for (const part of [MAIL, 'Lovelace', 'lovelace']) seen.add('login name', part);
  seen.add('password', PASSWORD);
  const invited = await sallyport(it.stateDir, `users invite --name ${MAIL} --scopes ${SCOPES} --json`);
  assert.equal(invited.exit, 0, invited.err);
  const { invitation } = JSON.parse(invited.out) as { invitation: string };
  seen.add('invitation', new URL(invitation).searchParams.get('invitation') ?? '');
  const browser = createBrowser(it);
  const taken = await browser.submit(await browser.open(invitation), { new: PASSWORD, again: PASSWORD });
  assert.match(taken.title, /^Sign in/);
  assert.match((await signIn(browser, taken, MAIL)).title, /^Your account/);
  return browser;
}

async function codeAndRefresh(browser: Browser, config: oidc.Configuration, seen: SeenSecrets): Promise<void> {
  const { url, verifier, state } = await codeFor(browser, config, MAIL);
  seen.add('authorization code', url.searchParams.get('code') ?? '');
  seen.add('code verifier', verifier);
  const tokens = await oidc.authorizationCodeGrant(config, url, { pkceCodeVerifier: verifier, expectedState: state });
  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '');
  for (const { access_token: access, refresh_token: refresh } of [tokens, refreshed]) {
    seen.add('access_token', access);
    seen.add('signature of an access token', access.split('.')[2] ?? '');
    seen.add('refresh_token', refresh ?? '');
  }
}

async function device(
  it: TestGateway,
  browser: Browser,
  { id, secret, config }: Awaited<ReturnType<typeof createStockClient>>,
  seen: SeenSecrets,
): Promise<void> {
  const started = await oidc.initiateDeviceAuthorization(config, { scope: 'inference:chat' });
  seen.add('device_code', started.device_code);
  seen.add('user_code', started.user_code);
  seen.add('user_code', started.user_code.replace('-', ''));
  const confirm = await browser.submit(await browser.open('/device'), { user_code: started.user_code });
  const done = await browser.submit(confirm, { confirm: 'yes' });
  assert.match(done.title, /^Your device is connected/);
  // Asked for once, at once: the library would wait for its interval first.
  const answer = await fetchVia(it)(`${PUBLIC_URL}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret ?? ''}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: DEVICE, device_code: started.device_code }),
  });
  assert.equal(answer.status, 200);
  seen.addAnswer(answer, await answer.json());
}

async function secondFactor(browser: Browser, seen: SeenSecrets): Promise<void> {
  const setUp = await browser.submit(await browser.open('/account'), { password: PASSWORD }, 'set-up');
  const secret = /secret=([A-Z2-7]+)/.exec(setUp.text)?.[1] ?? '';
  const seed = fromBase32(secret);
  seen.add('TOTP seed', secret);
  seen.add('TOTP seed', seed);
  const shown = await browser.submit(setUp, { code: totpCode(seed, totpStepAt(Date.now())) }, 'confirm');
  const codes = [...shown.text.matchAll(/<code>([0-9A-Za-z-]{19})<\/code>/g)].map(([, code]) => code ?? '');
  assert.equal(codes.length, 10);
  for (const code of codes) {
    seen.add('recovery code', code);
    seen.add('recovery code', code.replaceAll('-', ''));
  }
}

async function changePassword(browser: Browser, seen: SeenSecrets): Promise<void> {
  addCookies(browser, seen);
  seen.add('password', NEW_PASSWORD);
  const form = { password: PASSWORD, new: NEW_PASSWORD, again: NEW_PASSWORD };
  const done = await browser.submit(await browser.open('/account'), form, 'value="password"');
  assert.match(done.title, /^Your account/);
}
