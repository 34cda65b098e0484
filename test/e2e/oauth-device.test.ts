import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as oidc from 'openid-client';
import { lifetimesOf } from '../support/aged.ts';
import { createBrowser, type Browser, type Shown } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { fetchVia, PUBLIC_URL } from '../support/oauth.ts';
import { createStockClient, createUser, REDIRECT, signIn } from '../support/people.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

describe('the device grant', () => {
  let it: TestGateway;
  let tv: Awaited<ReturnType<typeof createStockClient>>;
  let web: Awaited<ReturnType<typeof createStockClient>>;
  before(async () => {
    it = await startTestGateway({ plain: true, workers: 2, config: { listen: { publicUrl: PUBLIC_URL } } });
    await createUser(it, '--name ada --scopes inference:chat,models:read');
    tv = await createStockClient(
      it,
      '--name terminal --auth none --grants device_code --scopes inference:chat,inference:audio',
    );
    web = await createStockClient(
      it,
      `--name web --grants authorization_code --scopes inference:chat --redirect-uri ${REDIRECT}`,
    );
  });
  after(() => it[Symbol.asyncDispose]());

  const start = (scope = 'inference:chat') => oidc.initiateDeviceAuthorization(tv.config, { scope });

  /** One question of the device; what stands in the answer. */
  async function poll(deviceCode: string): Promise<Record<string, unknown>> {
    const body = new URLSearchParams({ grant_type: GRANT, device_code: deviceCode, client_id: tv.id });
    const answer = await fetchVia(it)(`${PUBLIC_URL}/oauth/token`, { method: 'POST', body });
    return (await answer.json()) as Record<string, unknown>;
  }

  async function approve(browser: Browser, userCode: string): Promise<Shown> {
    const confirm = await browser.submit(await browser.open('/device'), { user_code: userCode });
    let page = await browser.submit(confirm, { confirm: 'yes' });
    if (page.title.startsWith('Sign in')) page = await signIn(browser, page, 'ada');
    return page.title.startsWith('Let ') ? browser.submit(page, { decision: 'accept' }) : page;
  }

  test('what is no form is refused as such, and is no fault of the gateway', async () => {
    for (const [type, body] of [
      ['application/json', '{}'],
      ['text/plain', 'x'],
      ['application/x-www-form-urlencodedx', 'user_code=x'],
    ] as const) {
      const answer = await ask(it, { path: '/device', headers: { 'content-type': type }, body });
      assert.equal(answer.status, 415, type);
    }
    assert.ok(!it.log.some((line) => line.includes('oauth_fault')));
  });

  test('DV-02 DV-03 DV-08 a device polls until its person has agreed, and gets its tokens once', async () => {
    const started = await start();
    assert.ok(started.device_code.length >= 22);
    assert.match(started.user_code, /^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/);
    assert.equal(started.verification_uri, `${PUBLIC_URL}/device`);
    assert.equal(started.interval, 5);
    assert.ok(lifetimesOf(it.stateDir, 'DeviceCode').every((s) => s <= 15 * 60));

    assert.equal((await poll(started.device_code))['error'], 'authorization_pending');
    // At once again: too soon.
    assert.equal((await poll(started.device_code))['error'], 'slow_down');
    const done = await approve(createBrowser(it), started.user_code);
    assert.match(done.title, /^Your device is connected/);

    const quiet = await start();
    await approve(createBrowser(it), quiet.user_code);
    const tokens = await poll(quiet.device_code);
    assert.equal(tokens['scope'], 'inference:chat');
    assert.equal(typeof tokens['refresh_token'], 'string');
    assert.equal((await ask(it, { key: String(tokens['access_token']) })).status, 200);
  });

  test('DV-02 two polls at once do not both get tokens that live', async () => {
    const started = await start();
    await approve(createBrowser(it), started.user_code);
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => poll(started.device_code)));
    assert.ok(all.filter((one) => typeof one['access_token'] === 'string').length <= 1, JSON.stringify(all));
  });

  test('DV-04 the page shows client, scopes and address of the device and has the code compared, by the link too', async () => {
    const started = await start('inference:chat inference:audio');
    const browser = createBrowser(it);
    const link = await browser.open(started.verification_uri_complete ?? '');
    // The link fills the field in and does no more.
    assert.match(link.title, /^Connect a device/);
    assert.match(link.text, new RegExp(`value="${started.user_code}"`));
    const confirm = await browser.submit(link, { user_code: started.user_code });
    assert.match(confirm.text, new RegExp(`<p class="code">${started.user_code}</p>`));
    assert.match(confirm.text, /Compare: your device must show exactly this code/);
    assert.match(confirm.text, /terminal/);
    assert.match(confirm.text, /127\.0\.0\.1/);
    assert.match(confirm.text, /chat with models/);
    const consent = await signIn(browser, await browser.submit(confirm, { confirm: 'yes' }), 'ada');
    assert.match(consent.text, /on the device whose code you have entered/);
    assert.doesNotMatch(consent.text, /inference:audio/);
  });

  test('DV-08 whoever declines, at the code or at consent, tells the device access_denied', async () => {
    const atCode = await start();
    const browser = createBrowser(it);
    const confirm = await browser.submit(await browser.open('/device'), { user_code: atCode.user_code });
    assert.match((await browser.submit(confirm, { abort: 'yes' })).text, /You have declined/);
    assert.equal((await poll(atCode.device_code))['error'], 'access_denied');

    const atConsent = await start();
    const second = createBrowser(it);
    const compare = await second.submit(await second.open('/device'), { user_code: atConsent.user_code });
    const consent = await signIn(second, await second.submit(compare, { confirm: 'yes' }), 'ada');
    await second.submit(consent, { decision: 'decline' });
    assert.equal((await poll(atConsent.device_code))['error'], 'access_denied');
  });

  test('a way back that nobody began is a line of the log, and writes nothing beside it', async () => {
    const { error } = console;
    const written: unknown[] = [];
    console.error = (...texts) => void written.push(...texts);
    try {
      const page = await createBrowser(it).once('/device/made-up');
      assert.doesNotMatch(page.text, /at |node_modules/);
    } finally {
      console.error = error;
    }
    assert.deepEqual(written, []);
    assert.ok(it.log.some((line) => line.includes('"oauth_fault"') && line.includes('"requestId"')));
  });

  test('DV-05 a client that was not given the grant starts nothing', async () => {
    await assert.rejects(oidc.initiateDeviceAuthorization(web.config, { scope: 'inference:chat' }), { status: 400 });
  });

  test('forms of the device page need the token of their session and come from here (CSRF)', async () => {
    const started = await start();
    const browser = createBrowser(it);
    const page = await browser.open('/device');
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const fields = { user_code: started.user_code, confirm: 'yes' };
    assert.equal((await browser.post('/device', fields)).status, 400);
    assert.equal((await browser.post('/device', { ...fields, xsrf: 'x' })).status, 400);
    const again = /name="xsrf" value="([^"]+)"/.exec((await browser.open('/device')).text)?.[1] ?? xsrf;
    const cross = await browser.post('/device', { ...fields, xsrf: again }, { 'sec-fetch-site': 'cross-site' });
    assert.equal(cross.status, 403);
    assert.equal((await poll(started.device_code))['error'], 'authorization_pending');
  });
});

test('DV-01 guesses of user codes are few, for one browser and for one address, and the log says so', async () => {
  await using it = await startTestGateway({ plain: true, config: { listen: { publicUrl: PUBLIC_URL } } });
  await createStockClient(it, '--name terminal --auth none --grants device_code --scopes inference:chat');
  const statuses: number[] = [];
  const guess = async (browser: Browser, code: string): Promise<void> => {
    const answer = await browser.submit(await browser.open('/device'), { user_code: code });
    statuses.push(answer.status);
    if (answer.status === 200) assert.match(answer.text, /There is no such code/);
  };
  const browser = createBrowser(it);
  for (let i = 0; i < 8; i += 1) await guess(browser, `BBBB-BBB${'BCDFGHJK'[i]}`);
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 200, 429, 429]);
  // Nor is another spelling of the address, which nobody would count.
  const page = await browser.open('/device');
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  for (const path of ['/Device', '/DEVICE'])
    assert.equal((await browser.post(path, { xsrf, user_code: 'BBBB-BBBB' })).status, 401, path);
  // A new session is no way around: the address has its own count.
  for (let i = 0; i < 8; i += 1) await guess(createBrowser(it), `BBBB-<b>${i}`);
  assert.deepEqual(statuses.slice(8), [200, 200, 200, 200, 200, 200, 429, 429]);
  assert.ok(it.log.some((line) => line.includes('"security"') && line.includes('user_code_guessing')));
});
