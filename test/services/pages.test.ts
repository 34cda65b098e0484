import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { totpCode, totpStepAt } from '../../src/directory/totp.ts';
import { fromBase32 } from '../support/base32.ts';
import { sallyport } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { startTestProvider, type TestProvider } from '../support/openid-provider.ts';
import { createUser, PASSWORD } from '../support/people.ts';
import { startChromium, type ChromiumPage } from './chromium/chromium.ts';

/**
 * Sign-in, consent, device and account pages in a real Chromium, by the keyboard alone, each judged by axe-core; the
 * pictures are for people to look at (`SALLYPORT_PICTURES` says where).
 */
const pictures = process.env['SALLYPORT_PICTURES'] ?? mkdtempSync(join(tmpdir(), 'sallyport-pages-'));
mkdirSync(pictures, { recursive: true });

/** An application of the tests, to which browsers are sent on. */
const application = createServer((_, response) => {
  response.setHeader('content-type', 'text/html');
  response.end('<!doctype html><title>The application</title>');
});

let it: TestGateway;
let provider: TestProvider;
let page: ChromiumPage;
let site = '';

before(async () => {
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
  provider = await startTestProvider();
  const port = await freePort();
  // A name of its own: at an address there are no passkeys.
  site = `https://localhost:${port}`;
  const { url: issuer, clientId, clientSecret } = provider;
  const federation = { issuer, clientId, clientSecret, groups: { engineers: 'chat' } };
  it = await startTestGateway({
    config: { listen: { port, publicUrl: site }, authorizationServer: { federation } },
  });
  await createUser(it, '--name ada --scopes inference:chat,admin:read --models tiny');
  page = await startChromium(pictures);
});
after(async () => {
  await page[Symbol.asyncDispose]();
  await it[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
  application.close();
});
afterEach(async () => {
  await page.send('Network.clearBrowserCookies');
});

const command = async (line: string): Promise<Record<string, string>> => {
  const done = await sallyport(it.stateDir, line);
  assert.equal(done.exit, 0, done.err);
  return JSON.parse(done.out) as Record<string, string>;
};

async function open(path: string, title: string): Promise<void> {
  await page.open(new URL(path, site).href);
  await page.arrivesAt(title);
}

async function fill(name: string, text: string): Promise<void> {
  await page.tabTo(name);
  await page.type(text);
}

async function press(name: string, title: string): Promise<void> {
  await page.tabTo(name);
  await page.enter(title);
}

/** Up to the page after name and password. */
async function signIn(name: string, title: string, password = PASSWORD): Promise<void> {
  await fill('Name', name);
  await fill('Password', password);
  await page.enter(title);
}

test('every page shows the gateway’s own address, to be compared with that of the browser', async () => {
  await open('/account/sign-in', 'Sign in');
  assert.match(await page.value('document.body.innerText'), new RegExp(`You are at ${site}\\.`));
  assert.equal(await page.value('location.origin'), site);
});

test('somebody signs in, and adds an authenticator app and a passkey', async () => {
  await open('/account/sign-in', 'Sign in');
  await page.judge('sign-in');
  await signIn('ada', 'Sign in', 'wrong horse battery');
  await page.judge('sign-in-wrong');
  await signIn('ada', 'Your account');
  await page.judge('account');

  await page.unfold('Add a passkey');
  await fill('What you call it, such as Laptop', 'Work laptop');
  await fill('Your password', PASSWORD);
  await page.enter('Add a passkey');
  await page.judge('add-passkey');
  await press('Make the passkey', 'Recovery codes');
  await page.judge('recovery-codes');
  const { credentials } = await page.send('WebAuthn.getCredentials', { authenticatorId: page.authenticator });
  assert.deepEqual(
    (credentials as { rpId: string; isResidentCredential: boolean }[]).map((one) => [
      one.rpId,
      one.isResidentCredential,
    ]),
    [['localhost', true]],
  );
  await press('Go on', 'Your account');
  assert.match(await page.value('document.body.innerText'), /Work laptop/);

  // With the passkey as proof: the session is from before it, so the password alone would not do.
  await page.unfold('Set up an authenticator app');
  await press('Set it up, confirmed by a passkey', 'Set up a second factor');
  await page.judge('authenticator-app');
  const seed = fromBase32(
    (await page.value<string>('document.querySelector("main code").textContent')).replace(/ /g, ''),
  );
  await fill('The code that the app shows now', totpCode(seed, totpStepAt(Date.now())));
  await page.enter('Recovery codes');
  await press('Go on', 'Your account');
  await page.unfold('Remove a passkey');
  await page.unfold('Change the password');
  await page.judge('account-with-passkey');
  await press('Sign out', 'Signed out');
  await page.judge('signed-out');
});

test('a passkey signs in without a name, and after the password', async () => {
  await open('/account/sign-in', 'Sign in');
  await press('Sign in with a passkey', 'Your account');
  await press('Sign out', 'Signed out');
  await press('Sign in again', 'Sign in');
  await signIn('ada', 'Second factor');
  await page.judge('second-factor');
  await press('Use a passkey', 'Your account');
});

test('a browser that has no passkey, or is not allowed to show it, says so and goes on by password', async () => {
  await open('/account/sign-in', 'Sign in');
  const verified = (isUserVerified: boolean) =>
    page.send('WebAuthn.setUserVerified', { authenticatorId: page.authenticator, isUserVerified });
  await verified(false);
  await page.tabTo('Sign in with a passkey');
  await page.value('document.activeElement.click()');
  for (let tries = 0; tries < 100; tries += 1) {
    if (await page.value<boolean>('document.querySelector("[role=alert]") !== null')) break;
    await page.value('new Promise((resolve) => setTimeout(resolve, 50))');
  }
  assert.match(await page.value('document.querySelector("[role=alert]").textContent'), /No passkey came/);
  await page.judge('passkey-cancelled');
  await verified(true);
  await signIn('ada', 'Second factor');
});

test('an application is let in by somebody who reads what it may do', async () => {
  const { client_id: id = '' } = await command(
    'clients create --name notebook --grants authorization_code --auth none --scopes inference:chat,admin:read --models tiny --redirect-uri http://127.0.0.1/callback --json',
  );
  const callback = `http://127.0.0.1:${(application.address() as AddressInfo).port}/callback`;
  const query = new URLSearchParams({
    ...{ client_id: id, response_type: 'code', redirect_uri: callback },
    ...{ code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256', state: 's' },
  });
  await open(`/oauth/authorize?${query.toString()}`, 'Sign in');
  await page.judge('sign-in-for-a-client');
  await press('Sign in with a passkey', 'Let notebook act for you?');
  await page.judge('consent');
  // The policy of the page lets its form lead on to the application, and the browser follows.
  await press('Accept', 'The application');
  assert.match(await page.value('location.search'), /^\?code=[A-Za-z0-9_-]+&state=s&iss=/);
});

test('a device is connected', async () => {
  const { client_id: id = '' } = await command(
    'clients create --name terminal --grants device_code --auth none --scopes inference:chat --models tiny --json',
  );
  const form = new URLSearchParams({ client_id: id }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const device = await ask(it, { path: '/oauth/device_authorization', body: form, headers });
  const code = String(device.json?.['user_code']);
  await open('/device', 'Connect a device');
  await page.judge('device');
  await fill('Code', code);
  await page.enter('Is this your device?');
  await page.judge('device-confirm');
  await press('The codes are the same', 'Sign in');
  await press('Sign in with a passkey', 'Let terminal act for you?');
  await press('Accept', 'Your device is connected');
  await page.judge('device-connected');
});

for (const way of ['passkey', 'password'] as const) {
  test(`an invitation is taken up by a ${way}`, async () => {
    const { invitation = '' } = await command(`users invite --name ${way} --scopes inference:chat --json`);
    await open(invitation, 'Welcome');
    await page.judge(`invitation-${way}`);
    if (way === 'passkey') await press('Use a passkey, without a password', 'Sign in');
    else {
      await fill('New password, 12 characters or more', PASSWORD);
      await fill('The same again', PASSWORD);
      await page.enter('Sign in');
      return signIn(way, 'Your account');
    }
  });
}

test('somebody comes back from the company’s identity provider', async () => {
  provider.person = { sub: '1', preferred_username: 'grace', groups: ['engineers'] };
  await open('/account/sign-in', 'Sign in');
  await press(`Sign in with ${new URL(provider.url).host}`, 'Your account');
  await page.judge('account-federated');
});

test('what went wrong is said', async () => {
  await open('/account/invitation', 'This did not work');
  await page.judge('error');
});
