import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createAuthenticator, type Authenticator, type PasskeyLie } from '../support/authenticator.ts';
import { createBrowser, type Browser, type Shown } from '../support/browser.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { createStockClient, createUser, PASSWORD, signIn, tokensFor } from '../support/people.ts';

const ACCEPTED = /^Your account/;
const REFUSED = /This passkey was not accepted/;

describe('passkeys', () => {
  let it: TestGateway;
  before(async () => {
    it = await startTestGateway({
      plain: true,
      config: { listen: { publicUrl: PUBLIC_URL }, limits: { perIp: { failuresPerMinute: 'none' } } },
    });
    for (const name of ['ada', 'bob', 'eve', 'max', 'zoe'])
      await createUser(it, `--name ${name} --scopes inference:chat,admin:read`);
  });
  after(() => it[Symbol.asyncDispose]());

  const lastLine = (event: string) => it.log.findLast((line) => line.includes(event)) ?? '';

  async function account(name: string): Promise<{ browser: Browser; page: Shown }> {
    const browser = createBrowser(it);
    return { browser, page: await signIn(browser, await browser.open('/account/sign-in'), name) };
  }

  /** Up to the page on which the browser makes a passkey. */
  async function begun(name: string): Promise<{ browser: Browser; page: Shown }> {
    const { browser, page } = await account(name);
    return { browser, page: await browser.submit(page, { name: 'Laptop', password: PASSWORD }, 'add-passkey') };
  }

  /** A person with a passkey, and the recovery codes that they were shown. */
  async function withPasskey(name: string): Promise<{ authenticator: Authenticator; browser: Browser; shown: Shown }> {
    const authenticator = createAuthenticator(PUBLIC_URL);
    const { browser, page } = await begun(name);
    const shown = await browser.submit(page, { passkey: authenticator.create(page) }, 'register-passkey');
    assert.match(shown.title, /^Recovery codes/, shown.text);
    return { authenticator, browser, shown };
  }

  /** What comes of a sign-in by passkey in a new browser. */
  async function signInBy(authenticator: Authenticator, lie: PasskeyLie = {}): Promise<Shown> {
    const browser = createBrowser(it);
    const page = await browser.open('/account/sign-in');
    return browser.submit(page, { passkey: authenticator.get(page, lie) });
  }

  let ada: Authenticator;
  test('SU-02 a passkey is added after the password, listed, and signs in without a name; tokens say how', async () => {
    const { authenticator, browser, shown } = await withPasskey('ada');
    ada = authenticator;
    assert.equal([...shown.text.matchAll(/<code>[0-9A-Za-z-]{19}<\/code>/g)].length, 10);
    assert.match((await browser.open('/account')).text, /<strong>Laptop<\/strong>/);
    assert.match((await signInBy(authenticator)).title, ACCEPTED);

    const web = await createStockClient(
      it,
      '--name notebook --grants authorization_code --scopes inference:chat,admin:read --redirect-uri https://app.example.org/callback',
    );
    const other = createBrowser(it);
    const page = await other.open('/account/sign-in');
    await other.submit(page, { passkey: authenticator.get(page) });
    const tokens = await tokensFor(other, web.config, 'ada');
    const payload = tokens.access_token.split('.')[1] ?? '';
    const { acr, amr } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    assert.deepEqual([acr, amr], ['urn:sallyport:acr:mfa', ['hwk', 'user', 'mfa']]);
    // What administers needs a second factor, and this is one.
    assert.equal(tokens.scope, 'inference:chat admin:read');
    const one = JSON.parse((await sallyport(it.stateDir, 'users show ada --json')).out) as Record<string, unknown>;
    assert.deepEqual([one['passkeys'], one['secondFactor']], [1, true]);
  });

  test('only pages on which a passkey can be used run a script, by its hash alone, and the others none', async () => {
    const { browser, page } = await account('zoe');
    const policyOf = (shown: Shown) => shown.headers.get('content-security-policy') ?? '';
    const sign = await createBrowser(it).open('/account/sign-in');
    assert.match(policyOf(sign), /^default-src 'none'; script-src 'sha256-[A-Za-z0-9+/=]{44}'; style-src 'sha256-/);
    assert.equal([...sign.text.matchAll(/<script/g)].length, 1);
    for (const shown of [page, await browser.open('/account/signed-out')]) {
      assert.doesNotMatch(policyOf(shown), /script-src/);
      assert.doesNotMatch(shown.text, /<script/);
    }
  });

  for (const [what, lie] of [
    ['of another origin', { origin: 'https://evil.example' }],
    ['of another port', { origin: `${PUBLIC_URL}:8443` }],
    ['of another relying party', { rpId: 'evil.example' }],
    ['without user verification', { isVerified: false }],
    ['shown in a frame of another site', { crossOrigin: true }],
    ['that was made, not shown', { type: 'webauthn.create' }],
    ['that nobody has', { id: Buffer.alloc(32, 7).toString('base64url') }],
    ['of nobody', { userHandle: Buffer.from('u_0000000000000000').toString('base64url') }],
    ['without a user handle', { userHandle: '' }],
    ['signed by another key', { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey }],
    ['with a challenge of nobody', { challenge: Buffer.alloc(54).toString('base64url') }],
  ] as const satisfies readonly (readonly [string, PasskeyLie])[]) {
    test(`an assertion ${what} is refused, in the words of all others`, async () => {
      const shown = await signInBy(ada, lie);
      assert.match(shown.title, /^Sign in/);
      assert.match(shown.text, REFUSED);
      assert.match((await signInBy(ada)).title, ACCEPTED, 'with nothing wrong it signs in');
    });
  }

  test('a challenge that was answered is not answered again', async () => {
    const browser = createBrowser(it);
    const page = await browser.open('/account/sign-in');
    const passkey = ada.get(page);
    assert.match((await browser.submit(page, { passkey })).title, ACCEPTED);
    await browser.submit(await browser.open('/account'), {}, 'sign-out');
    const again = await browser.submit(page, { passkey });
    assert.match(again.text, REFUSED);
    assert.match(lastLine('passkey_refused'), /"why":"challenge"/);
  });

  test('a challenge of another browser is not answered', async () => {
    const [mine, theirs] = [createBrowser(it), createBrowser(it)];
    const passkey = ada.get(await mine.open('/account/sign-in'));
    const shown = await theirs.submit(await theirs.open('/account/sign-in'), { passkey });
    assert.match(shown.text, REFUSED);
    assert.match(lastLine('passkey_refused'), /"why":"challenge"/);
  });

  test('a passkey that counts backwards, or not on, is refused, and the log has a line of security', async () => {
    assert.match((await signInBy(ada, { counter: 1000 })).title, ACCEPTED);
    for (const counter of [1000, 999, 0, 500]) {
      assert.match((await signInBy(ada, { counter })).text, REFUSED);
      assert.match(lastLine('passkey_counter_backwards'), /"event":"security"/);
    }
    assert.match((await signInBy(ada, { counter: 1001 })).title, ACCEPTED);
    // A counter that nobody has signed for says nothing of copies.
    const lines = it.log.length;
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    assert.match((await signInBy(ada, { counter: 1, key: privateKey })).text, REFUSED);
    assert.ok(!it.log.slice(lines).some((line) => line.includes('backwards')));
  });

  test('after the password a passkey of the same person is asked for, and none of another; a recovery code replaces it', async () => {
    const { authenticator: bob, shown } = await withPasskey('bob');
    const [, code = ''] = /<code>([0-9A-Za-z-]{19})<\/code>/.exec(shown.text) ?? [];
    const browser = createBrowser(it);
    const asks = await signIn(browser, await browser.open('/account/sign-in'), 'bob');
    assert.match(asks.title, /^Second factor/);
    const foreign = await browser.submit(asks, { passkey: ada.get(asks, { counter: 2000 }) });
    assert.match(foreign.text, REFUSED);
    assert.match(foreign.title, /^Second factor/);
    // The same handle with another's credential is nobody's.
    const mixed = await browser.submit(foreign, { passkey: bob.get(foreign, { userHandle: ada.userHandle }) });
    assert.match(mixed.text, REFUSED);
    assert.match((await browser.submit(mixed, { passkey: bob.get(mixed) })).title, ACCEPTED);

    const late = createBrowser(it);
    const again = await signIn(late, await late.open('/account/sign-in'), 'bob');
    const inside = await late.submit(again, { step: 'code', code });
    assert.match(inside.text, /9 recovery codes left/);
    // As proof of who sits there counts a passkey of the same person alone.
    const proof = { id: bob.id, passkey: ada.get(inside, { counter: 2001 }) };
    assert.match((await late.submit(inside, proof, 'remove-passkey')).text, REFUSED);
    const page = await late.open('/account');
    assert.match((await late.submit(page, { passkey: bob.get(page) }, 'add-passkey')).title, /^Add a passkey/);
  });

  let max: { browser: Browser; page: Shown } | undefined;
  for (const [what, why, lie] of [
    ['for another origin', 'unverified', { origin: 'https://evil.example' }],
    ['for another relying party', 'unverified', { rpId: 'evil.example' }],
    ['without user verification', 'unverified', { isVerified: false }],
    ['for a challenge of nobody', 'challenge', { challenge: Buffer.alloc(54).toString('base64url') }],
    ['that was shown, not made', 'unverified', { type: 'webauthn.get' }],
    // Its certificates point to lists that would be fetched (SSRF).
    ['with certificates', 'form', { attestation: { fmt: 'packed', statement: Buffer.from('a16378356380', 'hex') } }],
    [
      'with an attestation that nobody asked for',
      'form',
      { attestation: { fmt: 'tpm', statement: Buffer.from('a0', 'hex') } },
    ],
  ] as const satisfies readonly (readonly [string, string, PasskeyLie])[]) {
    test(`a new passkey ${what} is refused`, async () => {
      max ??= await begun('max');
      const { browser, page } = max;
      const passkey = createAuthenticator(PUBLIC_URL).create(page, lie);
      const shown = await browser.submit(page, { passkey }, 'register-passkey');
      max = { browser, page: shown };
      assert.match(shown.title, /^Add a passkey/);
      assert.match(shown.text, REFUSED);
      assert.match(lastLine('passkey_refused'), new RegExp(`"why":"${why}"`));
    });
  }

  test('a new passkey with nothing wrong is taken by the same person', async () => {
    await withPasskey('max');
  });

  test('no passkey is added or removed without the password or an own passkey, nor by the words of another', async () => {
    const { browser, page } = await account('zoe');
    const wrong = await browser.submit(page, { password: 'wrong horse battery' }, 'add-passkey');
    assert.match(wrong.text, /The password is not right/);
    const csrf = /name="csrf" value="([^"]+)"/.exec(wrong.text)?.[1] ?? '';
    const late = await browser.post('/account', { csrf, do: 'register-passkey', passkey: '{}' });
    assert.equal(late.status, 303);
    assert.match((await browser.open('/account')).text, /This took too long/);

    const mine = createBrowser(it);
    const sign = await mine.open('/account/sign-in');
    const inside = await mine.submit(sign, { passkey: ada.get(sign, { counter: 3000 }) });
    const id = { id: ada.id };
    assert.match(
      (await mine.submit(inside, { ...id, password: 'no' }, 'remove-passkey')).text,
      /password is not right/,
    );
    const page2 = await mine.open('/account');
    // zoe's session with ada's passkey as proof, and ada's id.
    const foreign = await browser.post('/account', { csrf, do: 'remove-passkey', ...id, passkey: ada.get(page2) });
    assert.equal(foreign.status, 303);
    assert.match((await browser.open('/account')).text, REFUSED);
    const gone = await browser.post('/account', { csrf, do: 'remove-passkey', ...id, password: PASSWORD });
    assert.equal(gone.status, 303);
    assert.match((await signInBy(ada, { counter: 3100 })).title, ACCEPTED);
  });

  test('a session from before the second factor cannot add one by the password alone', async () => {
    const { browser: old } = await account('eve');
    const { authenticator, browser, shown } = await withPasskey('eve');
    const refused = await old.submit(await old.open('/account'), { password: PASSWORD }, 'add-passkey');
    assert.match(refused.text, /sign in again with your second factor/);
    // With a passkey of one's own it goes on.
    const page = await browser.open('/account');
    const next = await browser.submit(page, { passkey: authenticator.get(page) }, 'add-passkey');
    assert.match(next.title, /^Add a passkey/);
    await browser.submit(next, {}, 'cancel');

    // Removed, it signs in no more, and what it had opened is over.
    const strong = createBrowser(it);
    const sign = await strong.open('/account/sign-in');
    const inside = await strong.submit(sign, { passkey: authenticator.get(sign) });
    const left = await strong.submit(inside, { id: authenticator.id, password: PASSWORD }, 'remove-passkey');
    assert.match(left.title, ACCEPTED);
    assert.doesNotMatch(left.text, /<strong>Laptop/);
    assert.match((await old.open('/account')).title, /^Sign in/);
    assert.match((await signInBy(authenticator)).text, REFUSED);
    assert.doesNotMatch(left.text, /recovery codes left/);
    // Recovery codes were in place of that passkey: the next one has others.
    const codesOf = ({ text }: Shown) =>
      [...text.matchAll(/<code>([0-9A-Za-z-]{19})<\/code>/g)].map(([, code]) => code);
    const again = codesOf((await withPasskey('eve')).shown);
    assert.equal(again.length, 10);
    assert.deepEqual(
      again.filter((code) => codesOf(shown).includes(code)),
      [],
    );
  });

  test('an invitation is taken up with a passkey in place of a password, once; it stays the only way in', async () => {
    const invited = await sallyport(it.stateDir, 'users invite --name tim --scopes inference:chat --json');
    const { invitation, id } = JSON.parse(invited.out) as { invitation: string; id: string };
    const browser = createBrowser(it);
    const page = await browser.open(invitation);
    const elsewhere = createAuthenticator(PUBLIC_URL).create(await createBrowser(it).open(invitation));
    assert.match((await browser.submit(page, { passkey: elsewhere })).text, REFUSED);
    const tim = createAuthenticator(PUBLIC_URL);
    const passkey = tim.create(page);
    assert.equal(Buffer.from(tim.userHandle, 'base64url').toString(), id);
    assert.match((await browser.submit(page, { passkey })).title, /^Sign in/);
    assert.equal((await browser.post('/account/invitation', {})).status, 403);
    assert.equal((await createBrowser(it).open(invitation)).status, 410);

    const sign = await browser.open('/account/sign-in');
    const inside = await browser.submit(sign, { passkey: tim.get(sign) });
    assert.match(inside.title, ACCEPTED);
    const last = await browser.submit(inside, { id: tim.id, passkey: tim.get(inside) }, 'remove-passkey');
    assert.match(last.text, /This is all that signs you in/);
    for (const password of ['', PASSWORD]) {
      const shown = await signIn(createBrowser(it), await createBrowser(it).open('/account/sign-in'), 'tim', password);
      assert.doesNotMatch(shown.title, ACCEPTED);
    }
    // A password is set after the passkey was shown, and then both are asked for.
    const next = await browser.submit(last, { new: PASSWORD, again: PASSWORD, passkey: tim.get(last) }, 'name="new"');
    assert.match(next.title, ACCEPTED);
    const second = createBrowser(it);
    assert.match((await signIn(second, await second.open('/account/sign-in'), 'tim')).title, /^Second factor/);
  });

  test('an invitation is no way around a second factor: whoever has one gets only a new password', async () => {
    const again = await sallyport(it.stateDir, 'users invite bob --json');
    const { invitation, id } = JSON.parse(again.out) as { invitation: string; id: string };
    const browser = createBrowser(it);
    const page = await browser.open(invitation);
    assert.doesNotMatch(page.text, /data-passkey/);
    const fresh = await sallyport(it.stateDir, 'users invite --name una --json');
    const other = await browser.open((JSON.parse(fresh.out) as { invitation: string }).invitation);
    const text = new URL(invitation).searchParams.get('invitation') ?? '';
    const passkey = createAuthenticator(PUBLIC_URL).create(other);
    assert.match((await browser.submit(page, { user: id, invitation: text, passkey })).text, REFUSED);

    // Nor is one that was open before there was a second factor.
    await createUser(it, '--name lea --scopes inference:chat');
    const early = await sallyport(it.stateDir, 'users invite lea --json');
    const open = await browser.open((JSON.parse(early.out) as { invitation: string }).invitation);
    const late = createAuthenticator(PUBLIC_URL).create(open);
    await withPasskey('lea');
    assert.equal((await browser.submit(open, { passkey: late })).status, 410);
  });

  test('a lost passkey is reset on the machine, and signs in no more', async () => {
    assert.equal((await sallyport(it.stateDir, 'users reset-second-factor ada')).exit, 0);
    assert.match((await signInBy(ada, { counter: 4000 })).text, REFUSED);
    assert.match((await account('ada')).page.title, ACCEPTED);
  });

  test('a disabled person has no passkey that signs in', async () => {
    const { authenticator } = await withPasskey('zoe');
    assert.match((await signInBy(authenticator)).title, ACCEPTED);
    assert.equal((await sallyport(it.stateDir, 'users disable zoe')).exit, 0);
    assert.match((await signInBy(authenticator)).text, REFUSED);
  });

  test('nothing of a passkey stands in the log', () => {
    const log = it.log.join('\n');
    for (const secret of [ada.id, ada.userHandle]) assert.ok(!log.includes(secret));
  });
});

test('refused passkeys of one address are slowed down, and counted with its other failures', async () => {
  await using it = await startTestGateway({
    plain: true,
    config: { listen: { publicUrl: PUBLIC_URL }, limits: { perIp: { failuresPerMinute: 3 } } },
  });
  await createUser(it, '--name ada --scopes inference:chat');
  const browser = createBrowser(it);
  const authenticator = createAuthenticator(PUBLIC_URL);
  let page = await browser.open('/account/sign-in');
  for (let tries = 1; tries <= 3; tries += 1) {
    page = await browser.submit(page, { passkey: authenticator.get(page, { userHandle: 'dV8w' }) });
    assert.match(page.text, REFUSED, `try ${tries}`);
  }
  assert.equal((await browser.submit(page, { passkey: authenticator.get(page, { userHandle: 'dV8w' }) })).status, 429);
  // The password counts at the same place.
  assert.equal((await signIn(browser, page, 'ada')).status, 429);
});
