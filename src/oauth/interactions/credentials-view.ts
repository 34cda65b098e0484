import type { TokenUse } from '../../directory/token-uses.ts';
import { form, time } from './account-form.ts';
import { html, type Html } from './html.ts';
import type { OwnCredentials } from './own-credentials.ts';

/** Lists the API keys and tokens of somebody, each with the button that takes it back. */
export const credentialsPart = (
  csrf: string,
  keys: ReturnType<OwnCredentials['keys']>,
  tokens: readonly (TokenUse & { readonly clientName: string })[],
): Html =>
  html`<h2>Your API keys</h2>
    ${keys.length === 0 ? html`<p>None. An administrator makes one for you.</p>` : undefined}
    <ul>
      ${keys.map(
        ({ id, name, state, createdAtMs, lastUsedAtMs, expiresAtMs }) =>
          html`<li>
            <p>
              <strong>${name}</strong> (<code>${id}</code>${state === 'disabled' ? ', disabled' : undefined}), since
              ${time(createdAtMs)}, ${expiresAtMs === undefined ? 'without end' : html`until ${time(expiresAtMs)}`};
              ${lastUsedAtMs === undefined ? 'never used' : html`last used ${time(lastUsedAtMs)}`}
            </p>
            ${form(csrf, 'revoke-key', html`<button aria-label="Revoke the key ${name}">Revoke</button>`, id)}
          </li>`,
      )}
    </ul>
    <h2>Your tokens</h2>
    <p>What applications have used in your name. Revoking ends their access, too.</p>
    ${tokens.length === 0 ? html`<p>None was used yet.</p>` : undefined}
    <ul>
      ${tokens.map(
        ({ client, clientName, lastIssuedAtMs, lastUsedAtMs, count }) =>
          html`<li>
            <p>
              <strong>${clientName}</strong>: ${count} ${count === 1 ? 'request' : 'requests'}, last
              ${time(lastUsedAtMs)}${
                lastIssuedAtMs === undefined ? undefined : html`; last token of ${time(lastIssuedAtMs)}`
              }
            </p>
            ${form(
              csrf,
              'revoke-tokens',
              html`<button aria-label="Revoke the tokens of ${clientName}">Revoke</button>`,
              client,
            )}
          </li>`,
      )}
    </ul>`;
