import { PASSWORD_LENGTH } from '../../directory/password.ts';
import { html, type Html } from './html.ts';
import { passkeyButton } from './passkey-script.ts';

/** What the forms of sign-in hold. */
export interface SignInView {
  /** Path that they go to. */
  readonly action: string;
  readonly csrf: string;
  /** What the browser is asked with for a passkey, JSON; undefined where none can be used. */
  readonly passkeyOptions: string | undefined;
  /** Host of the identity provider; undefined where there is none. */
  readonly provider: string | undefined;
}

/** Asks for name and password, or a passkey. */
export function signInForm(view: SignInView): Html {
  const { action, csrf } = view;
  const others = [providerForm(view), passkeyForm(view, 'Sign in with a passkey')].filter((one) => one !== undefined);
  return html`${others} ${others.length === 0 ? undefined : html`<p class="or">With your name and password</p>`}
    <form method="post" action="${action}">
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
}

/** Asks for a second factor. */
export function secondFactorForm(view: SignInView): Html {
  const { action, csrf } = view;
  const passkey = passkeyForm(view, 'Use a passkey');
  return html`${passkey} ${passkey === undefined ? undefined : html`<p class="or">With a code</p>`}
    <form method="post" action="${action}">
      <input type="hidden" name="csrf" value="${csrf}" />
      <label for="code">Code of your authenticator app, or a recovery code</label>
      <input id="code" name="code" autocomplete="one-time-code" maxlength="32" required autofocus />
      <p class="choice">
        <button name="step" value="code">Continue</button>
        <button name="step" value="restart" formnovalidate>Start again</button>
      </p>
    </form>`;
}

/** Says where the browser goes. It goes there by itself; a form that did would have to name all that it is sent on to. */
export const goingOn = (host: string, url: string): Html =>
  html`<p>You sign in at ${host} and come back here. <a href="${url}">Go on</a></p>`;

const providerForm = ({ action, csrf, provider }: SignInView): Html | undefined =>
  provider === undefined
    ? undefined
    : html`<form method="post" action="${action}">
        <input type="hidden" name="csrf" value="${csrf}" />
        <p class="choice"><button name="step" value="federated">Sign in with ${provider}</button></p>
      </form>`;

const passkeyForm = ({ action, csrf, passkeyOptions }: SignInView, label: string): Html | undefined =>
  passkeyOptions === undefined
    ? undefined
    : html`<form method="post" action="${action}">
        <input type="hidden" name="csrf" value="${csrf}" />
        ${passkeyButton('get', passkeyOptions, label)}
      </form>`;
