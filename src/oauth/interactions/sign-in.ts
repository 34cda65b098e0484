import { LRUCache } from 'lru-cache';
import { HashingBusy } from '../../directory/password.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { LocalCounters } from '../../limits/counters.ts';
import { createFailures } from '../../limits/failures.ts';
import type { Accounts } from '../accounts.ts';
import type { OAuthLog } from '../log.ts';
import { hasSecondFactor } from '../../directory/users.ts';
import type { Federation } from '../federation/federation.ts';
import { MAX_AGE_S } from '../federation/openid-provider.ts';
import type { Passkeys } from '../passkeys.ts';
import type { SignInPace } from '../sign-in-pace.ts';
import { passkeyStrength, STRENGTHS } from '../strength.ts';
import type { CheckPasskey } from './check-passkey.ts';
import type { PageExchange } from './exchange.ts';
import { passkeyScript } from './passkey-script.ts';
import type { SignedIn } from './signed-in.ts';
import { goingOn, secondFactorForm, signInForm } from './sign-in-view.ts';

/** Where sign-in stands. */
export interface SignInPlace {
  /** Unguessable name of this browser's way through the pages. */
  readonly key: string;
  /** Path that its forms go to. */
  readonly action: string;
  readonly csrf: string;
  /** What its cookie says of the browser. */
  readonly browser: string;
  /** It must not count that somebody is signed in at their identity provider already. */
  readonly isFresh?: boolean;
  /** Where an answer may lead to. */
  readonly redirectUri?: string | undefined;
}

/** Signing in with a passkey, or with a password and, where there is one, a second factor. */
export interface SignIn {
  /** Shows the page; whoever has come back from their identity provider for it is signed in by that. */
  open(x: PageExchange, place: SignInPlace): Promise<SignedIn | undefined>;
  /** Forgets who has come back for a place, which wants nobody. */
  drop(key: string): void;
  /** Takes a browser that comes back from the identity provider, and leads it on to its place. */
  arrive(x: PageExchange, browser: string): Promise<void>;
  /** Takes a form; undefined where the answer was given: the next page, or why not. */
  take(x: PageExchange, place: SignInPlace, form: URLSearchParams): Promise<SignedIn | undefined>;
}

const PENDING_MS = 5 * 60_000;
const WRONG = 'The name or the password is not right.';
const WRONG_PASSKEY = 'This passkey was not accepted. Try it again, or sign in in another way.';
const WRONG_CODE = 'This code is not right, or it was used already. Wait for the next one.';

/** Somebody whose password was right. */
interface Waiting {
  readonly userId: string;
  readonly hasPasskey: boolean;
  /** What the password was judged by: with another one it was not right. */
  readonly passwordHash: string | undefined;
}

/** @param deps.failuresPerMinute wrong passwords of one address, as wrong credentials everywhere */
export function createSignIn(deps: {
  readonly accounts: Accounts;
  /** Undefined where the site can have none. */
  readonly passkeys: Passkeys | undefined;
  readonly checkPasskey: CheckPasskey | undefined;
  readonly federation: Federation;
  readonly pace: SignInPace;
  readonly counters: LocalCounters;
  readonly failuresPerMinute: number | 'none';
  readonly clock: Clock;
  readonly log: OAuthLog;
}): SignIn {
  const { accounts, passkeys, checkPasskey, federation, pace, clock, log } = deps;
  const failures = createFailures(deps.failuresPerMinute, deps.counters, clock);
  /** Passwords that were right and wait for a second factor. */
  const pending = new LRUCache<string, Waiting>({ max: 10_000, ttl: PENDING_MS });
  const errors = new LRUCache<string, string>({ max: 10_000, ttl: PENDING_MS });

  /** Forms that are being judged, by network: many at once must not all be tried before the first is counted. */
  const underWay = new Map<string, number>();

  /** Counts a try; false where it was refused, and the answer given. */
  function mayTry(x: PageExchange, name: string, what?: 'code'): boolean {
    const others = (underWay.get(x.network) ?? 1) - 1;
    const waitS = failures.hasRoom(x.network, others) ? pace.begin(name, x.network, what) : 60;
    if (waitS === undefined) return true;
    x.fail(429, `There were too many tries. Wait ${waitS} seconds, then go back and try again.`, waitS);
    return false;
  }

  /** @param user id of whom it was tried on, never the name: else who tries one password on many people is not seen */
  async function countFailure(x: PageExchange, what: string, user: string | undefined): Promise<void> {
    log.info('sign_in_failed', { what, user, requestId: x.requestId });
    failures.count(x.network);
  }

  function again(x: PageExchange, { key, action }: SignInPlace, error: string): undefined {
    errors.set(key, error);
    x.goTo(action);
  }

  async function takePassword(x: PageExchange, place: SignInPlace, form: URLSearchParams) {
    const name = (form.get('name') ?? '').trim().slice(0, 128);
    // Names of nobody are slowed down like all others, so that this does not tell them apart.
    const paced = name.normalize('NFKC').toLowerCase();
    if (!mayTry(x, paced)) return undefined;
    const user = await accounts.checkPassword(name, form.get('password') ?? '');
    if (user === undefined) {
      await countFailure(x, 'password', accounts.idOf(name));
      return again(x, place, WRONG);
    }
    pace.succeeded(paced, x.network);
    const opened = await accounts.open(user.id);
    if (opened === undefined || hasSecondFactor(opened.secrets)) {
      const { passkeys: known = [], passwordHash } = opened?.secrets ?? {};
      pending.set(place.key, { userId: user.id, hasPasskey: known.length > 0, passwordHash });
      x.goTo(place.action);
      return undefined;
    }
    return done(x, user.id, STRENGTHS.password);
  }

  /** Who waits for a second factor; nobody whose password was changed meanwhile: it may have been stolen. */
  async function waitingAt(key: string): Promise<Waiting | undefined> {
    const waiting = pending.get(key);
    if (waiting === undefined) return undefined;
    if ((await accounts.open(waiting.userId))?.secrets.passwordHash === waiting.passwordHash) return waiting;
    pending.delete(key);
    return undefined;
  }

  async function takeCode(x: PageExchange, place: SignInPlace, code: string) {
    const waiting = await waitingAt(place.key);
    if (waiting === undefined) return again(x, place, 'This took too long. Sign in again.');
    const paced = `code ${waiting.userId}`;
    if (!mayTry(x, paced, 'code')) return undefined;
    if (!(await accounts.useCode(waiting.userId, code))) {
      await countFailure(x, 'code', waiting.userId);
      return again(x, place, WRONG_CODE);
    }
    pace.succeeded(paced, x.network);
    pending.delete(place.key);
    return done(x, waiting.userId, STRENGTHS.mfa);
  }

  /** By a passkey alone, or after the password: then it has to be of the same person. */
  async function takePasskey(x: PageExchange, place: SignInPlace, text: string) {
    if (checkPasskey === undefined) return again(x, place, WRONG_PASSKEY);
    const waiting = await waitingAt(place.key);
    // Nothing of it can be guessed: counted is the address alone, so that nobody can lock out a person by their id.
    const paced = `passkey ${x.network}`;
    if (!mayTry(x, paced)) return undefined;
    const shown = await checkPasskey(x, place.key, text);
    if (shown === undefined || (waiting !== undefined && waiting.userId !== shown.userId)) {
      await countFailure(x, 'passkey', shown?.userId ?? waiting?.userId);
      return again(x, place, WRONG_PASSKEY);
    }
    pace.succeeded(paced, x.network);
    pending.delete(place.key);
    return done(x, shown.userId, passkeyStrength(shown.isSynced, waiting !== undefined));
  }

  async function goElsewhere(x: PageExchange, place: SignInPlace): Promise<undefined> {
    const host = federation.host() ?? '';
    const { key, action, browser, isFresh = false } = place;
    const url = await federation.begin({ key, action }, browser, isFresh ? 0 : MAX_AGE_S, x.requestId);
    if (url === undefined) return again(x, place, `${host} cannot be reached at this moment. Try again in a minute.`);
    x.show({ title: `Going on to ${host}`, body: goingOn(host, url.href), goesTo: url.href });
    return undefined;
  }

  async function done(x: PageExchange, userId: string, strength: SignedIn['strength']): Promise<SignedIn> {
    await accounts.noteSignIn(userId);
    log.info('signed_in', { user: userId, acr: strength.acr, requestId: x.requestId });
    return { userId, strength };
  }

  return {
    async open(x, { key, action, csrf, redirectUri }) {
      const arrived = federation.take(key);
      if (arrived !== undefined) return { ...(await done(x, arrived.userId, arrived.strength)), ...arrived };
      const error = errors.get(key);
      errors.delete(key);
      const waiting = pending.get(key);
      const options = passkeys?.requestOptions(key);
      const passkeyOptions = waiting?.hasPasskey === false ? undefined : options;
      const view = { action, csrf, passkeyOptions, provider: federation.host() };
      const script = passkeyOptions === undefined ? undefined : passkeyScript;
      const page =
        waiting === undefined
          ? { title: 'Sign in', body: signInForm(view) }
          : { title: 'Second factor', body: secondFactorForm(view) };
      x.show({ ...page, error, script }, { redirectUri });
      return undefined;
    },
    drop: (key) => void federation.take(key),
    async arrive(x, browser) {
      const host = federation.host() ?? '';
      // Each made-up code is a question to the provider in our name: they are counted as other wrong credentials are.
      if (!failures.hasRoom(x.network))
        return x.fail(429, 'There were too many tries. Wait a minute, then try again.', 60);
      const came = await federation.arrive(x.query, browser, x.requestId);
      switch (came.kind) {
        case 'arrived':
          return x.goTo(came.place.action);
        case 'failed':
          failures.count(x.network);
          errors.set(came.place.key, `${host} has not signed you in. Try again, or sign in in another way.`);
          return x.goTo(came.place.action);
        case 'unwelcome':
          return x.fail(
            403,
            `${host} knows you, but you may not use this gateway. Ask your administrator to let you in.`,
          );
        case 'astray':
          return x.fail(400, 'This sign-in has expired, or it began in another browser.');
      }
    },
    async take(x, place, form) {
      underWay.set(x.network, (underWay.get(x.network) ?? 0) + 1);
      try {
        const passkey = form.get('passkey') ?? '';
        if (passkey !== '') return await takePasskey(x, place, passkey);
        switch (form.get('step')) {
          case 'code':
            return await takeCode(x, place, (form.get('code') ?? '').slice(0, 64));
          case 'federated':
            return await goElsewhere(x, place);
          case 'restart':
            pending.delete(place.key);
            x.goTo(place.action);
            return undefined;
          default:
            return await takePassword(x, place, form);
        }
      } catch (error) {
        if (!(error instanceof HashingBusy)) throw error;
        x.fail(503, 'Too many people sign in at this moment. Go back and try again in a few seconds.', 5);
        return undefined;
      } finally {
        const left = (underWay.get(x.network) ?? 1) - 1;
        if (left === 0) underWay.delete(x.network);
        else underWay.set(x.network, left);
      }
    },
  };
}
