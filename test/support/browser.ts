import assert from 'node:assert/strict';
import type { TestGateway } from './gateway.ts';
import { fetchVia, PUBLIC_URL } from './oauth.ts';

/** What a browser shows, or where it was sent to outside. */
export interface Shown {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Title of the page; empty where there is none. */
  readonly title: string;
}

interface Cookie {
  readonly value: string;
  readonly path: string;
}

/** A small browser without script: cookies, redirects, forms. Stops where a redirect leads away from the gateway. */
export function createBrowser(
  it: Pick<TestGateway, 'port'> & Partial<Pick<TestGateway, 'ca'>>,
  publicUrl = PUBLIC_URL,
) {
  const fetch = fetchVia(it);
  const jar = new Map<string, Cookie>();

  function keep(url: URL, headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ');
      const at = pair.indexOf('=');
      const path = attributes.find((one) => one.toLowerCase().startsWith('path='))?.slice(5) ?? url.pathname;
      const key = `${pair.slice(0, at)} ${path}`;
      if (pair.slice(at + 1) === '' || attributes.some((one) => /^expires=Thu, 01 Jan 1970/i.test(one)))
        jar.delete(key);
      else jar.set(key, { value: pair.slice(at + 1), path });
    }
  }

  const cookiesFor = ({ pathname }: URL): string =>
    [...jar]
      .filter(([, { path }]) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(([key, { value }]) => `${key.split(' ')[0]}=${value}`)
      .join('; ');

  async function once(url: URL, init: RequestInit = {}): Promise<Shown> {
    const headers = new Headers({ accept: 'text/html', ...(init.headers as Record<string, string>) });
    const cookies = cookiesFor(url);
    if (cookies !== '') headers.set('cookie', cookies);
    const answer = await fetch(url.href, { ...init, headers });
    keep(url, answer.headers);
    const text = await answer.text();
    const title = /<title>([^<]*)<\/title>/.exec(text)?.[1]?.trim() ?? '';
    return { url, status: answer.status, headers: answer.headers, text, title };
  }

  async function follow(shown: Shown): Promise<Shown> {
    const location = shown.headers.get('location');
    if (shown.status < 300 || shown.status > 399 || location === null) return shown;
    const url = new URL(location, shown.url);
    if (url.origin !== publicUrl) return { ...shown, url };
    return follow(await once(url));
  }

  /** Sends fields without following; as a page of our own does, unless headers say otherwise. */
  const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Shown> =>
    once(new URL(path, publicUrl), {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: 'null',
        'sec-fetch-site': 'same-origin',
        ...headers,
      },
    });

  return {
    jar,
    once: (path: string | URL, init?: RequestInit) => once(new URL(path, publicUrl), init),
    post,
    open: async (path: string | URL): Promise<Shown> => follow(await once(new URL(path, publicUrl))),
    /** Fills a form of a page in and sends it. @param which its number on the page, or a text in it */
    async submit(page: Shown, fields: Record<string, string>, which: number | string = 0): Promise<Shown> {
      const forms = [...page.text.matchAll(/<form[^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/gs)];
      const form = typeof which === 'number' ? forms[which] : forms.find(([text]) => text.includes(which));
      assert.ok(form, `${page.title}: there is no such form\n${page.text.slice(-1500)}`);
      const [, action = '', inside = ''] = form;
      const hidden = [...inside.matchAll(/<input\s+type="hidden"\s+name="([^"]*)"\s+value="([^"]*)"/g)];
      const all = { ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])), ...fields };
      const answer = await post(action, all);
      // RFC 9700 §4.12: never 307, by which the browser would send the password on.
      if (answer.status >= 300 && answer.status < 400) assert.equal(answer.status, 303);
      return follow(answer);
    },
  };
}

/** A browser of the tests. */
export type Browser = ReturnType<typeof createBrowser>;
