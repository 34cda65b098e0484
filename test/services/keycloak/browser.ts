/** What a person's browser does on Keycloak's pages: keeps cookies, fills in the form, follows redirects. */
export interface Visit {
  readonly username: string;
  readonly password: string;
  /** Where the client waits: a redirect to it is not followed but given back. */
  readonly redirectUri: string;
}

const MAX_STEPS = 10;

/** Signs in on the page of an authorization request. @returns the address that the client is called back at */
export async function signIn(start: URL, { username, password, redirectUri }: Visit): Promise<URL> {
  const cookies = new Map<string, string>();
  let next: { url: URL; body?: URLSearchParams } = { url: start };
  for (let step = 0; step < MAX_STEPS; step++) {
    const { url, body } = next;
    const answer = await fetch(url, {
      redirect: 'manual',
      method: body === undefined ? 'GET' : 'POST',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(body === undefined ? {} : { body }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    if (location !== null) {
      const to = new URL(location, url);
      if (to.href.startsWith(redirectUri)) return to;
      next = { url: to };
      continue;
    }
    const page = await answer.text();
    const action = /<form[^>]*\saction="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');
    if (action === undefined || body !== undefined)
      throw new Error(`${answer.status} at ${url.pathname}: ${textOf(page)}`);
    next = { url: new URL(action, url), body: new URLSearchParams({ username, password, credentialId: '' }) };
  }
  throw new Error('too many redirects');
}

const textOf = (page: string): string =>
  page
    .replaceAll(/<(script|style)[\s\S]*?<\/\1>/g, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 500);
