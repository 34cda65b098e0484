import { hasSecondFactor, type UserSecrets } from '../../directory/users.ts';
import type { Access } from '../access.ts';
import type { Accounts } from '../accounts.ts';
import type { OAuthLog } from '../log.ts';
import type { Passkeys } from '../passkeys.ts';
import { passkeyName } from './account-passkeys.ts';
import type { PageExchange } from './exchange.ts';
import { html } from './html.ts';
import { newPassword, unfitPassword } from './new-password.ts';
import { passkeyButton, passkeyScript } from './passkey-script.ts';

/** What an invitation works with. */
export interface InvitationDeps {
  readonly accounts: Accounts;
  readonly passkeys: Passkeys | undefined;
  readonly access: Access;
  readonly log: OAuthLog;
}

/** What ties a form to its browser. */
interface Browser {
  readonly csrf: string;
  readonly browser: string;
}

const OVER = 'This invitation was used already, or it is over. Ask for a new one.';

/** The page on which whoever was invited chooses how to sign in: by a passkey, or by a password. */
export function createInvitation(
  deps: InvitationDeps,
): (x: PageExchange, at: Browser, form: URLSearchParams | undefined) => Promise<void> {
  const { accounts, passkeys, access, log } = deps;

  return async (x, at, form) => {
    const given = form ?? x.query;
    const [user, text] = [given.get('user') ?? '', given.get('invitation') ?? ''];
    const secrets = await accounts.invited(user, text);
    if (secrets === undefined) return x.fail(410, OVER);
    if (form === undefined) return show(x, at, { user, text, secrets });
    const passkey = form.get('passkey') ?? '';
    const error =
      passkey === '' ? await takeByPassword(user, text, form) : await takeByPasskey(x, user, text, at.browser, passkey);
    if (error === OVER) return x.fail(410, OVER);
    if (error !== undefined) return show(x, at, { user, text, secrets, error });
    await access.endAll(user);
    log.info('invitation_taken', { user, requestId: x.requestId });
    x.goTo('/account/sign-in');
  };

  async function takeByPassword(user: string, text: string, form: URLSearchParams): Promise<string | undefined> {
    const password = form.get('new') ?? '';
    const error = unfitPassword(password, form.get('again') ?? '');
    return error ?? ((await accounts.takeUp(user, text, password)) ? undefined : OVER);
  }

  async function takeByPasskey(x: PageExchange, user: string, text: string, browser: string, passkey: string) {
    const made = await passkeys?.register(boundTo(user, browser), passkey, passkeyName(''));
    if (made === undefined || typeof made === 'string') {
      log.info('passkey_refused', { why: made, user, requestId: x.requestId });
      return 'This passkey was not accepted. Try it again, or choose a password.';
    }
    return (await accounts.takeUpWith(user, text, made)) ? undefined : OVER;
  }

  function show(
    x: PageExchange,
    { csrf, browser }: Browser,
    view: { readonly user: string; readonly text: string; readonly secrets: UserSecrets; readonly error?: string },
  ): void {
    const { user, text, secrets, error } = view;
    const { name } = secrets;
    const hidden = html`<input type="hidden" name="csrf" value="${csrf}" />
      <input type="hidden" name="user" value="${user}" />
      <input type="hidden" name="invitation" value="${text}" />`;
    // Whoever has a second factor has to show it: an invitation alone must not be a way around it.
    const options = hasSecondFactor(secrets)
      ? undefined
      : passkeys?.creationOptions(boundTo(user, browser), { id: user, name }, []);
    const body = html`<p>Your name here is <strong>${name}</strong>. Choose how you will sign in.</p>
      ${
        options === undefined
          ? undefined
          : html`<form method="post" action="/account/invitation">
                ${hidden} ${passkeyButton('create', options, 'Use a passkey, without a password')}
              </form>
              <p class="or">With a password</p>`
      }
      <form method="post" action="/account/invitation">
        ${hidden} ${newPassword()}
        <p class="choice"><button>Set the password</button></p>
      </form>`;
    x.show({ title: 'Welcome', body, error, script: options === undefined ? undefined : passkeyScript });
  }
}

const boundTo = (user: string, browser: string): string => `invitation ${user} ${browser}`;
