import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as oidc from 'openid-client';
import { totpCode, totpStepAt } from '../../src/directory/totp.ts';
import { fromBase32 } from '../support/base32.ts';
import { createBrowser, type Browser, type Shown } from '../support/browser.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { authorizationOf, createStockClient, createUser, PASSWORD, signIn, tokensFor } from '../support/people.ts';

describe('the account page', () => {
  let it: TestGateway;
  let web: Awaited<ReturnType<typeof createStockClient>>;
  before(async () => {
    it = await startTestGateway({ plain: true, workers: 2, config: { listen: { publicUrl: PUBLIC_URL } } });
    for (const name of ['ada', 'bob', 'eve', 'kim', 'liv', 'max', 'zoe'])
      await createUser(it, `--name ${name} --scopes inference:chat,admin:read`);
    web = await createStockClient(
      it,
      '--name notebook --grants authorization_code --scopes inference:chat,admin:read --redirect-uri https://app.example.org/callback',
    );
  });
  after(() => it[Symbol.asyncDispose]());

  async function account(browser: Browser, name: string, password = PASSWORD): Promise<Shown> {
    const page = await browser.open('/account');
    return page.title.startsWith('Sign in') ? signIn(browser, page, name, password) : page;
  }
  const works = async (token: string) => {
    const codes = await Promise.all([1, 2, 3, 4].map(async () => (await ask(it, { key: token })).code ?? 'ok'));
    assert.equal(new Set(codes).size, 1, codes.join());
    return codes[0];
  };

  test('RT-07 ending the access of a client holds from the next request on, on all workers, and for its refresh token', async () => {
    const browser = createBrowser(it);
    const tokens = await tokensFor(browser, web.config, 'ada', { scope: 'inference:chat' });
    assert.equal(await works(tokens.access_token), 'ok');
    const page = await account(browser, 'ada');
    assert.match(page.text, /notebook/);
    assert.match((await browser.submit(page, {}, 'end-grant')).text, /None\./);
    assert.equal(await works(tokens.access_token), 'revoked_credential');
    await assert.rejects(oidc.refreshTokenGrant(web.config, tokens.refresh_token ?? ''), { error: 'invalid_grant' });
  });

  test('sessions and grants are listed and ended by command, and what was given in them ends with them', async () => {
    const run = async (line: string) => {
      const done = await sallyport(it.stateDir, line);
      assert.equal(done.exit, 0, done.err);
      return JSON.parse(done.out) as { id: string; user: string; client: string; scopes: string[] }[];
    };
    const browser = createBrowser(it);
    const first = await tokensFor(browser, web.config, 'ada', { scope: 'inference:chat' });
    const [grant] = (await run('grants list --json')).filter(({ client }) => client === web.id).slice(-1);
    assert.deepEqual(grant?.scopes, ['inference:chat']);
    await run(`grants revoke ${grant?.id ?? ''} --json`);
    assert.equal(await works(first.access_token), 'revoked_credential');
    const second = await tokensFor(createBrowser(it), web.config, 'ada', { scope: 'inference:chat' });
    const open = await run('sessions list --json');
    assert.ok(open.length > 0 && open.every(({ user }) => user.startsWith('u_')));
    for (const { id } of open) await run(`sessions revoke ${id} --json`);
    assert.equal(await works(second.access_token), 'revoked_credential');
    assert.deepEqual(await run('sessions list --json'), []);
    assert.equal((await sallyport(it.stateDir, 'grants revoke nothing')).exit, 1);
  });

  test('RT-07 signing out ends the session, what was given in it, and nothing of another browser', async () => {
    const [one, two] = [createBrowser(it), createBrowser(it)];
    const [here, there] = [
      await tokensFor(one, web.config, 'bob', { scope: 'inference:chat' }),
      await tokensFor(two, web.config, 'bob', { scope: 'inference:chat' }),
    ];
    const out = await one.submit(await account(one, 'bob'), {}, 'sign-out');
    assert.match(out.title, /^Signed out/);
    assert.match((await one.open('/account')).title, /^Sign in/);
    assert.equal(await works(here.access_token), 'revoked_credential');
    assert.equal(await works(there.access_token), 'ok');
    // From yet another browser the rest is ended.
    const three = createBrowser(it);
    await three.submit(await account(three, 'bob'), {}, 'end-session');
    assert.equal(await works(there.access_token), 'revoked_credential');
    assert.match((await two.open('/account')).title, /^Sign in/);
  });

  test('RT-07 a new password ends all that the old one has opened, and only the new one signs in', async () => {
    const browser = createBrowser(it);
    const tokens = await tokensFor(browser, web.config, 'eve', { scope: 'inference:chat' });
    const page = await account(browser, 'eve');
    const next = 'another horse battery';
    const wrong = await browser.submit(
      page,
      { password: 'wrong horse battery', new: next, again: next },
      'value="password"',
    );
    assert.match(wrong.text, /The password is not right/);
    assert.match(
      (await browser.submit(wrong, { password: PASSWORD, new: next, again: next }, 'value="password"')).title,
      /^Your account/,
    );
    assert.equal(await works(tokens.access_token), 'revoked_credential');
    assert.match((await account(createBrowser(it), 'eve')).text, /name or the password is not right/);
    assert.match((await account(createBrowser(it), 'eve', next)).title, /^Your account/);
  });

  test('RT-07 a sign-in that was kept ready before a new password is of no use after it', async () => {
    const thief = createBrowser(it);
    const page = await thief.open((await authorizationOf(web.config)).url);
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    // The password was right; where that leads to is not opened yet.
    const { headers } = await thief.post(page.url.pathname, {
      csrf,
      name: 'liv',
      password: PASSWORD,
      step: 'password',
    });
    const owner = createBrowser(it);
    const next = 'another horse battery';
    const fields = { password: PASSWORD, new: next, again: next };
    await owner.submit(await account(owner, 'liv'), fields, 'value="password"');
    assert.equal((await thief.open(headers.get('location') ?? '')).status, 400);
    assert.match((await thief.open('/account')).title, /^Sign in/);
  });

  test('SU-02 a second factor is set up, asked for, used once a step, and replaced once by a recovery code; administering needs it', async () => {
    const browser = createBrowser(it);
    // Before: what administers is held back, and the page says why.
    const { url } = await authorizationOf(web.config);
    const consent = await signIn(browser, await browser.open(url), 'kim');
    assert.match(consent.text, /needs a second factor/);
    const before = new URL((await browser.submit(consent, { decision: 'accept' })).url);
    assert.ok(before.searchParams.has('code'));

    const setUp = await browser.submit(await account(browser, 'kim'), { password: PASSWORD }, 'set-up');
    assert.match(setUp.title, /^Set up a second factor/);
    const secret = /secret=([A-Z2-7]+)/.exec(setUp.text)?.[1] ?? '';
    const seed = fromBase32(secret);
    const step = totpStepAt(Date.now());
    const shown = await browser.submit(setUp, { code: totpCode(seed, step) }, 'confirm');
    assert.match(shown.title, /^Recovery codes/);
    const codes = [...shown.text.matchAll(/<code>([0-9A-Za-z-]{19})<\/code>/g)].map(([, code]) => code ?? '');
    assert.equal(codes.length, 10);
    assert.doesNotMatch((await browser.open('/account')).text, new RegExp(codes[0] ?? ''));

    const second = createBrowser(it);
    const asks = await account(second, 'kim');
    assert.match(asks.title, /^Second factor/);
    const reused = await second.submit(asks, { step: 'code', code: totpCode(seed, step) });
    assert.match(reused.text, /not right, or it was used already/);
    const inside = await second.submit(reused, { step: 'code', code: totpCode(seed, step + 1) });
    assert.match(inside.title, /^Your account/);

    const late = createBrowser(it);
    const twice = await late.submit(await account(late, 'kim'), { step: 'code', code: totpCode(seed, step + 1) });
    assert.match(twice.text, /not right, or it was used already/);

    const third = createBrowser(it);
    const inThird = await third.submit(await account(third, 'kim'), { step: 'code', code: codes[3] ?? '' });
    assert.match(inThird.text, /9 recovery codes left/);
    const again = createBrowser(it);
    const refused = await again.submit(await account(again, 'kim'), { step: 'code', code: codes[3] ?? '' });
    assert.match(refused.text, /not right, or it was used already/);

    const strong = await tokensFor(third, web.config, 'kim');
    assert.equal(strong.scope, 'inference:chat admin:read');
    assert.equal(claimOf(strong.access_token, 'acr'), 'urn:sallyport:acr:mfa');
    assert.deepEqual(claimOf(strong.access_token, 'amr'), ['pwd', 'otp', 'mfa']);

    // A new password: whoever had the old one and waits for a second factor has to know the new one first.
    const thief = createBrowser(it);
    const waiting = await account(thief, 'kim');
    assert.match(waiting.title, /^Second factor/);
    const signedInAtS = claimOf(strong.access_token, 'auth_time');
    while (Math.floor(Date.now() / 1000) <= Number(signedInAtS)) await third.open('/account');
    const next = 'another horse battery';
    const fields = { password: PASSWORD, new: next, again: next };
    await third.submit(await third.open('/account'), fields, 'value="password"');
    assert.match((await thief.submit(waiting, { step: 'code', code: codes[5] ?? '' })).text, /This took too long/);
    // The password alone, which was just shown, makes the sign-in with a second factor no newer (RFC 9470 §6).
    const after = await tokensFor(third, web.config, 'kim');
    assert.equal(claimOf(after.access_token, 'acr'), 'urn:sallyport:acr:mfa');
    assert.equal(claimOf(after.access_token, 'auth_time'), signedInAtS);

    // A lost one is reset on the machine; what was signed in with it ends.
    assert.equal((await sallyport(it.stateDir, 'users reset-second-factor kim')).exit, 0);
    assert.equal(await works(after.access_token), 'revoked_credential');
    assert.match((await third.open('/account')).title, /^Sign in/);
    assert.match((await account(createBrowser(it), 'kim', next)).title, /^Your account/);
  });

  test('own API keys are listed and revoked, from the next request on and on all workers; those of others are not', async () => {
    const run = async (line: string) => {
      const done = await sallyport(it.stateDir, line);
      assert.equal(done.exit, 0, done.err);
      return JSON.parse(done.out) as { id: string; key: string };
    };
    const [mine, theirs, nobodys] = [
      await run('keys create --name mine --owner max --expires 30d --json'),
      await run('keys create --name theirs --owner bob --json'),
      await run('keys create --name nobodys --json'),
    ];
    const browser = createBrowser(it);
    const page = await account(browser, 'max');
    assert.match(page.text, new RegExp(`<strong>mine</strong> \\(<code>${mine.id}</code>\\)`));
    for (const { id, key } of [theirs, nobodys]) {
      assert.ok(!page.text.includes(id));
      await browser.submit(page, { id }, 'revoke-key');
      assert.equal(await works(key), 'ok');
    }
    assert.equal(await works(mine.key), 'ok');
    const after = await browser.submit(page, {}, 'revoke-key');
    assert.equal(await works(mine.key), 'revoked_credential');
    assert.ok(!after.text.includes(mine.id));
  });

  test('the own tokens of a client are revoked with all that they come from; those of others are not', async () => {
    const other = await createStockClient(
      it,
      '--name terminal --grants authorization_code --scopes inference:chat --redirect-uri https://app.example.org/callback',
    );
    const [browser, foreign] = [createBrowser(it), createBrowser(it)];
    const scope = { scope: 'inference:chat' };
    const first = await tokensFor(browser, web.config, 'max', scope);
    const again = await tokensFor(createBrowser(it), web.config, 'max', scope);
    const terminal = await tokensFor(browser, other.config, 'max', scope);
    const theirs = await tokensFor(foreign, web.config, 'bob', scope);
    for (const { access_token: token } of [first, again, terminal, theirs]) assert.equal(await works(token), 'ok');
    const page = await account(browser, 'max');
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const revoke = (id: string) => browser.post('/account', { csrf, do: 'revoke-tokens', id });
    await revoke(web.id);
    for (const { access_token: token } of [first, again]) assert.equal(await works(token), 'revoked_credential');
    await assert.rejects(oidc.refreshTokenGrant(web.config, first.refresh_token ?? ''), { error: 'invalid_grant' });
    for (const { access_token: token } of [terminal, theirs]) assert.equal(await works(token), 'ok');
    await oidc.refreshTokenGrant(web.config, theirs.refresh_token ?? '');
    // A name that is no client of theirs does nothing.
    for (const id of ['c_0000000000000000', 'made up', '']) await revoke(id);
    assert.equal(await works(terminal.access_token), 'ok');
  });

  test('an invitation is taken up once, and a disabled person loses all at once', async () => {
    const invited = await sallyport(it.stateDir, 'users invite --name tim --scopes inference:chat --json');
    const { invitation } = JSON.parse(invited.out) as { invitation: string };
    const browser = createBrowser(it);
    const page = await browser.open(invitation);
    const short = await browser.submit(page, { new: 'short', again: 'short' });
    assert.match(short.text, /12 to 256 characters/);
    const done = await browser.submit(short, { new: PASSWORD, again: PASSWORD });
    assert.match(done.title, /^Sign in/);
    assert.equal((await createBrowser(it).open(invitation)).status, 410);
    const tokens = await tokensFor(browser, web.config, 'tim', { scope: 'inference:chat' });
    assert.equal(await works(tokens.access_token), 'ok');
    assert.equal((await sallyport(it.stateDir, 'users disable tim')).exit, 0);
    assert.equal(await works(tokens.access_token), 'revoked_credential');
    await assert.rejects(oidc.refreshTokenGrant(web.config, tokens.refresh_token ?? ''), { error: 'invalid_grant' });
    assert.match((await account(browser, 'tim')).text, /name or the password is not right/);
    assert.ok(!it.log.join('\n').includes(new URL(invitation).searchParams.get('invitation') ?? '-'));
  });

  test('forms of other pages, and forms without the token of this browser, are refused (CSRF)', async () => {
    const browser = createBrowser(it);
    const page = await account(browser, 'max');
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const form = { csrf, do: 'sign-out' };
    for (const [fields, headers] of [
      [{ do: 'sign-out' }, {}],
      [{ ...form, csrf: `${csrf.slice(0, -1)}${csrf.endsWith('A') ? 'B' : 'A'}` }, {}],
      [form, { 'sec-fetch-site': 'cross-site' }],
      [form, { 'sec-fetch-site': 'same-site' }],
      [form, { origin: 'https://evil.example' }],
    ] as const) {
      assert.equal((await browser.post('/account', fields, headers)).status, 403);
    }
    const other = createBrowser(it);
    await account(other, 'zoe');
    assert.equal((await other.post('/account', form)).status, 403);
    assert.match((await browser.open('/account')).title, /^Your account/);
  });

  test('wrong passwords are slowed down in the same words, whether or not somebody has the name', async () => {
    const wordsFor = async (name: string) => {
      const browser = createBrowser(it);
      let page = await browser.open('/account/sign-in');
      const seen: string[] = [];
      for (let i = 0; i < 6; i += 1) {
        const next = await signIn(browser, page, name, 'wrong horse battery');
        seen.push(`${next.status} ${/role="alert">([^<]*)</.exec(next.text)?.[1]?.trim()}`);
        if (next.status === 200) page = next;
      }
      return seen;
    };
    const known = await wordsFor('zoe');
    assert.deepEqual(await wordsFor('nobody-of-this-name'), known);
    assert.match(known[0] ?? '', /^200 The name or the password is not right\.$/);
    assert.match(known[5] ?? '', /^429 There were too many tries\. Wait \d+ seconds/);
  });
});

const claimOf = (token: string, name: string): unknown =>
  (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>)[name];

test('where everybody needs a second factor, nothing is granted to somebody who has none, and the page says what to do', async () => {
  await using it = await startTestGateway({
    plain: true,
    config: { listen: { publicUrl: PUBLIC_URL }, authorizationServer: { requireSecondFactor: 'all' } },
  });
  await createUser(it, '--name ada --scopes inference:chat');
  const web = await createStockClient(
    it,
    '--name notebook --grants authorization_code --scopes inference:chat --redirect-uri https://app.example.org/callback',
  );
  const browser = createBrowser(it);
  const { url } = await authorizationOf(web.config);
  const consent = await signIn(browser, await browser.open(url), 'ada');
  assert.match(consent.text, /needs a second factor/);
  assert.doesNotMatch(consent.text, /value="accept"/);
  const done = await browser.submit(consent, { decision: 'accept' });
  assert.equal(done.url.searchParams.get('error'), 'access_denied');
  assert.equal(done.url.searchParams.get('code'), null);

  // Of one address, passwords that are sent at once count each before any of them is judged.
  const sprayer = createBrowser(it);
  const csrf = /name="csrf" value="([^"]+)"/.exec((await sprayer.open('/account/sign-in')).text)?.[1] ?? '';
  const tries = Array.from({ length: 50 }, (_, i) =>
    sprayer.post('/account/sign-in', { csrf, name: `nobody-${i}`, password: PASSWORD }),
  );
  const statuses = (await Promise.all(tries)).map(({ status }) => status);
  assert.deepEqual(
    [statuses.filter((one) => one === 303).length, statuses.filter((one) => one === 429).length],
    [30, 20],
  );
});
