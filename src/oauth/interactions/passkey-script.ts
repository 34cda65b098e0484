import { hash } from 'node:crypto';
import { Html, html, type PageScript } from './html.ts';

/**
 * The only script of these pages, on those alone on which a passkey can be used. It asks the browser for one and sends
 * what it gives as a form; it loads nothing and knows nothing that the page does not show.
 */
const SCRIPT = `
(() => {
  'use strict';
  if (!window.PublicKeyCredential) return;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (one) => one.charCodeAt(0));
  const text = (buffer) => btoa(Array.from(new Uint8Array(buffer), (one) => String.fromCharCode(one)).join(''))
    .replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=+$/, '');
  const named = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
  const ask = {
    async get(options) {
      const { rawId, response } = await navigator.credentials.get({
        publicKey: { ...options, challenge: bytes(options.challenge) },
      });
      return { id: text(rawId), response: {
        clientDataJSON: text(response.clientDataJSON), authenticatorData: text(response.authenticatorData),
        signature: text(response.signature), userHandle: response.userHandle ? text(response.userHandle) : undefined,
      } };
    },
    async create(options) {
      const { rawId, response } = await navigator.credentials.create({ publicKey: {
        ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: named(options.excludeCredentials),
      } });
      return { id: text(rawId), response: {
        clientDataJSON: text(response.clientDataJSON), attestationObject: text(response.attestationObject),
        transports: response.getTransports ? response.getTransports() : [],
      } };
    },
  };
  const say = (form, message) => {
    let place = form.querySelector('[role=alert]');
    if (!place) {
      place = document.createElement('p');
      place.className = 'error';
      place.setAttribute('role', 'alert');
      form.append(place);
    }
    place.textContent = message;
  };
  for (const place of document.querySelectorAll('[data-passkey]')) {
    place.hidden = false;
    const button = place.querySelector('button');
    const { form } = button;
    button.addEventListener('click', async () => {
      button.disabled = true;
      try {
        const given = await ask[place.dataset.passkey](JSON.parse(place.dataset.options));
        form.elements.namedItem('passkey').value = JSON.stringify(given);
        form.submit();
      } catch (error) {
        say(form, error.name === 'InvalidStateError'
          ? 'This device has a passkey for this account already.'
          : 'No passkey came: it was cancelled, it took too long, or there is none for this site.');
        button.disabled = false;
      }
    });
  }
})();
`;

/** The script as a page has it: its policy lets exactly this text run, and nothing else (CSP 3 §2.3.1). */
export const passkeyScript: PageScript = {
  element: new Html(`<script>${SCRIPT}</script>`),
  source: `'sha256-${hash('sha256', SCRIPT, 'base64')}'`,
};

/**
 * A button that asks the browser for a passkey and sends its form with it. Without script it is not there. No submit
 * button: Enter in a field must mean the one that works without script.
 *
 * @param options what the browser is asked with, JSON
 */
export const passkeyButton = (call: 'get' | 'create', options: string, label: string): Html =>
  html`<div data-passkey="${call}" data-options="${options}" hidden>
    <input type="hidden" name="passkey" value="" />
    <button type="button">${label}</button>
  </div>`;

/** Says that the page does nothing without script. */
export const needsScript = html`<noscript
  ><p class="error">A passkey needs script. Allow it for this page, or go back.</p></noscript
>`;
