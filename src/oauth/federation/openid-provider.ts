import type * as OpenidClient from 'openid-client';
import type { Clock } from '../../kernel/clock.ts';

/** How the company's provider is reached and what of it counts. */
export interface FederationOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Groups of the provider, and the group of ours that each stands for. */
  readonly groups: Readonly<Record<string, string>>;
}

/** Asks a provider; what is too large, too slow or elsewhere is refused there. */
export type ProviderFetch = (
  issuer: string,
  url: string,
  init: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | undefined;
  },
) => Promise<Response>;

/** What a sign-in at the provider has begun with; nobody but us has it. */
export interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** The sign-in there must not be older, in seconds since the epoch. */
  readonly notBeforeS: number;
  /** Whether its time has to be said. */
  readonly needsTime: boolean;
}

/** The company's OpenID provider. */
export interface OpenidProvider {
  /**
   * Where the browser goes. @throws where the provider cannot be asked or is not what it should be
   *
   * @param maxAgeS how long ago the sign-in there may have been; 0: it has to be a new one
   */
  begin(maxAgeS: number): Promise<{ readonly url: URL; readonly begun: Begun }>;
  /** The claims of whoever comes back. @throws for whatever is wrong with it; `whyOf` says what, without its texts */
  finish(answer: URLSearchParams, begun: Begun): Promise<Readonly<Record<string, unknown>>>;
}

/** Nobody is signed in here for longer (NIST SP 800-63B §2.2.3), so no sign-in there counts for longer. */
export const MAX_AGE_S = 8 * 3600;
/** What clocks differ by. */
const SKEW_S = 60;
/** How long its metadata counts, and how long it is not asked again after it could not be had. */
const KNOWN_MS = 3_600_000;
const FAILED_MS = 2_000;

/**
 * The provider at an issuer, by code with PKCE, state and nonce (OpenID Connect Core §3.1, RFC 9700 §2.1). Its metadata is
 * read when somebody first goes there.
 */
export function createOpenidProvider(
  { issuer, clientId, clientSecret }: FederationOptions,
  redirectUri: string,
  fetch: ProviderFetch,
  clock: Clock,
): OpenidProvider {
  let knownUntilMs = 0;
  let known: Promise<{ client: typeof OpenidClient; configuration: OpenidClient.Configuration }> | undefined;

  const ask: OpenidClient.CustomFetch = (url, { method, headers, body }) =>
    fetch(issuer, url, { method, headers, body: body instanceof URLSearchParams ? body.toString() : undefined });

  async function discover() {
    const client = await import('openid-client');
    const isLocal = new URL(issuer).protocol === 'http:';
    const execute = [
      // Else a signature is taken on trust where the token came from the provider itself (OpenID Connect Core §3.1.3.7).
      client.enableNonRepudiationChecks,
      ...(isLocal ? [client.allowInsecureRequests] : []),
    ];
    const configuration = await client.discovery(new URL(issuer), clientId, undefined, undefined, {
      execute,
      [client.customFetch]: ask,
    });
    const { authorization_endpoint: endpoint = '' } = configuration.serverMetadata();
    // Metadata could name any scheme, and this goes into a link.
    if (!['https:', new URL(issuer).protocol].includes(new URL(endpoint).protocol)) {
      throw new TypeError('the authorization endpoint is not https');
    }
    const { token_endpoint_auth_methods_supported: methods } = configuration.serverMetadata();
    const isPost = methods !== undefined && !methods.includes('client_secret_basic');
    const auth = isPost ? client.ClientSecretPost(clientSecret) : client.ClientSecretBasic(clientSecret);
    const made = new client.Configuration(configuration.serverMetadata(), clientId, undefined, auth);
    made[client.customFetch] = ask;
    for (const step of execute) step(made);
    return { client, configuration: made };
  }

  /** Once for all who wait; what failed is asked again, but not by each who comes. */
  function ready() {
    if (known !== undefined && clock.nowMs() < knownUntilMs) return known;
    knownUntilMs = clock.nowMs() + KNOWN_MS;
    known = discover().catch((error: unknown) => {
      knownUntilMs = clock.nowMs() + FAILED_MS;
      throw error;
    });
    return known;
  }

  return {
    async begin(maxAgeS) {
      const { client, configuration } = await ready();
      const begun = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
        notBeforeS: Math.floor(clock.nowMs() / 1000) - maxAgeS - SKEW_S,
        needsTime: maxAgeS < MAX_AGE_S,
      };
      const { scopes_supported: scopes } = configuration.serverMetadata();
      const url = client.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: ['openid', 'profile', ...(scopes?.includes('groups') === true ? ['groups'] : [])].join(' '),
        code_challenge: await client.calculatePKCECodeChallenge(begun.verifier),
        code_challenge_method: 'S256',
        state: begun.state,
        nonce: begun.nonce,
        // With it the ID token says when it was (OpenID Connect Core §3.1.2.1).
        max_age: String(maxAgeS),
        ...(maxAgeS === 0 ? { prompt: 'login' } : {}),
      });
      return { url, begun };
    },
    async finish(answer, { state, nonce, verifier, notBeforeS, needsTime }) {
      const { client, configuration } = await ready();
      const url = new URL(redirectUri);
      url.search = answer.toString();
      const tokens = await client.authorizationCodeGrant(configuration, url, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new TypeError('there is no ID token');
      // What was asked for went through the browser: whoever sits there can take `prompt` and `max_age` out of the address.
      const { auth_time: timeS = needsTime ? 0 : notBeforeS } = claims;
      if (!(timeS >= notBeforeS)) throw Object.assign(new Error('the sign-in is too old'), { code: 'too_old' });
      return claims;
    },
  };
}

/** Why something failed, as a code for the log: never a text of the provider or of whoever came back. */
export function whyOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && /^[A-Za-z0-9_]{1,64}$/.test(code)) return code;
  }
  return error instanceof Error ? error.name.slice(0, 64) : 'unknown';
}
