import { LRUCache } from 'lru-cache';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { HashingBusy, PASSWORD_LENGTH } from '../../directory/password.ts';
import type { ClientRecord } from '../../directory/records.ts';
import type { Access } from '../access.ts';
import type { Accounts } from '../accounts.ts';
import type { Digest } from '../digest.ts';
import type { OAuthLog } from '../log.ts';
import type { SignInPace } from '../sign-in-pace.ts';
import { STRENGTHS, type Strength } from '../strength.ts';
import { showAccount, showInvitation, showRecoveryCodes, showSetUp, showSignedOut } from './account-view.ts';
import { isFromOwnPage, isSameText, type PageExchange } from './exchange.ts';
import type { SignIn } from './sign-in.ts';

/** What the account page works with. */
export interface AccountDeps {
  readonly publicUrl: string;
  readonly accounts: Accounts;
  readonly access: Access;
  readonly signIn: SignIn;
  readonly pace: SignInPace;
  readonly digest: Digest;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly client: (id: string) => ClientRecord | undefined;
  readonly log: OAuthLog;
}

/** Somebody who is signed in in this browser. */
interface Me {
  readonly id: string;
  readonly name: string;
  readonly hasSecondFactor: boolean;
  readonly recoveryCodes: number;
  /** Hash of the session's id. */
  readonly sessionId: string;
  /** Names the session in memory. */
  readonly sessionUid: string;
  readonly strength: Strength;
}

/** Ties the forms of one browser to it. Bound to the host (RFC 6265bis §4.1.3.2), so no sibling domain can set it. */
const FORM_COOKIE = '__Host-sallyport-form';
const COOKIE = { signed: true, httpOnly: true, secure: true, sameSite: 'lax', path: '/', overwrite: true } as const;
const SESSION_S = 8 * 3600;
const KEPT_MS = 10 * 60_000;

/** The account page: what somebody is signed in with, whom they have let in, and their second factor. */
export function createAccountPages(deps: AccountDeps): (x: PageExchange, provider: Provider) => Promise<void> {
  const { publicUrl, accounts, access, signIn, pace, digest, log } = deps;
  /** Seeds that are being set up, by session; only whoever has just given the password sees them. */
  const seeds = new LRUCache<string, Uint8Array>({ max: 1_000, ttl: KEPT_MS });
  /** Recovery codes until they were shown, once. */
  const codes = new LRUCache<string, readonly string[]>({ max: 1_000, ttl: KEPT_MS });
  const errors = new LRUCache<string, string>({ max: 1_000, ttl: KEPT_MS });

  return async (x, provider) => {
    const ctx = provider.createContext(x.request, x.response) as unknown as KoaContextWithOIDC;
    const me = await whoIs(ctx, provider);
    const browser = browserOf(ctx);
    const csrf = digest('Form', `account ${browser} ${me?.sessionUid ?? ''}`);
    const form = x.method === 'POST' ? await x.form() : undefined;
    if (form !== undefined && !(isFromOwnPage(x.request, publicUrl) && isSameText(form.get('csrf'), csrf))) {
      log.security('form_from_elsewhere', { path: 'account', requestId: x.requestId });
      return x.fail(403, 'This form was not sent by a page of this gateway, or it has expired.');
    }
    try {
      switch (x.path) {
        case '/account/sign-in':
          return await takeSignIn(x, provider, ctx, { me, browser, csrf, form });
        case '/account/signed-out':
          return showSignedOut(x);
        case '/account/invitation':
          return await invitation(x, csrf, form);
        case '/account':
          if (me === undefined) return x.goTo('/account/sign-in');
          return form === undefined ? await show(x, me, csrf) : await act(x, provider, ctx, me, form);
        default:
          return x.fail(404, 'There is no such page.');
      }
    } catch (error) {
      if (!(error instanceof HashingBusy)) throw error;
      x.fail(503, 'Too many people sign in at this moment. Go back and try again in a few seconds.', 5);
    }
  };

  async function whoIs(ctx: KoaContextWithOIDC, provider: Provider): Promise<Me | undefined> {
    const session = await provider.Session.get(ctx);
    if (session.accountId === undefined) return undefined;
    const opened = await accounts.open(session.accountId);
    if (opened === undefined) return undefined;
    const { user, secrets } = opened;
    return {
      id: user.id,
      name: secrets.name,
      hasSecondFactor: secrets.totp?.isConfirmed === true,
      recoveryCodes: secrets.recoveryCodes.length,
      sessionId: digest('Session', session.jti),
      sessionUid: session.uid,
      strength: session.acr === STRENGTHS.mfa.acr ? STRENGTHS.mfa : STRENGTHS.password,
    };
  }

  function browserOf(ctx: KoaContextWithOIDC): string {
    const known = ctx.cookies.get(FORM_COOKIE, { signed: true });
    if (known !== undefined) return known;
    const made = Buffer.from(deps.randomBytes(18)).toString('base64url');
    ctx.cookies.set(FORM_COOKIE, made, COOKIE);
    return made;
  }

  /** A session of its own making, never one that was there before: whoever has planted an id has nothing (fixation). */
  async function startSession(ctx: KoaContextWithOIDC, provider: Provider, userId: string, strength: Strength) {
    const before = await provider.Session.get(ctx);
    await before.destroy();
    const session = new provider.Session();
    session.loginAccount({ accountId: userId, acr: strength.acr, amr: [...strength.amr], transient: true });
    await session.save(SESSION_S);
    ctx.cookies.set(provider.cookieName('session'), session.jti, COOKIE);
  }

  async function takeSignIn(
    x: PageExchange,
    provider: Provider,
    ctx: KoaContextWithOIDC,
    at: {
      readonly me: Me | undefined;
      readonly browser: string;
      readonly csrf: string;
      readonly form: URLSearchParams | undefined;
    },
  ): Promise<void> {
    if (at.me !== undefined) return x.goTo('/account');
    const place = { key: `account ${at.browser}`, action: '/account/sign-in', csrf: at.csrf };
    if (at.form === undefined) return signIn.show(x, place);
    const done = await signIn.take(x, place, at.form);
    if (done === undefined) return;
    await startSession(ctx, provider, done.userId, done.strength);
    x.goTo('/account');
  }

  async function show(x: PageExchange, me: Me, csrf: string): Promise<void> {
    const error = errors.get(me.sessionUid);
    errors.delete(me.sessionUid);
    const shown = codes.get(me.sessionUid);
    codes.delete(me.sessionUid);
    if (shown !== undefined) return showRecoveryCodes(x, shown);
    const seed = seeds.get(me.sessionUid);
    if (seed !== undefined) return showSetUp(x, { csrf, seed, name: me.name, site: new URL(publicUrl).host, error });
    const grants = await access.grants(me.id);
    showAccount(x, {
      csrf,
      error,
      name: me.name,
      hasSecondFactor: me.hasSecondFactor,
      recoveryCodes: me.recoveryCodes,
      sessions: (await access.sessions(me.id)).map((one) => ({ ...one, isThis: one.id === me.sessionId })),
      grants: grants.map((one) => ({ ...one, clientName: deps.client(one.client)?.name ?? one.client })),
    });
  }

  async function act(
    x: PageExchange,
    provider: Provider,
    ctx: KoaContextWithOIDC,
    me: Me,
    form: URLSearchParams,
  ): Promise<void> {
    const text = (name: string): string => form.get(name) ?? '';
    const fail = (error: string) => void errors.set(me.sessionUid, error);
    switch (form.get('do')) {
      case 'sign-out':
        await access.endSession(me.id, me.sessionId);
        ctx.cookies.set(provider.cookieName('session'), null, COOKIE);
        log.info('signed_out', { user: me.id, requestId: x.requestId });
        return x.goTo('/account/signed-out');
      case 'end-session':
        await access.endSession(me.id, text('id'));
        break;
      case 'end-grant':
        await access.endGrant(me.id, text('id'));
        log.info('grant_ended', { user: me.id, requestId: x.requestId });
        break;
      case 'cancel':
        seeds.delete(me.sessionUid);
        break;
      case 'set-up': {
        if (!(await isOwnPassword(x, me, text('password')))) return;
        const seed = await accounts.newSeed(me.id);
        if (seed === undefined) fail('There is a second factor already.');
        else seeds.set(me.sessionUid, seed);
        break;
      }
      case 'confirm': {
        const waitS = pace.begin(`code ${me.id}`, x.network);
        if (waitS !== undefined) return tooMany(x, waitS);
        const given = seeds.has(me.sessionUid) ? await accounts.confirmSeed(me.id, text('code')) : undefined;
        if (given === undefined) {
          fail('This code is not right. Take the one that your app shows now.');
          break;
        }
        pace.succeeded(`code ${me.id}`, x.network);
        seeds.delete(me.sessionUid);
        codes.set(me.sessionUid, given);
        log.info('second_factor_on', { user: me.id, requestId: x.requestId });
        break;
      }
      case 'password': {
        const wrong = unfitPassword(text('new'), text('again'));
        if (wrong !== undefined) {
          fail(wrong);
          break;
        }
        if (!(await isOwnPassword(x, me, text('password')))) return;
        await accounts.setPassword(me.id, text('new'));
        // Whoever knew the old one may be signed in somewhere (RFC 9700 §4.14.2).
        await access.endAll(me.id);
        await startSession(ctx, provider, me.id, me.strength);
        log.info('password_changed', { user: me.id, requestId: x.requestId });
        break;
      }
      default:
        break;
    }
    x.goTo('/account');
  }

  /** Whether whoever sits there is the person: a browser that was left open must not lose the account. */
  async function isOwnPassword(x: PageExchange, me: Me, password: string): Promise<boolean> {
    const paced = `own ${me.id}`;
    const waitS = pace.begin(paced, x.network);
    if (waitS !== undefined) {
      tooMany(x, waitS);
      return false;
    }
    if ((await accounts.checkPassword(me.name, password))?.id === me.id) {
      pace.succeeded(paced, x.network);
      return true;
    }
    errors.set(me.sessionUid, 'The password is not right.');
    x.goTo('/account');
    return false;
  }

  async function invitation(x: PageExchange, csrf: string, form: URLSearchParams | undefined): Promise<void> {
    const given = form ?? x.query;
    const [user, text] = [given.get('user') ?? '', given.get('invitation') ?? ''];
    if (!(await accounts.isInvited(user, text))) {
      return x.fail(410, 'This invitation was used already, or it is over. Ask for a new one.');
    }
    if (form === undefined) return showInvitation(x, { csrf, user, invitation: text, error: undefined });
    const error = unfitPassword(form.get('new') ?? '', form.get('again') ?? '');
    if (error !== undefined) return showInvitation(x, { csrf, user, invitation: text, error });
    if (!(await accounts.takeUp(user, text, form.get('new') ?? ''))) {
      return x.fail(410, 'This invitation was used already, or it is over. Ask for a new one.');
    }
    await access.endAll(user);
    log.info('invitation_taken', { user, requestId: x.requestId });
    x.goTo('/account/sign-in');
  }
}

function tooMany(x: PageExchange, waitS: number): void {
  x.fail(429, `There were too many tries. Wait ${waitS} seconds, then go back and try again.`, waitS);
}

function unfitPassword(password: string, again: string): string | undefined {
  if (password !== again) return 'The two passwords are not the same.';
  const { min, max } = PASSWORD_LENGTH;
  return password.length >= min && password.length <= max
    ? undefined
    : `A password has ${min} to ${max} characters: several words are easier to keep than signs.`;
}
