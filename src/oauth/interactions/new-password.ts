import { PASSWORD_LENGTH } from '../../directory/password.ts';
import { html, type Html } from './html.ts';

/** Asks for a new password, twice. */
export function newPassword(): Html {
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

/** What is wrong with a new password; undefined where it is fit. */
export function unfitPassword(password: string, again: string): string | undefined {
  if (password !== again) return 'The two passwords are not the same.';
  const { min, max } = PASSWORD_LENGTH;
  return password.length >= min && password.length <= max
    ? undefined
    : `A password has ${min} to ${max} characters: several words are easier to keep than signs.`;
}
