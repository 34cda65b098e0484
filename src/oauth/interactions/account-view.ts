import type { TokenUse } from '../../directory/token-uses.ts';
import type { UserSecrets } from '../../directory/users.ts';
import { base32Of, totpUri } from '../../directory/totp.ts';
import type { GrantView, SessionView } from '../access.ts';
import type { PageExchange } from './exchange.ts';
import { html, type Html } from './html.ts';
import { form, time } from './account-form.ts';
import { credentialsPart } from './credentials-view.ts';
import type { OwnCredentials } from './own-credentials.ts';
import { newPassword } from './new-password.ts';
import { needsScript, passkeyButton, passkeyScript } from './passkey-script.ts';

/** What the account page shows. */
export interface AccountView {
  readonly csrf: string;
  readonly error: string | undefined;
  readonly name: string;
  readonly secrets: UserSecrets;
  /** What the browser is asked with for a passkey of theirs, JSON; undefined where the site can have none. */
  readonly passkeyOptions: string | undefined;
  readonly sessions: readonly (SessionView & { readonly isThis: boolean })[];
  readonly keys: ReturnType<OwnCredentials['keys']>;
  readonly tokens: readonly (TokenUse & { readonly clientName: string })[];
  readonly grants: readonly (GrantView & { readonly clientName: string })[];
}

/** Shows what somebody is signed in with and whom they have let in. */
export function showAccount(x: PageExchange, view: AccountView): void {
  const { csrf, name, secrets, sessions, grants } = view;
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
    ${credentialsPart(csrf, view.keys, view.tokens)}
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
    ${
      secrets.federated === undefined
        ? credentials(view)
        : html`<h2>How you sign in</h2>
            <p>At ${new URL(secrets.federated.issuer).host}. Passwords and second factors are changed there.</p>`
    }`;
  x.show({ title: 'Your account', body, error: view.error, script: proofScript(view) });
}

/** What somebody signs in with here. */
function credentials(view: AccountView): Html {
  const { csrf, secrets } = view;
  return html`${view.passkeyOptions === undefined ? undefined : passkeysPart(view)}
    <h2>Authenticator app</h2>
    ${
      secrets.totp?.isConfirmed === true
        ? html`<p>On. Whoever has lost it asks an administrator.</p>`
        : folded('Set up an authenticator app', form(csrf, 'set-up', proof(view, 'set-up', 'Set it up')))
    }
    ${
      secrets.recoveryCodes.length === 0
        ? undefined
        : html`<h2>Recovery codes</h2>
            <p>${secrets.recoveryCodes.length} recovery codes left.</p>`
    }
    <h2>Password</h2>
    ${secrets.passwordHash === undefined ? html`<p>You have none: you sign in without.</p>` : undefined}
    ${folded(
      secrets.passwordHash === undefined ? 'Set a password' : 'Change the password',
      form(
        csrf,
        'password',
        html`${newPassword()}
          <p>Changing it ends everything that you are signed in with, applications among them.</p>
          ${proof(view, 'old', 'Change it')}`,
      ),
    )}`;
}

/** Lists passkeys, and adds and removes them. */
function passkeysPart(view: AccountView): Html {
  const { csrf, secrets } = view;
  const { passkeys } = secrets;
  return html`<h2>Passkeys</h2>
    ${
      passkeys.length === 0
        ? html`<p>
            None. A passkey signs you in by the lock of your device and cannot be given away to a false page. Once you
            have one, your password alone does not sign you in any more.
          </p>`
        : html`<ul>
            ${passkeys.map(
              ({ name, createdAtMs, lastUsedAtMs, isSynced }) =>
                html`<li>
                  <strong>${name}</strong>${isSynced ? ', may be on several devices' : undefined}, since
                  ${time(createdAtMs)}${lastUsedAtMs === undefined ? undefined : html`, last used ${time(lastUsedAtMs)}`}
                </li>`,
            )}
          </ul>`
    }
    ${folded(
      'Add a passkey',
      form(
        csrf,
        'add-passkey',
        html`<label for="passkey-name">What you call it, such as Laptop</label>
          <input id="passkey-name" name="name" autocomplete="off" maxlength="64" />
          ${proof(view, 'add', 'Add it')}`,
      ),
    )}
    ${
      passkeys.length === 0
        ? undefined
        : folded(
            'Remove a passkey',
            form(
              csrf,
              'remove-passkey',
              html`<label for="passkey-id">Passkey to remove</label>
                <select id="passkey-id" name="id">
                  ${passkeys.map(({ id, name, createdAtMs }) => html`<option value="${id}">${name}, ${time(createdAtMs)}</option>`)}
                </select>
                <p>Removing it ends everything that you are signed in with, applications among them.</p>
                ${proof(view, 'remove', 'Remove it')}`,
            ),
          )
    }`;
}

/** A form that is opened by its name; without script, too. */
const folded = (name: string, inside: Html): Html =>
  html`<details>
    <summary>${name}</summary>
    ${inside}
  </details>`;

/** Asks whoever sends a form to show that they are the person: by the password, or a passkey, as they have them. */
function proof({ secrets, passkeyOptions }: AccountView, id: string, label: string): Html {
  const { passwordHash, passkeys } = secrets;
  const canShow = passkeyOptions !== undefined && passkeys.length > 0;
  return html`${
    passwordHash === undefined
      ? undefined
      : html`<label for="${id}-password">${id === 'old' ? 'Your password until now' : 'Your password'}</label>
          <input id="${id}-password" name="password" type="password" autocomplete="current-password" required />
          <p class="choice"><button>${label}</button></p>`
  }
  ${canShow ? passkeyButton('get', passkeyOptions, `${label}, confirmed by a passkey`) : undefined}`;
}

const proofScript = ({ secrets, passkeyOptions }: AccountView) =>
  passkeyOptions !== undefined && secrets.passkeys.length > 0 ? passkeyScript : undefined;

/** Has the browser make a passkey. */
export function showAddPasskey(
  x: PageExchange,
  view: { readonly csrf: string; readonly options: string; readonly error: string | undefined },
): void {
  const { csrf, options, error } = view;
  const body = html`<p>Your browser asks you where to keep it, and for the lock of that device.</p>
    ${needsScript} ${form(csrf, 'register-passkey', passkeyButton('create', options, 'Make the passkey'))}
    ${form(csrf, 'cancel', html`<p class="choice"><button>Cancel</button></p>`)}`;
  x.show({ title: 'Add a passkey', body, error, script: passkeyScript });
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
      From now on your password needs a second factor. Each of these codes replaces it once, where you have lost it.
      They are shown this once: keep them where nobody else looks.
    </p>
    <ul>
      ${codes.map((code) => html`<li><code>${code}</code></li>`)}
    </ul>
    <p>It counts from the next time on that you sign in. <a href="/account">Go on</a></p>`;
  x.show({ title: 'Recovery codes', body });
}

/** Says that it is over. */
export function showSignedOut(x: PageExchange): void {
  const body = html`<p>You are signed out in this browser. <a href="/account/sign-in">Sign in again</a></p>`;
  x.show({ title: 'Signed out', body });
}
