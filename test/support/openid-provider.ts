import { createHmac, hash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signed, testKey, type TestKey } from './issuer.ts';

/** The company's identity provider, over plain HTTP on loopback: code flow with PKCE, of people whom the test names. */
export interface TestProvider extends AsyncDisposable {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Answers 500 to everything while true. */
  isDown: boolean;
  /** Members of its metadata that are other than usual. */
  metadata: Record<string, unknown>;
  /** Makes the ID token of these claims; changed by whoever attacks. */
  idToken: (claims: Record<string, unknown>) => string;
  readonly key: TestKey;
  /** Who is signed in there: a browser that comes is sent back as them. */
  person: Record<string, unknown> | undefined;
  /** What was asked for at the token endpoint. */
  readonly asked: string[];
  /**
   * Signs somebody in for a request that a browser was sent here with; where the browser is sent back to.
   *
   * @param claims `sub`, `groups`, … and whatever is to be other than usual
   */
  signIn(request: URL, claims: Record<string, unknown>): URL;
}

/** Starts a provider. */
export async function startTestProvider(): Promise<TestProvider> {
  const clientId = 'gateway';
  const clientSecret = `s-${randomUUID()}`;
  /** What each code stands for. */
  const codes = new Map<string, { claims: Record<string, unknown>; challenge: string }>();
  const server = createServer((request, response) => {
    const answer = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      if (it.isDown) return answer(500, {});
      const url = new URL(request.url ?? '/', it.url);
      if (url.pathname === '/authorize' && it.person !== undefined) {
        response.writeHead(302, { location: it.signIn(url, it.person).href });
        return void response.end();
      }
      switch (url.pathname) {
        case '/.well-known/openid-configuration':
          return answer(200, {
            issuer: it.url,
            authorization_endpoint: `${it.url}/authorize`,
            token_endpoint: `${it.url}/token`,
            jwks_uri: `${it.url}/keys`,
            authorization_response_iss_parameter_supported: true,
            ...it.metadata,
          });
        case '/keys':
          return answer(200, { keys: [it.key.jwk] });
        case '/token':
          it.asked.push(body);
          return token(new URLSearchParams(body), request.headers.authorization, answer);
        default:
          return answer(404, {});
      }
    });
  });

  function token(
    form: URLSearchParams,
    authorization: string | undefined,
    answer: (status: number, value: unknown) => void,
  ): void {
    // RFC 6749 §2.3.1: both parts are form-encoded.
    const [id, secret] = Buffer.from(authorization?.replace('Basic ', '') ?? '', 'base64')
      .toString()
      .split(':');
    const isClient = id === clientId && decodeURIComponent(secret ?? '') === clientSecret;
    const known = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const isProven = hash('sha256', form.get('code_verifier') ?? '', 'base64url') === known?.challenge;
    if (!isClient || known === undefined || !isProven) return answer(400, { error: 'invalid_grant' });
    answer(200, { access_token: randomUUID(), token_type: 'Bearer', id_token: it.idToken(known.claims) });
  }

  const key = testKey('RS256');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const it: TestProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clientId,
    clientSecret,
    isDown: false,
    metadata: {},
    key,
    person: undefined,
    asked: [],
    idToken: (claims) => signed({ alg: key.alg, kid: key.kid }, claims, key),
    signIn({ searchParams }, claims) {
      const code = randomUUID();
      const nowS = Math.floor(Date.now() / 1000);
      const all = {
        iss: it.url,
        aud: clientId,
        iat: nowS,
        auth_time: nowS,
        exp: nowS + 300,
        nonce: searchParams.get('nonce'),
        ...claims,
      };
      codes.set(code, { claims: all, challenge: searchParams.get('code_challenge') ?? '' });
      const back = new URL(searchParams.get('redirect_uri') ?? '');
      back.search = new URLSearchParams({ code, state: searchParams.get('state') ?? '', iss: it.url }).toString();
      return back;
    },
    [Symbol.asyncDispose]() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return it;
}

/** An ID token that is signed with a client's secret in place of a key. */
export function hmacToken(claims: Record<string, unknown>, secret: string): string {
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${encoded({ alg: 'HS256' })}.${encoded(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}
