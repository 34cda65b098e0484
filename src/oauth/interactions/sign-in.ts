import { LRUCache } from 'lru-cache';
import { HashingBusy, PASSWORD_LENGTH } from '../../directory/password.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Counters } from '../../limits/counters.ts';
import { createFailures } from '../../limits/failures.ts';
import type { Accounts } from '../accounts.ts';
import type { OAuthLog } from '../log.ts';
import type { SignInPace } from '../sign-in-pace.ts';
import { STRENGTHS, type Strength } from '../strength.ts';
import type { PageExchange } from './exchange.ts';
import { html } from './html.ts';

/** Who has signed in, and how. */
export interface SignedIn {
  readonly userId: string;
  readonly strength: Strength;
}

/** Where sign-in stands. */
export interface SignInPlace {
  /** Unguessable name of this browser's way through the pages. */
  readonly key: string;
  /** Path that its forms go to. */
  readonly action: string;
  readonly csrf: string;
  /** Where an answer may lead to. */
  readonly redirectUri?: string | undefined;
}

/** Signing in with a password and, where there is one, a second factor. */
export interface SignIn {
  show(x: PageExchange, place: SignInPlace): void;
  /** Takes a form; undefined where the answer was given: the next page, or why not. */
  take(x: PageExchange, place: SignInPlace, form: URLSearchParams): Promise<SignedIn | undefined>;
}

const PENDING_MS = 5 * 60_000;
const WRONG = 'The name or the password is not right.';
const WRONG_CODE = 'This code is not right, or it was used already. Wait for the next one.';

/** @param deps.failuresPerMinute wrong passwords of one address, as wrong credentials everywhere */
export function createSignIn(deps: {
  readonly accounts: Accounts;
  readonly pace: SignInPace;
  readonly counters: Counters;
  readonly failuresPerMinute: number | 'none';
  readonly clock: Clock;
  readonly log: OAuthLog;
}): SignIn {
  const { accounts, pace, clock, log } = deps;
  const failures = createFailures(deps.failuresPerMinute, deps.counters, clock);
  /** Passwords that were right and wait for a code. */
  const pending = new LRUCache<string, { readonly userId: string }>({ max: 10_000, ttl: PENDING_MS });
  const errors = new LRUCache<string, string>({ max: 10_000, ttl: PENDING_MS });

  /** Counts a try; false where it was refused, and the answer given. */
  function mayTry(x: PageExchange, name: string): boolean {
    const waitS = failures.hasRoom(x.network) ? pace.begin(name, x.network) : 60;
    if (waitS === undefined) return true;
    x.fail(429, `There were too many tries. Wait ${waitS} seconds, then go back and try again.`, waitS);
    return false;
  }

  async function countFailure(x: PageExchange, what: string): Promise<void> {
    log.info('sign_in_failed', { what, requestId: x.requestId });
    await failures.count(x.network);
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
      await countFailure(x, 'password');
      return again(x, place, WRONG);
    }
    pace.succeeded(paced, x.network);
    const opened = await accounts.open(user.id);
    if (opened?.secrets.totp?.isConfirmed === true) {
      pending.set(place.key, { userId: user.id });
      x.goTo(place.action);
      return undefined;
    }
    return done(x, user.id, STRENGTHS.password);
  }

  async function takeCode(x: PageExchange, place: SignInPlace, code: string) {
    const waiting = pending.get(place.key);
    if (waiting === undefined) return again(x, place, 'This took too long. Sign in again.');
    const paced = `code ${waiting.userId}`;
    if (!mayTry(x, paced)) return undefined;
    if (!(await accounts.useCode(waiting.userId, code))) {
      await countFailure(x, 'code');
      return again(x, place, WRONG_CODE);
    }
    pace.succeeded(paced, x.network);
    pending.delete(place.key);
    return done(x, waiting.userId, STRENGTHS.mfa);
  }

  async function done(x: PageExchange, userId: string, strength: SignedIn['strength']): Promise<SignedIn> {
    await accounts.noteSignIn(userId);
    log.info('signed_in', { user: userId, acr: strength.acr, requestId: x.requestId });
    return { userId, strength };
  }

  return {
    show(x, { key, action, csrf, redirectUri }) {
      const error = errors.get(key);
      errors.delete(key);
      if (pending.has(key)) {
        const body = html`<form method="post" action="${action}">
          <input type="hidden" name="csrf" value="${csrf}" />
          <label for="code">Code of your authenticator app, or a recovery code</label>
          <input id="code" name="code" autocomplete="one-time-code" maxlength="32" required autofocus />
          <p class="choice">
            <button name="step" value="code">Continue</button>
            <button name="step" value="restart" formnovalidate>Start again</button>
          </p>
        </form>`;
        return x.show({ title: 'Second factor', body, error }, { redirectUri });
      }
      const body = html`<form method="post" action="${action}">
        <input type="hidden" name="csrf" value="${csrf}" />
        <label for="name">Name</label>
        <input
          id="name"
          name="name"
          autocomplete="username"
          autocapitalize="none"
          spellcheck="false"
          maxlength="128"
          required
          autofocus
        />
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          maxlength="${PASSWORD_LENGTH.max}"
          required
        />
        <p class="choice"><button name="step" value="password">Sign in</button></p>
      </form>`;
      x.show({ title: 'Sign in', body, error }, { redirectUri });
    },
    async take(x, place, form) {
      try {
        switch (form.get('step')) {
          case 'code':
            return await takeCode(x, place, (form.get('code') ?? '').slice(0, 64));
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
      }
    },
  };
}
