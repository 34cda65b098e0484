import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as oidc from 'openid-client';
import { lifetimesOf } from '../support/aged.ts';
import { createBrowser, type Shown } from '../support/browser.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import {
  authorizationOf,
  codeFor,
  createStockClient,
  createUser,
  PASSWORD,
  REDIRECT,
  signIn,
  tokensFor,
} from '../support/people.ts';

type StockClient = Awaited<ReturnType<typeof createStockClient>>;

describe('the authorization code grant', () => {
  let it: TestGateway;
  let web: StockClient;
  let other: StockClient;
  let pushed: StockClient;
  before(async () => {
    it = await startTestGateway({
      plain: true,
      workers: 2,
      config: { listen: { publicUrl: PUBLIC_URL }, limits: { perIp: { failuresPerMinute: 100 } } },
    });
    await createUser(it, '--name ada --models tiny,mini --scopes inference:chat,models:read');
    await createUser(it, '--name bob --scopes models:read');
    const grants = '--grants authorization_code --scopes inference:chat,inference:embeddings';
    web = await createStockClient(it, `--name <b>notebook</b> ${grants} --models tiny,big --redirect-uri ${REDIRECT}`);
    other = await createStockClient(it, `--name app --auth none ${grants} --redirect-uri ${REDIRECT}`);
    pushed = await createStockClient(it, `--name strict ${grants} --redirect-uri ${REDIRECT} --require-par`);
  });
  after(() => it[Symbol.asyncDispose]());

  /** An error page of ours, and no redirect. */
  function assertErrorPage(page: Shown, status = 400): void {
    assert.equal(page.status, status, page.text);
    assert.equal(page.headers.get('location'), null);
    assert.match(page.title, /^This did not work/);
  }
  const grantOf = (one: StockClient, url: URL, verifier: string, state: string) =>
    oidc.authorizationCodeGrant(one.config, url, { pkceCodeVerifier: verifier, expectedState: state });

  test('AZ-14 consent names client, place, models, scopes and time; what is granted is what client and person both have', async () => {
    const browser = createBrowser(it);
    const { url, verifier, state } = await authorizationOf(web.config);
    const consent = await signIn(browser, await browser.open(url), 'ada');
    assert.match(consent.title, /^Let &lt;b&gt;notebook&lt;\/b&gt; act for you\?/);
    assert.match(consent.text, /is not verified/);
    assert.match(consent.text, /app\.example\.org/);
    assert.match(consent.text, /<dd>tiny<\/dd>/);
    assert.match(consent.text, /chat with models \(<code>inference:chat<\/code>\)/);
    assert.doesNotMatch(consent.text, /inference:embeddings/);
    assert.match(consent.text, /up to 30 days/);
    assert.equal(consent.text.match(/<button name="decision" value="(accept|decline)">/g)?.length, 2);
    assert.match(consent.text, new RegExp(`You are at <strong>${PUBLIC_URL}</strong>`));
    const done = await browser.submit(consent, { decision: 'accept' });
    const tokens = await grantOf(web, done.url, verifier, state);
    assert.equal(tokens.scope, 'inference:chat');
    assert.ok(tokens.refresh_token);
    assert.equal(tokens.id_token, undefined);
    assert.equal((await ask(it, { key: tokens.access_token })).status, 200);
    const body = { model: 'big', messages: [{ role: 'user', content: 'hi' }] };
    assert.equal((await ask(it, { key: tokens.access_token, body })).code, 'model_not_allowed');
  });

  test('AZ-09 AZ-14 whoever declines, or sends a form that says nothing, sends the client away with access_denied', async () => {
    for (const fields of [{ decision: 'decline' }, {}, { decision: 'yes' }] as Record<string, string>[]) {
      const browser = createBrowser(it);
      const { url } = await authorizationOf(web.config);
      const done = await browser.submit(await signIn(browser, await browser.open(url), 'ada'), fields);
      assert.equal(done.url.searchParams.get('error'), 'access_denied');
      assert.equal(done.url.searchParams.get('code'), null);
    }
  });

  test('a person who has none of the scopes gives nothing: invalid_scope', async () => {
    const browser = createBrowser(it);
    const { url } = await authorizationOf(web.config);
    const done = await signIn(browser, await browser.open(url), 'bob');
    assert.equal(done.url.searchParams.get('error'), 'invalid_scope');
  });

  for (const [what, uri] of [
    ['of somebody else', 'https://evil.example/callback'],
    ['with another path', `${REDIRECT}/x`],
    ['with a query', `${REDIRECT}?next=https://evil.example`],
    ['in other letters', 'https://APP.example.org/callback'],
    ['with a user', 'https://app.example.org@evil.example/callback'],
    ['with another port', 'https://app.example.org:8443/callback'],
    ['with a dot segment', 'https://app.example.org/x/../callback'],
    ['without TLS', 'http://app.example.org/callback'],
    ['that is script', 'javascript:alert(1)'],
    ['that is markup', 'https://app.example.org/"><script>alert(1)</script>'],
  ] as const) {
    test(`AZ-01 AZ-03 a redirect URI ${what} gets an error page, never a redirect (mix-up, open redirect)`, async () => {
      const { url } = await authorizationOf(web.config, { redirect_uri: uri });
      const page = await createBrowser(it).once(url);
      assertErrorPage(page);
      assert.doesNotMatch(page.text, /<script|evil\.example/);
    });
  }

  test('AZ-03 an unknown client gets an error page, whose id the log explains', async () => {
    const { url } = await authorizationOf(web.config);
    url.searchParams.set('client_id', 'c_<img src=x>');
    const page = await createBrowser(it).once(url);
    assertErrorPage(page);
    assert.doesNotMatch(page.text, /<img/);
    const id = /<code>([^<]+)<\/code>/.exec(page.text)?.[1] ?? '';
    assert.ok(
      it.log.some((line) => line.includes('"oauth_refused"') && line.includes(id) && line.includes('invalid_client')),
    );
  });

  test('nobody signs in on a way that began in another browser, though a sibling domain has planted its cookies (session fixation)', async () => {
    const [attacker, victim] = [createBrowser(it), createBrowser(it)];
    const { headers } = await attacker.once((await authorizationOf(web.config)).url);
    for (const [name, cookie] of attacker.jar) if (!name.startsWith('__Host-')) victim.jar.set(name, cookie);
    const page = await victim.open(headers.get('location') ?? '');
    assertErrorPage(page);
    assert.ok(it.log.some((line) => line.includes('interaction_of_another_browser')));
    // Without what stands in the address, the cookies of the other browser are no more use.
    assertErrorPage(await victim.open((headers.get('location') ?? '').replace(/\/[^/]+$/, '')));
    assert.match((await attacker.open(headers.get('location') ?? '')).title, /^Sign in/);
  });

  for (const [what, fields] of [
    ['without PKCE', { code_challenge: '', code_challenge_method: '' }],
    ['with plain PKCE', { code_challenge_method: 'plain' }],
    ['with no method, which would mean plain', { code_challenge_method: '' }],
  ] as const) {
    test(`AZ-04 AZ-08 a request ${what} is refused, and the answer names its issuer (PKCE downgrade)`, async () => {
      const { url } = await authorizationOf(web.config);
      for (const [name, value] of Object.entries(fields))
        if (value === '') url.searchParams.delete(name);
        else url.searchParams.set(name, value);
      const { headers } = await createBrowser(it).once(url);
      const to = new URL(headers.get('location') ?? '');
      assert.equal(`${to.origin}${to.pathname}`, REDIRECT);
      assert.equal(to.searchParams.get('error'), 'invalid_request');
      assert.equal(to.searchParams.get('iss'), PUBLIC_URL);
    });
  }

  test('AZ-05 a code needs its verifier: none and another one are refused', async () => {
    for (const verifier of [undefined, oidc.randomPKCECodeVerifier()]) {
      const { url, state } = await codeFor(createBrowser(it), web.config, 'ada');
      await assert.rejects(
        oidc.authorizationCodeGrant(web.config, url, {
          expectedState: state,
          ...(verifier === undefined ? {} : { pkceCodeVerifier: verifier }),
        }),
        { error: 'invalid_grant' },
      );
    }
  });

  test('AZ-06 a code works once; used again it ends what it has brought', async () => {
    const { url, verifier, state } = await codeFor(createBrowser(it), web.config, 'ada');
    const tokens = await grantOf(web, url, verifier, state);
    assert.equal((await ask(it, { key: tokens.access_token })).status, 200);
    await assert.rejects(grantOf(web, url, verifier, state), { error: 'invalid_grant' });
    for (const _ of [1, 2, 3, 4])
      assert.equal((await ask(it, { key: tokens.access_token })).code, 'revoked_credential');
    await assert.rejects(oidc.refreshTokenGrant(web.config, tokens.refresh_token ?? ''), { error: 'invalid_grant' });
  });

  test('AZ-06 of many who use one code at once no two get tokens that live', async () => {
    const { url, verifier, state } = await codeFor(createBrowser(it), web.config, 'ada');
    const got = await Promise.allSettled(Array.from({ length: 10 }, () => grantOf(web, url, verifier, state)));
    const tokens = got.flatMap((one) => (one.status === 'fulfilled' ? [one.value.access_token] : []));
    assert.ok(tokens.length <= 1, `${tokens.length} got tokens`);
  });

  test('AZ-06 a code belongs to its client and its redirect URI', async () => {
    const { url, verifier, state } = await codeFor(createBrowser(it), web.config, 'ada');
    await assert.rejects(grantOf(other, url, verifier, state), { error: 'invalid_grant' });
    const second = await codeFor(createBrowser(it), web.config, 'ada');
    const elsewhere = new URL(second.url);
    elsewhere.pathname = '/another';
    await assert.rejects(grantOf(web, elsewhere, second.verifier, second.state), { error: 'invalid_grant' });
  });

  test('DP-11 a code that was asked for by a key works with a proof of that key alone', async () => {
    const thief = await oidc.randomDPoPKeyPair();
    const own = await oidc.randomDPoPKeyPair();
    const dpop = oidc.getDPoPHandle(web.config, own);
    for (const [key, works] of [
      [thief, false],
      [own, true],
    ] as const) {
      const jkt = await dpop.calculateThumbprint();
      const { url, verifier, state } = await codeFor(createBrowser(it), web.config, 'ada', { dpop_jkt: jkt });
      const tokens = oidc.authorizationCodeGrant(
        web.config,
        url,
        { pkceCodeVerifier: verifier, expectedState: state },
        undefined,
        { DPoP: oidc.getDPoPHandle(web.config, key) },
      );
      if (works) assert.equal((await tokens).token_type, 'dpop');
      else await assert.rejects(tokens, { error: 'invalid_grant' });
    }
  });

  test('AZ-07 a code lives for a minute', () => {
    const lives = lifetimesOf(it.stateDir, 'AuthorizationCode');
    assert.ok(lives.length > 0 && lives.every((s) => s <= 60), lives.join());
  });

  test('AZ-10 AZ-11 pages forbid frames, foreign script and content and referrers, and have no CORS headers (clickjacking)', async () => {
    const browser = createBrowser(it);
    const { url } = await authorizationOf(web.config);
    const redirect = await browser.once(url, { headers: { origin: 'https://evil.example' } });
    const page = await browser.open(redirect.headers.get('location') ?? '');
    const pages = [page, await signIn(browser, page, 'ada'), await createBrowser(it).open('/device')];
    pages.push(await createBrowser(it).open('/account/sign-in'), await createBrowser(it).open('/account/signed-out'));
    pages.push(await createBrowser(it).once('/oauth/authorize?client_id=x'));
    for (const { headers, title, text } of pages) {
      const policy = headers.get('content-security-policy') ?? '';
      // The script by which a passkey is asked for, by its hash, and none where no passkey can be used.
      const scripts = [...text.matchAll(/<script>([^]*?)<\/script>/g)].map(([, script = '']) => script);
      assert.equal(scripts.length, title.startsWith('Sign in') ? 1 : 0, title);
      const allowed = scripts.map((script) => ` script-src 'sha256-${hash('sha256', script, 'base64')}';`).join('');
      assert.ok(policy.startsWith(`default-src 'none';${allowed} style-src`), policy);
      assert.match(policy, / style-src 'sha256-[^']+'; form-action 'self'[^;]*; frame-ancestors 'none'/);
      assert.equal(headers.get('x-frame-options'), 'DENY', title);
      assert.equal(headers.get('referrer-policy'), 'no-referrer', title);
      assert.equal(headers.get('cache-control'), 'no-store', title);
    }
    for (const { headers } of [redirect, ...pages]) assert.equal(headers.get('access-control-allow-origin'), null);
    assert.match(page.headers.get('content-security-policy') ?? '', /form-action 'self' https:\/\/app\.example\.org;/);
  });

  test('pages have a language, a title, labels for every field, and nothing that runs but what their policy names', async () => {
    for (const path of ['/account/sign-in', '/device']) {
      const { text, title } = await createBrowser(it).open(path);
      assert.match(text, /<html lang="en">/);
      assert.notEqual(title, '');
      for (const [, id] of text.matchAll(/<input id="([^"]+)"/g)) assert.match(text, new RegExp(`<label for="${id}"`));
      assert.doesNotMatch(text.replace(/<script>[^]*?<\/script>/, ''), /<script|\son[a-z]+=|javascript:/i);
    }
  });

  test('AZ-12 a parameter that stands there twice is refused, one that nobody knows is ignored', async () => {
    const { url } = await authorizationOf(web.config, { something_else: 'x' });
    assert.match((await createBrowser(it).open(url)).title, /^Sign in/);
    url.searchParams.append('state', 'another');
    const { headers } = await createBrowser(it).once(url);
    assert.equal(new URL(headers.get('location') ?? '').searchParams.get('error'), 'invalid_request');
    const twice = await authorizationOf(web.config);
    twice.url.searchParams.append('redirect_uri', 'https://evil.example/');
    // To the one that is registered, where there is only one.
    const answer = await createBrowser(it).once(twice.url);
    assert.ok(answer.headers.get('location')?.startsWith(`${REDIRECT}?error=invalid_request`));
  });

  test('AZ-13 there are no tokens in the front channel, and no password grant', async () => {
    for (const type of ['token', 'id_token', 'code id_token', 'code token', 'none']) {
      const { url } = await authorizationOf(web.config, { response_type: type });
      const { headers, status } = await createBrowser(it).once(url);
      const to = headers.get('location');
      if (to === null) assert.equal(status, 400);
      else assert.match(to, /error=unsupported_response_type|error=unauthorized_client/);
    }
    await assert.rejects(oidc.genericGrantRequest(web.config, 'password', { username: 'ada', password: PASSWORD }), {
      error: 'unsupported_grant_type',
    });
  });

  test('AZ-15 ids of clients and of people never look alike', () => {
    assert.match(web.id, /^c_/);
    assert.match(it.log.find((line) => line.includes('"signed_in"')) ?? '', /"user":"u_/);
  });

  test('consent cannot be skipped: a made-up form at sign-in, the way back without an answer, a foreign or old token', async () => {
    const browser = createBrowser(it);
    const { url } = await authorizationOf(web.config);
    const page = await browser.open(url);
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const path = page.url.pathname;
    const uid = path.split('/').at(-2);
    // At sign-in an acceptance is only a wrong password.
    const accepted = await browser.post(path, { csrf, decision: 'accept' });
    assert.equal(accepted.headers.get('location'), path);
    // The way back asks again, whatever is sent along.
    const back = await browser.open(`/oauth/authorize/${uid}?consent=accept&login=ada`);
    assert.match(back.title, /^Sign in/);
    const consent = await signIn(browser, back, 'ada');
    assert.match(consent.title, /^Let /);
    const round = await browser.open(`/oauth/authorize/${consent.url.pathname.split('/').at(-2)}`);
    assert.match(round.title, /^Let /);
    for (const [fields, headers] of [
      [{ decision: 'accept' }, {}],
      [{ decision: 'accept', csrf }, {}],
      [
        { decision: 'accept', csrf: /name="csrf" value="([^"]+)"/.exec(round.text)?.[1] ?? '' },
        { 'sec-fetch-site': 'cross-site' },
      ],
      [
        { decision: 'accept', csrf: /name="csrf" value="([^"]+)"/.exec(round.text)?.[1] ?? '' },
        { origin: 'https://evil.example' },
      ],
    ] as [Record<string, string>, Record<string, string>][]) {
      const refused = await browser.post(round.url.pathname, fields, headers);
      assert.equal(refused.status, 403);
    }
    // Another browser has nothing by the address alone.
    assertErrorPage(await createBrowser(it).once(round.url));
    // Nor by a cookie made from it: the log shows addresses, and a cookie counts with its signature alone.
    const forger = createBrowser(it);
    const { pathname } = round.url;
    forger.jar.set('sallyport_interaction /', { value: pathname.split('/').at(-2) ?? '', path: '/' });
    assertErrorPage(await forger.once(round.url));
    forger.jar.set('sallyport_interaction.sig /', { value: 'A'.repeat(27), path: '/' });
    assertErrorPage(await forger.once(round.url));
    assert.match((await browser.open(round.url)).title, /^Let /);
  });

  test('a client whose tenant was disabled acts for nobody any more, of whatever tenant they are', async () => {
    const run = async (line: string) => assert.equal((await sallyport(it.stateDir, line)).exit, 0);
    await run('tenants create guests');
    const line = '--name guest --tenant guests --grants authorization_code --scopes inference:chat --models tiny';
    const guest = await createStockClient(it, `${line} --redirect-uri ${REDIRECT}`);
    const browser = createBrowser(it);
    const tokens = await tokensFor(browser, guest.config, 'ada');
    assert.equal((await ask(it, { key: tokens.access_token })).status, 200);
    await run('tenants disable guests');
    assert.equal((await ask(it, { key: tokens.access_token })).code, 'revoked_credential');
    await assert.rejects(oidc.refreshTokenGrant(guest.config, tokens.refresh_token ?? ''), { status: 401 });
    assertErrorPage(await browser.open((await authorizationOf(guest.config)).url));
  });

  test('who signs in while somebody else has, beside the page, in the same browser is told so', async () => {
    const browser = createBrowser(it);
    const page = await browser.open((await authorizationOf(web.config)).url);
    await signIn(browser, await browser.open('/account/sign-in'), 'bob');
    const shown = await signIn(browser, page, 'ada');
    assertErrorPage(shown, 409);
    assert.match((await browser.open('/account')).text, /signed in as <strong>bob/);
  });

  test('a session that was there before sign-in is not the one after it (session fixation)', async () => {
    const browser = createBrowser(it);
    await browser.open('/device');
    const planted = browser.jar.get('__Host-sallyport /')?.value;
    assert.ok(planted);
    await tokensFor(browser, web.config, 'ada');
    assert.notEqual(browser.jar.get('__Host-sallyport /')?.value, planted);
    const attacker = createBrowser(it);
    for (const [key, cookie] of browser.jar) attacker.jar.set(key, cookie);
    attacker.jar.set('__Host-sallyport /', { value: planted, path: '/' });
    assert.match((await attacker.open('/account')).title, /^Sign in/);
  });

  test('nothing but a registered redirect URI leads away from here (open redirect)', async () => {
    const evil = 'https://evil.example/';
    for (const path of [
      `/account?return_to=${evil}`,
      `/account/sign-in?next=${evil}`,
      `/oauth/end_session?post_logout_redirect_uri=${evil}&client_id=${web.id}`,
      `/device?redirect_uri=${evil}`,
      `/oauth/interaction/x?returnTo=${evil}`,
      `/oauth/authorize/x?redirect_uri=${evil}`,
    ]) {
      const { headers, text } = await createBrowser(it).once(path);
      assert.ok(!(headers.get('location') ?? '').includes('evil.example'), path);
      assert.ok(!text.includes('evil.example'), path);
    }
  });

  test('PA-01 PA-02 PA-03 a pushed request works once, for its client; where it is required nothing else does', async () => {
    const plain = await authorizationOf(pushed.config);
    const refused = await createBrowser(it).once(plain.url);
    assert.match(refused.headers.get('location') ?? refused.text, /invalid_request/);

    const verifier = oidc.randomPKCECodeVerifier();
    const state = oidc.randomState();
    const wish = {
      redirect_uri: REDIRECT,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
    };
    const url = await oidc.buildAuthorizationUrlWithPAR(pushed.config, wish);
    const foreign = new URL(url);
    foreign.searchParams.set('client_id', web.id);
    const mixed = await createBrowser(it).once(foreign);
    assert.match(mixed.headers.get('location') ?? '', /^https:\/\/app\.example\.org\/callback\?error=invalid_request/);
    const browser = createBrowser(it);
    const consent = await signIn(browser, await browser.open(url), 'ada');
    const done = await browser.submit(consent, { decision: 'accept' });
    assert.ok((await grantOf(pushed, done.url, verifier, state)).access_token);
    const again = await createBrowser(it).once(url);
    assert.match(`${again.headers.get('location')} ${again.text}`, /invalid_request_uri|error=invalid_request/);

    for (const bad of [
      { ...wish, redirect_uri: 'https://evil.example/' },
      { ...wish, code_challenge_method: 'plain' },
      { ...wish, request_uri: 'urn:ietf:params:oauth:request_uri:x' },
    ])
      await assert.rejects(oidc.buildAuthorizationUrlWithPAR(pushed.config, bad), { status: 400 });
    const unknown = new oidc.Configuration(
      pushed.config.serverMetadata(),
      pushed.id,
      {},
      oidc.ClientSecretBasic('wrong'),
    );
    unknown[oidc.customFetch] = pushed.config[oidc.customFetch] as oidc.CustomFetch;
    await assert.rejects(oidc.buildAuthorizationUrlWithPAR(unknown, wish), { status: 401 });
  });

  test('SU-03 an authentication that cannot be had is refused by its name, an old one is made anew', async () => {
    const browser = createBrowser(it);
    const weak = await authorizationOf(web.config, {
      scope: 'openid inference:chat',
      acr_values: 'urn:sallyport:acr:mfa',
    });
    const refused = await signIn(browser, await browser.open(weak.url), 'ada');
    assert.equal(refused.url.searchParams.get('error'), 'unmet_authentication_requirements');
    await tokensFor(browser, web.config, 'ada');
    const old = await authorizationOf(web.config, { scope: 'openid inference:chat', prompt: 'login' });
    assert.match((await browser.open(old.url)).title, /^Sign in/);
  });

  test('SU-02 an access token says how and when the person signed in; a refresh makes it no newer', async () => {
    const said = (token: string) => {
      const { acr, amr, auth_time } = JSON.parse(
        Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(),
      ) as Record<string, unknown>;
      return { acr, amr, auth_time };
    };
    const first = await tokensFor(createBrowser(it), web.config, 'ada');
    const { acr, amr, auth_time: at } = said(first.access_token);
    assert.deepEqual([acr, amr], ['urn:sallyport:acr:password', ['pwd']]);
    assert.ok(Math.abs(Date.now() / 1000 - Number(at)) < 60);
    const next = await oidc.refreshTokenGrant(web.config, first.refresh_token ?? '');
    assert.deepEqual(said(next.access_token), { acr, amr, auth_time: at });
  });

  test('OpenID Connect, where it is asked for: an ID token for its client, which opens nothing here', async () => {
    const { url, verifier, state } = await codeFor(createBrowser(it), web.config, 'ada', {
      scope: 'openid inference:chat',
    });
    const tokens = await oidc.authorizationCodeGrant(web.config, url, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      idTokenExpected: true,
    });
    assert.match(tokens.claims()?.sub ?? '', /^u_/);
    assert.equal((await ask(it, { key: tokens.id_token ?? '' })).status, 401);
  });

  test('RT-08 no code, token, cookie, secret or password of all this is readable in the state directory or the log', async () => {
    const browser = createBrowser(it);
    const { url, verifier, state } = await codeFor(browser, web.config, 'ada');
    const tokens = await grantOf(web, url, verifier, state);
    const cookie = browser.jar.get('__Host-sallyport /')?.value ?? '';
    const secrets = [
      url.searchParams.get('code') ?? '',
      tokens.access_token,
      tokens.access_token.split('.')[2] ?? '',
      tokens.refresh_token ?? '',
      web.secret ?? '',
      cookie,
      PASSWORD,
    ];
    const files = readdirSync(it.stateDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('latin1'));
    for (const secret of secrets) {
      assert.ok(secret.length > 10);
      assert.ok(!files.some((text) => text.includes(secret)));
      assert.ok(!it.log.some((line) => line.includes(secret)));
    }
  });
});
