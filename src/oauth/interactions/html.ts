import { hash } from 'node:crypto';

/** A piece of a page that is written as it stands. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Html | readonly Html[] | undefined;

/** Writes a piece of a page. Whatever is put into it is escaped, unless it is a piece itself: so no value becomes markup. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  let text = strings[0] ?? '';
  for (const [index, value] of values.entries()) text += textOf(value) + (strings[index + 1] ?? '');
  return new Html(text);
}

function textOf(value: Value): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(({ text }) => text).join('');
  return escaped(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => ENTITIES[one] ?? '');

/** Contrasts are at least 7:1 (WCAG 2.2, 1.4.3 and 1.4.6), in light and dark. */
const STYLE = `
:root{color-scheme:light dark;--ink:#1a1a1a;--paper:#fff;--soft:#f2f4f7;--line:#5f6b7a;--go:#0b4f9e;--bad:#8f1414}
@media (prefers-color-scheme:dark){:root{--ink:#f2f2f2;--paper:#15181c;--soft:#23282f;--line:#a9b4c2;--go:#9cc7ff;--bad:#ffb3b3}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.5rem;line-height:1.25;margin:1rem 0}
h2{font-size:1.125rem;margin:1.75rem 0 .5rem}
.site{background:var(--soft);border-left:.25rem solid var(--go);padding:.5rem .75rem;margin:0}
.site strong,code{overflow-wrap:anywhere}
label{display:block;font-weight:600;margin:1rem 0 .25rem}
input,select{width:100%;font:inherit;padding:.6rem;border:1px solid var(--line);border-radius:.25rem;background:var(--paper);color:var(--ink)}
button{font:inherit;font-weight:600;padding:.65rem 1.25rem;min-width:9rem;border:2px solid var(--go);border-radius:.25rem;background:var(--paper);color:var(--go);cursor:pointer}
:focus-visible{outline:3px solid var(--go);outline-offset:2px}
.choice{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}
.error{border-left:.25rem solid var(--bad);background:var(--soft);color:var(--bad);padding:.5rem .75rem}
.code{font:700 1.75rem/1.4 ui-monospace,monospace;letter-spacing:.1em}
dt{font-weight:600;margin-top:.75rem}dd{margin:0;overflow-wrap:anywhere}
summary{font-weight:600;color:var(--go);cursor:pointer;padding:.5rem 0}details form{border-left:.25rem solid var(--line);padding:0 0 .5rem .75rem}
.or{border-top:1px solid var(--line);margin:1.75rem 0 0;padding-top:1rem;font-weight:600}
form+form{margin-top:1rem}li form{display:inline}a{color:var(--go)}
`;

/**
 * The policy of a page: it loads nothing, runs nothing but what is named, is shown in no frame, and its forms go here (CSP 3).
 *
 * @param redirectUri where the answer to a form may be sent on to: browsers hold that against `form-action`, too
 * @param script the one that it may run
 */
export function pagePolicy(redirectUri?: string, script?: PageScript): string {
  const style = hash('sha256', STYLE, 'base64');
  const target = redirectUri === undefined ? '' : ` ${formTargetOf(redirectUri)}`;
  const runs = script === undefined ? '' : ` script-src ${script.source};`;
  return `default-src 'none';${runs} style-src 'sha256-${style}'; form-action 'self'${target}; frame-ancestors 'none'; base-uri 'none'`;
}

function formTargetOf(redirectUri: string): string {
  const { protocol, origin, hostname } = new URL(redirectUri);
  // A source cannot name an IPv6 address, nor can a scheme of an app have an origin.
  return /^https?:$/.test(protocol) && !hostname.startsWith('[') ? origin : protocol;
}

/** A script of ours, and by what a policy names it. */
export interface PageScript {
  readonly element: Html;
  readonly source: string;
}

/** What a page has beside its own text. */
export interface PageFrame {
  readonly title: string;
  /** The gateway's own address, which people compare with the one that their browser shows. */
  readonly site: string;
  readonly body: Html;
  /** Shown above all else. */
  readonly error?: string | undefined;
  readonly script?: PageScript | undefined;
  /** Where the browser goes on to by itself. */
  readonly goesTo?: string | undefined;
}

/** A whole page. */
export function page({ title, site, body, error, script, goesTo }: PageFrame): string {
  return html`<!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        ${goesTo === undefined ? undefined : html`<meta http-equiv="refresh" content="0;url=${goesTo}" />`}
        <title>${title} – ${new URL(site).host}</title>
        ${new Html(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <main>
          <p class="site">
            You are at <strong>${site}</strong>. Type a password or a code only while the address bar of your browser
            shows exactly this.
          </p>
          <h1>${title}</h1>
          ${error === undefined ? undefined : html`<p class="error" role="alert">${error}</p>`} ${body}
        </main>
        ${script?.element}
      </body>
    </html>`.text;
}

/** A page that says what went wrong, with the id under which the log has more. Texts of a request are only ever escaped. */
export function errorPage(site: string, message: string, requestId: string): string {
  return page({
    site,
    title: 'This did not work',
    body: html`<p class="error" role="alert">${message}</p>
      <p>
        Go back to the application that you came from and start again. If it happens again, tell your administrator this
        number: <code>${requestId}</code>
      </p>`,
  });
}
