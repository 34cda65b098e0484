import { PASSWORD_LENGTH } from '../../directory/password.ts';
import { base32Of, totpUri } from '../../directory/totp.ts';
import type { GrantView, SessionView } from '../access.ts';
import type { PageExchange } from './exchange.ts';
import { html, type Html } from './html.ts';

/** What the account page shows. */
export interface AccountView {
  readonly csrf: string;
  readonly error: string | undefined;
  readonly name: string;
  readonly hasSecondFactor: boolean;
  readonly recoveryCodes: number;
  readonly sessions: readonly (SessionView & { readonly isThis: boolean })[];
  readonly grants: readonly (GrantView & { readonly clientName: string })[];
}

/** Shows what somebody is signed in with and whom they have let in. */
export function showAccount(x: PageExchange, view: AccountView): void {
  const { csrf, name, sessions, grants } = view;
  const body = html`<p>You are signed in as <strong>${name}</strong>.</p>
    ${form(csrf, 'sign-out', html`<button>Sign out</button>`)}
    <p>Signing out ends what applications got in this browser's session, too.</p>
    <h2>Applications that act for you</h2>
    ${grants.length === 0 ? html`<p>None.</p>` : undefined}
    <ul>
      ${grants.map(
        ({ id, clientName, scopes, createdAtMs, expiresAtMs }) =>
          html`<li>
            <p>
              <strong>${clientName}</strong>, since
              ${time(createdAtMs)}${
                expiresAtMs === undefined ? undefined : html`, until ${time(expiresAtMs)} at the latest`
              }:
              <code>${scopes.join(' ')}</code>
            </p>
            ${form(csrf, 'end-grant', html`<button aria-label="End the access of ${clientName}">End access</button>`, id)}
          </li>`,
      )}
    </ul>
    <h2>Where you are signed in</h2>
    <ul>
      ${sessions.map(
        ({ id, signedInAtMs, isThis }) =>
          html`<li>
            <p>Since ${time(signedInAtMs)}${isThis ? ' (this browser)' : undefined}</p>
            ${isThis ? undefined : form(csrf, 'end-session', html`<button>End session</button>`, id)}
          </li>`,
      )}
    </ul>
    <h2>Second factor</h2>
    ${
      view.hasSecondFactor
        ? html`<p>On, with ${view.recoveryCodes} recovery codes left. Whoever has lost it asks an administrator.</p>`
        : form(
            csrf,
            'set-up',
            html`<label for="set-up-password">Your password</label>
              <input id="set-up-password" name="password" type="password" autocomplete="current-password" required />
              <p class="choice"><button>Set up an authenticator app</button></p>`,
          )
    }
    <h2>Password</h2>
    ${form(
      csrf,
      'password',
      html`<label for="old">Your password until now</label>
        <input id="old" name="password" type="password" autocomplete="current-password" required />
        ${newPassword()}
        <p>Changing it ends everything that you are signed in with, applications among them.</p>
        <p class="choice"><button>Change the password</button></p>`,
    )}`;
  x.show({ title: 'Your account', body, error: view.error });
}

/** Shows the seed of a second factor that is being set up. */
export function showSetUp(
  x: PageExchange,
  view: {
    readonly csrf: string;
    readonly seed: Uint8Array;
    readonly name: string;
    readonly site: string;
    readonly error: string | undefined;
  },
): void {
  const { csrf, seed, name, site } = view;
  const key = base32Of(seed).match(/.{4}/g)?.join(' ') ?? '';
  const body = html`<p>
      Give your authenticator app this key, or open <a href="${totpUri(seed, name, site)}">this link</a> on the device
      that has the app.
    </p>
    <p><code>${key}</code></p>
    ${form(
      csrf,
      'confirm',
      html`<label for="code">The code that the app shows now</label>
        <input
          id="code"
          name="code"
          inputmode="numeric"
          autocomplete="one-time-code"
          maxlength="10"
          required
          autofocus
        />
        <p class="choice"><button>Turn on</button></p>`,
    )}
    ${form(csrf, 'cancel', html`<p class="choice"><button>Cancel</button></p>`)}`;
  x.show({ title: 'Set up a second factor', body, error: view.error });
}

/** Shows recovery codes, this once. */
export function showRecoveryCodes(x: PageExchange, codes: readonly string[]): void {
  const body = html`<p>
      The second factor is on. Each of these codes replaces it once, where you have lost the app. They are shown this
      once: keep them where nobody else looks.
    </p>
    <ul>
      ${codes.map((code) => html`<li><code>${code}</code></li>`)}
    </ul>
    <p>It counts from the next time on that you sign in. <a href="/account">Go on</a></p>`;
  x.show({ title: 'Recovery codes', body });
}

/** Asks whoever was invited for a password. */
export function showInvitation(
  x: PageExchange,
  view: {
    readonly csrf: string;
    readonly user: string;
    readonly invitation: string;
    readonly error: string | undefined;
  },
): void {
  const body = html`<p>Choose the password with which you will sign in here.</p>
    <form method="post" action="/account/invitation">
      <input type="hidden" name="csrf" value="${view.csrf}" />
      <input type="hidden" name="user" value="${view.user}" />
      <input type="hidden" name="invitation" value="${view.invitation}" />
      ${newPassword()}
      <p class="choice"><button>Set the password</button></p>
    </form>`;
  x.show({ title: 'Welcome', body, error: view.error });
}

/** Says that it is over. */
export function showSignedOut(x: PageExchange): void {
  const body = html`<p>You are signed out in this browser. <a href="/account/sign-in">Sign in again</a></p>`;
  x.show({ title: 'Signed out', body });
}

function form(csrf: string, what: string, inside: Html, id?: string): Html {
  return html`<form method="post" action="/account">
    <input type="hidden" name="csrf" value="${csrf}" />
    <input type="hidden" name="do" value="${what}" />
    ${id === undefined ? undefined : html`<input type="hidden" name="id" value="${id}" />`} ${inside}
  </form>`;
}

function newPassword(): Html {
  const { min, max } = PASSWORD_LENGTH;
  return html`<label for="new">New password, ${min} characters or more</label>
    <input
      id="new"
      name="new"
      type="password"
      autocomplete="new-password"
      minlength="${min}"
      maxlength="${max}"
      required
    />
    <label for="again">The same again</label>
    <input id="again" name="again" type="password" autocomplete="new-password" maxlength="${max}" required />`;
}

const time = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ').concat(' UTC');
