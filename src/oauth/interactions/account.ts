import { LRUCache } from 'lru-cache';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { HashingBusy } from '../../directory/password.ts';
import type { ClientRecord } from '../../directory/records.ts';
import { hasSecondFactor } from '../../directory/users.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Accounts } from '../accounts.ts';
import type { Digest } from '../digest.ts';
import type { OAuthLog } from '../log.ts';
import { FEDERATED_PATH } from '../federation/federation.ts';
import type { Passkeys } from '../passkeys.ts';
import type { SignInPace } from '../sign-in-pace.ts';
import { STRENGTHS, type Strength } from '../strength.ts';
import { createAccountPasskeys } from './account-passkeys.ts';
import { showAccount, showAddPasskey, showRecoveryCodes, showSetUp, showSignedOut } from './account-view.ts';
import { browserOf, COOKIE } from './browser-cookie.ts';
import type { CheckPasskey } from './check-passkey.ts';
import { isFromOwnPage, isSameText, type PageExchange } from './exchange.ts';
import { createInvitation } from './invitation.ts';
import { whoIs, type Me } from './me.ts';
import { createOwnCredentials, type OwnCredentialsDeps } from './own-credentials.ts';
import { createOwnProof, ownProofOf } from './own-proof.ts';
import type { SignedIn } from './signed-in.ts';
import type { SignIn } from './sign-in.ts';
import { unfitPassword } from './new-password.ts';

/** What the account page works with. */
export interface AccountDeps extends OwnCredentialsDeps {
  readonly accounts: Accounts;
  /** Undefined where the site can have none. */
  readonly passkeys: Passkeys | undefined;
  readonly checkPasskey: CheckPasskey | undefined;
  readonly signIn: SignIn;
  readonly pace: SignInPace;
  readonly digest: Digest;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly clock: Clock;
  readonly client: (id: string) => ClientRecord | undefined;
  readonly log: OAuthLog;
}

const SESSION_S = 8 * 3600;
const KEPT_MS = 10 * 60_000;

/** The account page: what somebody is signed in with, whom they have let in, and their second factor. */
export function createAccountPages(deps: AccountDeps): (x: PageExchange, provider: Provider) => Promise<void> {
  const { publicUrl, accounts, passkeys, access, signIn, pace, digest, log } = deps;
  const own = passkeys === undefined ? undefined : createAccountPasskeys({ ...deps, passkeys });
  const isOwn = createOwnProof(deps);
  const credentials = createOwnCredentials(deps);
  const invitation = createInvitation(deps);
  /** Seeds that are being set up, by session; only whoever has just given the password sees them. */
  const seeds = new LRUCache<string, Uint8Array>({ max: 1_000, ttl: KEPT_MS });
  /** Recovery codes until they were shown, once. */
  const codes = new LRUCache<string, readonly string[]>({ max: 1_000, ttl: KEPT_MS });
  const errors = new LRUCache<string, string>({ max: 1_000, ttl: KEPT_MS });

  return async (x, provider) => {
    const ctx = provider.createContext(x.request, x.response) as unknown as KoaContextWithOIDC;
    const me = await whoIs(ctx, provider, deps);
    const browser = browserOf(ctx, deps.randomBytes);
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
        case FEDERATED_PATH:
          return await signIn.arrive(x, browser);
        case '/account/signed-out':
          return showSignedOut(x);
        case '/account/invitation':
          return await invitation(x, { csrf, browser }, form);
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

  /** A session of its own making, never one that was there before: whoever has planted an id has nothing (fixation). */
  async function startSession(
    ctx: KoaContextWithOIDC,
    provider: Provider,
    { userId, strength, authenticatedAtS }: SignedIn,
  ): Promise<void> {
    const nowS = Math.floor(deps.clock.nowMs() / 1000);
    const loginTs = authenticatedAtS ?? nowS;
    const before = await provider.Session.get(ctx);
    await before.destroy();
    const session = new provider.Session();
    session.loginAccount({ accountId: userId, acr: strength.acr, amr: [...strength.amr], loginTs, transient: true });
    await session.save(Math.max(1, SESSION_S - (nowS - loginTs)));
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
    const { browser, csrf, form } = at;
    const place = { key: `account ${browser}`, action: '/account/sign-in', csrf, browser };
    if (at.me !== undefined) {
      signIn.drop(place.key);
      return x.goTo('/account');
    }
    const done = await (form === undefined ? signIn.open(x, place) : signIn.take(x, place, form));
    if (done === undefined) return;
    await startSession(ctx, provider, done);
    x.goTo('/account');
  }

  async function show(x: PageExchange, me: Me, csrf: string): Promise<void> {
    const error = errors.get(me.sessionUid);
    errors.delete(me.sessionUid);
    const shown = codes.get(me.sessionUid);
    codes.delete(me.sessionUid);
    if (shown !== undefined) return showRecoveryCodes(x, shown);
    const seed = seeds.get(me.sessionUid);
    const options = own?.begun(me);
    if (options !== undefined) return showAddPasskey(x, { csrf, options, error });
    if (seed !== undefined) return showSetUp(x, { csrf, seed, name: me.name, site: new URL(publicUrl).host, error });
    const grants = await access.grants(me.id);
    showAccount(x, {
      csrf,
      error,
      name: me.name,
      secrets: me.secrets,
      passkeyOptions: passkeys?.requestOptions(ownProofOf(me)),
      sessions: (await access.sessions(me.id)).map((one) => ({ ...one, isThis: one.id === me.sessionId })),
      keys: credentials.keys(me.id),
      tokens: credentials
        .tokens(me.id)
        .map((one) => ({ ...one, clientName: deps.client(one.client)?.name ?? one.client })),
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
      case 'revoke-key':
        if (await credentials.revokeKey(me.id, text('id'))) {
          log.info('own_key_revoked', { user: me.id, key: text('id'), requestId: x.requestId });
        }
        break;
      case 'revoke-tokens':
        await credentials.revokeTokens(me.id, text('id'));
        log.info('own_tokens_revoked', { user: me.id, requestId: x.requestId });
        break;
      case 'cancel':
        own?.cancel(me);
        seeds.delete(me.sessionUid);
        break;
      case 'set-up': {
        if (!(await isShown(x, me, form))) return;
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
        if (!(await isShown(x, me, form))) return;
        await accounts.setPassword(me.id, text('new'));
        // Whoever knew the old one may be signed in somewhere (RFC 9700 §4.14.2).
        await access.endAll(me.id);
        await startSession(ctx, provider, signedInAs(me, me.strength));
        log.info('password_changed', { user: me.id, requestId: x.requestId });
        break;
      }
      case 'add-passkey':
        if (!(await isShown(x, me, form))) return;
        own?.begin(me, text('name'));
        break;
      case 'register-passkey': {
        const outcome = await own?.add(x, me, text('passkey'));
        if (outcome !== undefined && 'error' in outcome) fail(outcome.error);
        else if (outcome !== undefined) codes.set(me.sessionUid, outcome.codes);
        break;
      }
      case 'remove-passkey': {
        if (!(await isShown(x, me, form))) return;
        const outcome = await own?.remove(x, me, text('id'));
        if (outcome !== undefined && 'error' in outcome) {
          fail(outcome.error);
          break;
        }
        // What was signed in with it, perhaps by whoever has found it, ends with it.
        await access.endAll(me.id);
        const left = await accounts.open(me.id);
        const isStillStrong = left !== undefined && hasSecondFactor(left.secrets);
        await startSession(ctx, provider, signedInAs(me, isStillStrong ? me.strength : STRENGTHS.password));
        break;
      }
      default:
        break;
    }
    x.goTo('/account');
  }

  /** Whether whoever asks is the person; else the answer was given. */
  async function isShown(x: PageExchange, me: Me, form: URLSearchParams): Promise<boolean> {
    const said = await isOwn(x, me, form);
    if (said === undefined) return true;
    if (typeof said === 'number') {
      tooMany(x, said);
      return false;
    }
    errors.set(me.sessionUid, said);
    x.goTo('/account');
    return false;
  }
}

/** A session in the place of another one of theirs; the password alone does not make a strong sign-in any newer. */
const signedInAs = ({ id, authenticatedAtS }: Me, strength: Strength): SignedIn => ({
  userId: id,
  strength,
  authenticatedAtS,
});

function tooMany(x: PageExchange, waitS: number): void {
  x.fail(429, `There were too many tries. Wait ${waitS} seconds, then go back and try again.`, waitS);
}
