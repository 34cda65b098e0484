import { html, type Html } from './html.ts';

/** A form of the account page. @param what it does @param id of what it is done to */
export function form(csrf: string, what: string, inside: Html, id?: string): Html {
  return html`<form method="post" action="/account">
    <input type="hidden" name="csrf" value="${csrf}" />
    <input type="hidden" name="do" value="${what}" />
    ${id === undefined ? undefined : html`<input type="hidden" name="id" value="${id}" />`} ${inside}
  </form>`;
}

/** A moment for people. @param ms since the epoch */
export const time = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ').concat(' UTC');
