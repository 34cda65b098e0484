import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import * as oidc from 'openid-client';
import { loadConfig } from '../../src/config/load.ts';
import { createBrowser, type Browser, type Shown } from '../support/browser.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { signed, testKey } from '../support/issuer.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { hmacToken, startTestProvider, type TestProvider } from '../support/openid-provider.ts';
import { authorizationOf, createStockClient, createUser, signIn } from '../support/people.ts';

describe('signing in at the company’s identity provider', () => {
  let it: TestGateway;
  let provider: TestProvider;
  before(async () => {
    provider = await startTestProvider();
    const { url: issuer, clientId, clientSecret } = provider;
    it = await startTestGateway({
      plain: true,
      config: {
        listen: { publicUrl: PUBLIC_URL },
        authorizationServer: {
          federation: { issuer, clientId, clientSecret, groups: { engineers: 'chat', leads: 'admins' } },
        },
      },
    });
    await createUser(it, '--name local --scopes inference:chat');
  });
  after(async () => {
    await it[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
  });

  const host = () => new URL(provider.url).host;
  const lastLine = (event: string) => it.log.findLast((line) => line.includes(event)) ?? '';
  const unescaped = (text: string) => text.replaceAll('&amp;', '&');
  const users = async () =>
    JSON.parse((await sallyport(it.stateDir, 'users list --json')).out) as Record<string, unknown>[];
  const userOf = async (name: string) => (await users()).find((one) => one['name'] === `${name} (${host()})`);

  /** Where a browser is sent to from a page on which one can sign in. */
  async function goingFrom(browser: Browser, page: Shown): Promise<URL> {
    const going = await browser.submit(page, { step: 'federated' }, 'value="federated"');
    assert.match(going.title, /^Going on to 127\.0\.0\.1/);
    const [, refresh] = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(going.text) ?? [];
    const [, link] = /href="([^"]+)">Go on</.exec(going.text) ?? [];
    assert.equal(refresh, link);
    return new URL(unescaped(link ?? ''));
  }

  async function begun(): Promise<{ browser: Browser; request: URL }> {
    const browser = createBrowser(it);
    return { browser, request: await goingFrom(browser, await browser.open('/account/sign-in')) };
  }

  /** The whole way of somebody. */
  async function signedIn(claims: Record<string, unknown>): Promise<{ browser: Browser; page: Shown }> {
    const { browser, request } = await begun();
    return { browser, page: await browser.open(provider.signIn(request, { groups: ['engineers'], ...claims })) };
  }

  const nowS = () => Math.floor(Date.now() / 1000);
  const good = () => ({ sub: randomUUID(), preferred_username: 'somebody', groups: ['engineers'] });

  test('the first sign-in makes a person without a password, each one sets the groups, and no right comes but by them', async () => {
    const { browser, request } = await begun();
    assert.equal(`${request.origin}${request.pathname}`, `${provider.url}/authorize`);
    const asked = Object.fromEntries(request.searchParams);
    assert.equal(asked['redirect_uri'], `${PUBLIC_URL}/account/federated`);
    assert.deepEqual(
      [asked['response_type'], asked['client_id'], asked['code_challenge_method'], asked['scope']],
      ['code', 'gateway', 'S256', 'openid profile'],
    );
    assert.ok((asked['state']?.length ?? 0) >= 40 && (asked['nonce']?.length ?? 0) >= 40);
    const ada = { sub: 'a-1', preferred_username: 'ada', groups: ['engineers', 'others'] };
    const page = await browser.open(provider.signIn(request, ada));
    assert.match(page.title, /^Your account/, page.text);
    assert.match(page.text, new RegExp(`<strong>ada \\(${host()}\\)</strong>`));
    assert.doesNotMatch(page.text, /name="password"|data-passkey/);
    const first = await userOf('ada');
    assert.deepEqual(
      [first?.['scopes'], first?.['models'], first?.['groups'], first?.['tenant'], first?.['identityProvider']],
      [[], [], ['chat'], 'default', provider.url],
    );
    await signedIn({ ...ada, groups: ['leads', 'engineers'] });
    const second = await userOf('ada');
    assert.deepEqual([second?.['id'], second?.['groups']], [first?.['id'], ['admins', 'chat']]);
    await signedIn({ ...ada, groups: ['leads'] });
    assert.deepEqual((await userOf('ada'))?.['groups'], ['admins']);
    // Another subject of the same name, and one that differs in case alone, are other people.
    await signedIn({ ...ada, sub: 'A-1' });
    assert.equal((await users()).filter((one) => one['name'] === first?.['name']).length, 2);
  });

  test('of two first sign-ins at once one makes the person', async () => {
    const claims = { sub: 'twice', preferred_username: 'twice' };
    await Promise.all([1, 2, 3].map(() => signedIn(claims)));
    assert.equal((await users()).filter((one) => String(one['name']).startsWith('twice ')).length, 1);
  });

  test('an application’s request goes on where it was, and its tokens say how strong the sign-in was', async () => {
    const web = await createStockClient(
      it,
      '--name notebook --grants authorization_code --scopes inference:chat --redirect-uri https://app.example.org/callback',
    );
    const group = await sallyport(it.stateDir, 'groups create chat --scopes inference:chat --models tiny');
    assert.equal(group.exit, 0, group.err);
    const more = { scope: 'openid inference:chat', acr_values: 'urn:sallyport:acr:mfa', prompt: 'login' };
    async function through(claims: Record<string, unknown>) {
      const browser = createBrowser(it);
      const asked = await authorizationOf(web.config, more);
      const request = await goingFrom(browser, await browser.open(asked.url));
      // The application wants a sign-in of now, so the provider is asked for one.
      assert.equal(request.searchParams.get('prompt'), 'login');
      return { ...asked, browser, shown: await browser.open(provider.signIn(request, claims)) };
    }
    const weak = await through({ ...good(), amr: ['pwd'] });
    assert.equal(weak.shown.url.searchParams.get('error'), 'unmet_authentication_requirements');

    const person = good();
    const { browser, shown, verifier, state } = await through({ ...person, amr: ['pwd', 'otp'] });
    assert.match(shown.title, /^Let notebook act for you/);
    const { url } = await browser.submit(shown, { decision: 'accept' });
    const tokens = await oidc.authorizationCodeGrant(web.config, url, {
      pkceCodeVerifier: verifier,
      expectedState: state,
    });
    const payload = tokens.access_token.split('.')[1] ?? '';
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    assert.deepEqual(
      [claims['scope'], claims['models'], claims['acr'], claims['amr']],
      ['inference:chat', ['tiny'], 'urn:sallyport:acr:mfa', ['pwd', 'otp', 'mfa']],
    );
    assert.equal((await ask(it, { key: tokens.access_token })).status, 200);
    // Out of the group there, out of what it gave here, from the next sign-in on.
    await signedIn({ ...person, groups: ['leads'] });
    assert.equal((await ask(it, { key: tokens.access_token })).code, 'revoked_credential');
  });

  const claimsOf = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

  test('tokens say when somebody signed in at the provider, and one that is to be new is, whatever a browser takes out of the address', async () => {
    const web = await createStockClient(
      it,
      '--name clock --grants authorization_code --scopes inference:chat --redirect-uri https://app.example.org/callback',
    );
    await sallyport(it.stateDir, 'groups create chat --scopes inference:chat --models tiny');
    const person = { ...good(), auth_time: nowS() - 5 * 3600 };
    async function through(more: Record<string, string>) {
      const browser = createBrowser(it);
      const asked = await authorizationOf(web.config, { scope: 'openid inference:chat', ...more });
      const request = await goingFrom(browser, await browser.open(asked.url));
      return { ...asked, browser, request, shown: await browser.open(provider.signIn(request, person)) };
    }
    const { browser, request, shown, verifier, state } = await through({});
    assert.equal(request.searchParams.get('max_age'), '28800');
    const { url } = await browser.submit(shown, { decision: 'accept' });
    const tokens = await oidc.authorizationCodeGrant(web.config, url, {
      pkceCodeVerifier: verifier,
      expectedState: state,
    });
    assert.equal(claimsOf(tokens.access_token)['auth_time'], person.auth_time);
    for (const more of [{ prompt: 'login' }, { max_age: '600' }] as Record<string, string>[]) {
      const fresh = await through(more);
      assert.equal(fresh.request.searchParams.get('max_age'), '0');
      assert.match(alertOf(fresh.shown) ?? '', /has not signed you in/);
      assert.match(lastLine('federation_failed'), /"why":"too_old"/);
    }
    // Of a provider that does not say it, a sign-in that is to be new is none.
    person.auth_time = undefined as unknown as number;
    assert.match(alertOf((await through({ prompt: 'login' })).shown) ?? '', /has not signed you in/);
    assert.match((await through({})).shown.title, /^Let /);
  });

  test('what needs a second factor is not got by a weaker sign-in in a session that once had it, nor by its refresh tokens', async () => {
    const web = await createStockClient(
      it,
      '--name console --grants authorization_code --scopes inference:chat,admin:read --redirect-uri https://app.example.org/callback',
    );
    await sallyport(it.stateDir, 'groups create admins --scopes inference:chat,admin:read');
    const browser = createBrowser(it);
    const person = { sub: randomUUID(), groups: ['leads'] };
    async function through(amr: string[], more: Record<string, string> = {}) {
      const asked = await authorizationOf(web.config, more);
      const request = await goingFrom(browser, await browser.open(asked.url));
      const shown = await browser.open(provider.signIn(request, { ...person, amr }));
      const { url } = shown.title.startsWith('Let ') ? await browser.submit(shown, { decision: 'accept' }) : shown;
      return oidc.authorizationCodeGrant(web.config, url, {
        pkceCodeVerifier: asked.verifier,
        expectedState: asked.state,
      });
    }
    assert.equal((await through(['mfa'])).scope, 'inference:chat admin:read');
    const weak = await through(['pwd'], { prompt: 'login' });
    assert.equal(weak.scope, 'inference:chat');
    const again = await oidc.refreshTokenGrant(web.config, weak.refresh_token ?? '');
    assert.equal(claimsOf(again.access_token)['scope'], 'inference:chat');
  });

  test('a way that began before a change of the configuration is judged by what it is now', async () => {
    const { url: issuer, clientId, clientSecret } = provider;
    const groups = { engineers: 'chat', leads: 'admins' };
    const reload = async (federation: object) => {
      const loaded = loadConfig({
        env: {},
        overrides: {
          listen: { host: '127.0.0.1', port: 0, tls: { mode: 'off' }, publicUrl: PUBLIC_URL },
          admin: { port: 0 },
          workers: 1,
          upstreams: [{ name: 'simulator', url: it.simulator.url }],
          authorizationServer: { federation },
        },
      });
      assert.ok(loaded.ok, JSON.stringify(loaded));
      await it.gateway.reload(loaded.config);
    };
    const lead = { sub: randomUUID(), groups: ['leads'] };
    const [one, two] = [await begun(), await begun()];
    try {
      await reload({ issuer, clientId, clientSecret, groups: { engineers: 'chat' } });
      assert.equal((await one.browser.open(provider.signIn(one.request, lead))).status, 403);
      await reload({});
      assert.equal((await two.browser.open(provider.signIn(two.request, good()))).status, 400);
      assert.match((await two.browser.open('/account')).title, /^Sign in/);
    } finally {
      await reload({ issuer, clientId, clientSecret, groups });
    }
  });

  test('who is in no group that counts is refused with what to do, and loses what they had', async () => {
    const ada = { sub: 'leaver', preferred_username: 'leaver' };
    const { browser } = await signedIn(ada);
    assert.match((await browser.open('/account')).title, /^Your account/);
    for (const groups of [[], ['others'], ['constructor'], undefined]) {
      const { page } = await signedIn({ ...ada, groups });
      assert.equal(page.status, 403);
      assert.match(page.text, /Ask your administrator/);
    }
    assert.deepEqual((await userOf('leaver'))?.['groups'], []);
    assert.match((await browser.open('/account')).title, /^Sign in/);
  });

  test('who was disabled or deleted here stays out, whatever the provider says, and nobody is made anew', async () => {
    for (const verb of ['disable', 'delete']) {
      const claims = { sub: `out-${verb}`, preferred_username: verb };
      await signedIn(claims);
      const id = String((await userOf(verb))?.['id']);
      assert.equal((await sallyport(it.stateDir, `users ${verb} ${id}`)).exit, 0);
      const before = (await users()).length;
      const { page } = await signedIn(claims);
      assert.equal(page.status, 403);
      assert.equal((await users()).length, before);
    }
  });

  test('somebody of the provider gets no way in of their own: no password, no passkey, no invitation', async () => {
    const { browser, page } = await signedIn({ sub: 'own', preferred_username: 'own' });
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const fresh = { new: 'another horse battery', again: 'another horse battery', password: '' };
    for (const what of ['add-passkey', 'set-up', 'password']) {
      await browser.post('/account', { csrf, do: what, ...fresh });
      assert.match(alertOf(await browser.open('/account')) ?? '', /password is not right/, what);
    }
    const invited = await sallyport(it.stateDir, `users invite ${String((await userOf('own'))?.['id'])}`);
    assert.deepEqual([invited.exit, /identity provider/.test(invited.err)], [1, true]);
  });

  test('a state of another browser, one used before, and none are refused, and the log has a line of security', async () => {
    const theirs = await begun();
    const back = provider.signIn(theirs.request, good());
    const mine = createBrowser(it);
    await mine.open('/account/sign-in');
    assert.equal((await mine.open(back)).status, 400);
    assert.match(lastLine('federation_state'), /"event":"security".*"why":"browser"/);
    assert.match((await mine.open('/account')).title, /^Sign in/);
    // It was used up by that: whoever began it begins again.
    assert.equal((await theirs.browser.open(back)).status, 400);

    const { browser, request } = await begun();
    const once = provider.signIn(request, good());
    assert.match((await browser.open(once)).title, /^Your account/);
    assert.equal((await browser.open(once)).status, 400);
    assert.match(lastLine('federation_state'), /"why":"unknown"/);
    for (const search of ['', '?code=1', '?code=1&state=made-up'])
      assert.equal((await browser.open(`/account/federated${search}`)).status, 400);
  });

  test('a sign-in that was begun by a page of somebody else is refused (CSRF)', async () => {
    const browser = createBrowser(it);
    const page = await browser.open('/account/sign-in');
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const fields = { csrf, step: 'federated' };
    assert.equal((await browser.post('/account/sign-in', fields, { 'sec-fetch-site': 'cross-site' })).status, 403);
    assert.equal((await browser.post('/account/sign-in', { step: 'federated' })).status, 403);
  });

  test('a session from before the sign-in is not the one after it (session fixation)', async () => {
    const browser = createBrowser(it);
    const request = await goingFrom(browser, await browser.open('/account/sign-in'));
    const planted = [...browser.jar].find(([name]) => name.startsWith('__Host-sallyport '))?.[1].value;
    await browser.open(provider.signIn(request, good()));
    const session = [...browser.jar].find(([name]) => name.startsWith('__Host-sallyport '))?.[1].value;
    assert.ok(session !== undefined && session !== planted);
  });

  for (const [what, attack] of [
    ['the issuer of another provider (mix-up)', { back: { iss: 'https://evil.example' } }],
    ['no issuer', { back: { iss: '' } }],
    ['a code of nobody', { back: { code: 'made-up' }, said: /"event":"federation_unreachable".*"why":"json_source"/ }],
    ['another nonce', { claims: () => ({ nonce: 'made-up' }) }],
    ['no nonce', { claims: () => ({ nonce: undefined }) }],
    ['an ID token for another audience', { claims: () => ({ aud: 'another' }) }],
    ['an ID token for two, by another party', { claims: () => ({ aud: ['gateway', 'another'], azp: 'another' }) }],
    ['an ID token of another issuer', { claims: () => ({ iss: 'https://evil.example' }) }],
    ['an ID token that has expired', { claims: () => ({ exp: nowS() - 60 }) }],
    ['an ID token without a subject', { claims: () => ({ sub: undefined }) }],
    ['an ID token without a signature', { token: (claims) => `${noneToken(claims)}.` }],
    ['an ID token by HMAC with the client’s secret', { token: (claims, p) => hmacToken(claims, p.clientSecret) }],
    ['an ID token of a key that is not the provider’s', { token: (claims, p) => forged(claims, p) }],
    ['no ID token', { token: () => undefined as unknown as string }],
  ] as [string, Attack][]) {
    test(`${what} signs nobody in`, async () => {
      const { idToken } = provider;
      const before = (await users()).length;
      try {
        if (attack.token !== undefined) provider.idToken = (claims) => attack.token?.(claims, provider) ?? '';
        const { browser, request } = await begun();
        const back = provider.signIn(request, { ...good(), ...attack.claims?.() });
        for (const [name, value] of Object.entries(attack.back ?? {}))
          if (value === '') back.searchParams.delete(name);
          else back.searchParams.set(name, value);
        const page = await browser.open(back);
        assert.match(page.title, /^Sign in/);
        assert.equal(alertOf(page), `${host()} has not signed you in. Try again, or sign in in another way.`);
        assert.match(lastLine('federation_'), attack.said ?? /"event":"security".*"federation_failed".*"why":"OAUTH_/);
        assert.equal((await users()).length, before);
      } finally {
        provider.idToken = idToken;
      }
    });
  }

  test('an error of the provider is said without its texts, on the page and in the log', async () => {
    const { browser, request } = await begun();
    const back = new URL(`${PUBLIC_URL}/account/federated`);
    back.search = new URLSearchParams({
      error: 'access_denied',
      error_description: '<b>call 0900-EVIL</b>',
      error_uri: 'https://evil.example',
      state: request.searchParams.get('state') ?? '',
      iss: provider.url,
    }).toString();
    const page = await browser.open(back);
    assert.equal(alertOf(page), `${host()} has not signed you in. Try again, or sign in in another way.`);
    assert.match(lastLine('federation_'), /"event":"federation_declined"/);
    assert.doesNotMatch(`${page.text}${it.log.join('')}`, /EVIL|evil\.example/);
  });

  test('no secret of a sign-in stands in the log', async () => {
    const { browser, request } = await begun();
    const back = provider.signIn(request, { ...good(), sub: 'subject-of-the-log' });
    await browser.open(back);
    const log = it.log.join('\n');
    const [state, code] = [back.searchParams.get('state') ?? '', back.searchParams.get('code') ?? ''];
    for (const secret of [
      state,
      code,
      request.searchParams.get('nonce') ?? '',
      provider.clientSecret,
      'subject-of-the',
    ])
      assert.ok(secret !== '' && !log.includes(secret));
  });

  test('whoever brings made-up codes has the provider asked no more often than wrong credentials may be sent', async () => {
    let status = 0;
    let last = 0;
    for (let tries = 0; status !== 429 && tries < 40; tries += 1) {
      const { browser, request } = await begun();
      const back = provider.signIn(request, good());
      back.searchParams.set('code', 'made-up');
      last = provider.asked.length;
      ({ status } = await browser.open(back));
    }
    assert.equal(status, 429);
    assert.equal(provider.asked.length, last);
  });
});

const alertOf = ({ text }: Shown) => /role="alert">\s*([^<]*?)\s*</.exec(text)?.[1]?.replace(/\s+/g, ' ');

interface Attack {
  readonly back?: Record<string, string>;
  /** The line of the log, where it is no line of security. */
  readonly said?: RegExp;
  readonly claims?: () => Record<string, unknown>;
  readonly token?: (claims: Record<string, unknown>, provider: TestProvider) => string;
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const noneToken = (claims: Record<string, unknown>) => `${encoded({ alg: 'none' })}.${encoded(claims)}`;
function forged(claims: Record<string, unknown>, { key }: TestProvider): string {
  const other = testKey('RS256', key.kid);
  return signed({ alg: other.alg, kid: key.kid }, claims, other);
}

test('while the provider is down the page says so, and passwords go on', async () => {
  await using provider = await startTestProvider();
  const { url: issuer, clientId, clientSecret } = provider;
  await using it = await startTestGateway({
    plain: true,
    config: {
      listen: { publicUrl: PUBLIC_URL },
      authorizationServer: { federation: { issuer, clientId, clientSecret, groups: { engineers: 'chat' } } },
    },
  });
  const browser = createBrowser(it);
  const go = async () =>
    browser.submit(await browser.open('/account/sign-in'), { step: 'federated' }, 'value="federated"');
  provider.isDown = true;
  const page = await go();
  assert.match(page.title, /^Sign in/);
  assert.equal(alertOf(page), `${new URL(issuer).host} cannot be reached at this moment. Try again in a minute.`);
  // Where nobody is known yet the pages answer all the same: the first person comes by the provider.
  await createUser(it, '--name local --scopes inference:chat');
  assert.match((await signIn(browser, await browser.open('/account/sign-in'), 'local')).title, /^Your account/);
});
