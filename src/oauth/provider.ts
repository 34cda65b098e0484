import type { ClientRecord, UserRecord } from '../directory/records.ts';
import { limitsClaim } from '../directory/limits-claim.ts';
import type { JsonObject } from '../kernel/json.ts';
import { saysSomething } from '../kernel/own-limits.ts';
import { isScope, SCOPES, type Scope } from '../kernel/scope.ts';
import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { browserOf, browserTag } from './interactions/browser-cookie.ts';
import { createDevicePages } from './interactions/device.ts';
import { errorPage, pagePolicy } from './interactions/html.ts';
import { prefilledCodeOf } from './interactions/pages.ts';
import type { OAuthOrigin } from './origin.ts';
import { originOf } from './origin.ts';
import { createModelAdapter, type ModelAdapterDeps } from './model-adapter.ts';
import type { OidcLibrary } from './oidc-library.ts';
import type { SigningKey } from './signing-keys.ts';
import type { Entitlements } from './entitlements.ts';
import { ACR, needsSecondFactor, type RequireSecondFactor } from './strength.ts';

/** Options of the authorization server, already read from the configuration. */
export interface ProviderOptions {
  /** Issuer, audience and address of every endpoint: `listen.publicUrl`. */
  readonly publicUrl: string;
  readonly accessTokenTtlMs: number;
  readonly refreshTokenTtlMs: number;
}

/** What the authorization server is made with. */
export interface ProviderDeps extends Omit<ModelAdapterDeps, 'errors'> {
  readonly user: (id: string) => UserRecord | undefined;
  readonly entitlements: Entitlements;
  readonly signingKeys: readonly SigningKey[];
  /** Secret of cookies and nonces, 32 bytes. */
  readonly secret: Uint8Array;
  readonly requireSecondFactor: () => RequireSecondFactor;
  readonly randomBytes: (count: number) => Uint8Array;
}

/** No refresh token lives longer, however often it is rotated (RFC 9700 §4.14.2). */
const MAX_GRANT_S = 30 * 24 * 3600;
/** The same in days. */
export const GRANT_DAYS = MAX_GRANT_S / 86_400;
/** Longest lifetime of an access token that anything may ask for (TK-05). */
const MAX_ACCESS_TOKEN_S = 3600;
/** How long somebody stays signed in, and how long a browser is known in which nobody is. */
const SESSION_S = 8 * 3600;
const ANONYMOUS_SESSION_S = 900;
/** Where sign-in and consent are. */
const INTERACTION_PATH = '/oauth/interaction';

/** The whole configuration of the library, in one place: all that is not switched on here is off. */
export function createProvider(library: OidcLibrary, options: ProviderOptions, deps: ProviderDeps): Provider {
  const { errors } = library;
  const { publicUrl } = options;
  const devicePages = createDevicePages(publicUrl);
  const adapterDeps: ModelAdapterDeps = { ...deps, errors };
  const clientOf = (id: string): ClientRecord => {
    const client = deps.client(id);
    if (client === undefined) throw new errors.InvalidClient('client not found');
    return client;
  };

  const configuration: Configuration = {
    adapter: (name: string) => createModelAdapter(name, adapterDeps),
    jwks: { keys: deps.signingKeys.map(({ privateJwk }) => privateJwk) as never },
    routes: {
      authorization: '/oauth/authorize',
      token: '/oauth/token',
      jwks: '/oauth/jwks',
      introspection: '/oauth/introspect',
      revocation: '/oauth/revoke',
      pushed_authorization_request: '/oauth/par',
      device_authorization: '/oauth/device_authorization',
      code_verification: '/device',
      end_session: '/oauth/end_session',
      userinfo: '/oauth/userinfo',
    },
    // Scopes of the gateway are those of its resource; here stand only those of OpenID Connect itself.
    scopes: ['openid'],
    claims: { openid: ['sub'], acr: null, amr: null, auth_time: null, iss: null },
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'private_key_jwt', 'tls_client_auth', 'none'],
    clientDefaults: { id_token_signed_response_alg: 'RS256', response_types: ['code'], grant_types: [] },
    enabledJWA: {
      clientAuthSigningAlgValues: ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256'],
      dPoPSigningAlgValues: ['ES256', 'EdDSA', 'Ed25519', 'ES384', 'PS256', 'RS256'],
      idTokenSigningAlgValues: ['RS256', 'ES256'],
      requestObjectSigningAlgValues: ['ES256', 'EdDSA', 'PS256', 'RS256'],
    },
    cookies: {
      keys: [Buffer.from(deps.secret).toString('base64url')],
      names: { session: '__Host-sallyport', interaction: 'sallyport_interaction', resume: 'sallyport_resume' },
      long: { signed: true, httpOnly: true, secure: true, sameSite: 'lax', path: '/' },
      short: { signed: true, httpOnly: true, secure: true, sameSite: 'lax' },
    },
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: {
        enabled: true,
        charset: 'base-20',
        mask: '****-****',
        deviceInfo: ({ req }) => ({
          address: originOf(req)?.address ?? '',
          agent: req.headers['user-agent'] ?? '',
        }),
        userCodeInputSource(ctx, _, out, error) {
          const prefilled = prefilledCodeOf(ctx.req);
          devicePages.input(ctx, prefilled, error === undefined ? undefined : deviceError(error.name, out?.error));
        },
        userCodeConfirmSource(ctx, _, client, device, userCode) {
          const { address, agent } = device as { address: string; agent: string };
          const { scope } = ctx.oidc.entities.DeviceCode?.params ?? {};
          devicePages.confirm(
            ctx,
            deps.client(client.clientId),
            { address, agent },
            userCode,
            typeof scope === 'string' ? scope : '',
          );
        },
        successSource: (ctx) => devicePages.success(ctx),
      },
      introspection: {
        enabled: true,
        allowedPolicy: (_, client, token) => token.clientId === client.clientId,
      },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      pushedAuthorizationRequests: { enabled: true },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      dPoP: { enabled: true, nonceSecret: Buffer.from(deps.secret), allowReplay: false },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: false,
        getCertificate: (ctx) => originOf(ctx.req)?.certificate?.pem,
        // The listener takes no certificate that its client CA has not signed.
        certificateAuthorized: (ctx) => originOf(ctx.req)?.certificate !== undefined,
        certificateSubjectMatches: (ctx, property, expected) =>
          isNamed(originOf(ctx.req)?.certificate, property, expected),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => publicUrl,
        useGrantedResource: () => true,
        getResourceServerInfo(ctx, resource, client) {
          // A token for somebody else is none that we could answer for (RFC 8707 §2).
          if (resource !== publicUrl && resource !== `${publicUrl}/`) throw new errors.InvalidTarget();
          const record = clientOf(client.clientId);
          // What the person may not do, no client can do for them; a narrowed person narrows what comes from old grants.
          const user = deps.user(personOf(ctx) ?? '');
          const scopes = withinStrength(ctx, deps.entitlements.scopes(record, user));
          grantScopes(ctx, scopes);
          return {
            scope: scopes.join(' '),
            audience: publicUrl,
            accessTokenTTL: Math.floor(accessTokenTtlMs(record) / 1000),
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    ttl: {
      AccessToken: (_, token) => token.resourceServer?.accessTokenTTL ?? 600,
      ClientCredentials: (_, token) => token.resourceServer?.accessTokenTTL ?? 600,
      AuthorizationCode: 60,
      DeviceCode: 600,
      IdToken: 600,
      RefreshToken: (_, token) =>
        Math.max(1, Math.min(options.refreshTokenTtlMs / 1000, MAX_GRANT_S - token.totalLifetime())),
      Grant: MAX_GRANT_S,
      Interaction: 900,
      // Its use does not prolong it: whoever signed in does so again each day (NIST SP 800-63B §2.2.3).
      Session: (_, { loginTs }) =>
        loginTs === undefined
          ? ANONYMOUS_SESSION_S
          : Math.max(1, SESSION_S - Math.floor(deps.nowMs() / 1000 - loginTs)),
      PushedAuthorizationRequest: 60,
    },
    async extraTokenClaims(ctx, token) {
      const { clientId, accountId, grantId, sessionUid } = token as {
        clientId?: string;
        accountId?: string;
        grantId?: string;
        sessionUid?: string;
      };
      const client = clientOf(clientId ?? '');
      const user = accountId === undefined ? undefined : deps.user(accountId);
      const claims: JsonObject = {
        tenant: user?.tenant ?? client.tenant,
        models: [...deps.entitlements.models(client, user)],
      };
      const groups = deps.entitlements.groups(client, user);
      if (groups.length > 0) claims['groups'] = [...groups];
      const grants = deps.entitlements.grants(client, user);
      if (grants.length > 0) claims['grants'] = [...grants];
      if (saysSomething(client.limits)) claims['limits'] = limitsClaim(client.limits);
      if (grantId !== undefined) claims['grant_id'] = deps.digest('Grant', grantId);
      if (sessionUid !== undefined) claims['sid'] = deps.digest('Session uid', sessionUid);
      // How the person signed in when this began (RFC 9470 §6): a refresh does not make it any newer.
      const { acr, amr, authTime } = signInOf(ctx);
      if (acr !== undefined) claims['acr'] = acr;
      if (amr !== undefined) claims['amr'] = amr;
      if (authTime !== undefined) claims['auth_time'] = authTime;
      return claims;
    },
    async findAccount(_, id) {
      const user = deps.user(id);
      if (user?.state !== 'active' || deps.tenant(user.tenant)?.isDisabled === true) return undefined;
      return { accountId: id, claims: () => Promise.resolve({ sub: id }) };
    },
    acrValues: [ACR.password, ACR.mfa],
    interactions: {
      policy: interactionPolicy(library),
      // The library's cookie for it has a path, so its name cannot have `__Host-`: a sibling domain could plant one, have
      // somebody sign in on a way that began elsewhere, and go on there as them (RFC 9700 §4.7).
      url: (ctx, { uid }) =>
        `${INTERACTION_PATH}/${uid}/${browserTag(deps.digest, uid, browserOf(ctx, deps.randomBytes))}`,
    },
    clientBasedCORS: () => false,
    renderError(ctx, out) {
      ctx.type = 'html';
      ctx.set('content-security-policy', pagePolicy());
      ctx.set('x-frame-options', 'DENY');
      const { requestId = '' } = originOf(ctx.req) ?? {};
      shownErrors.set(ctx, out.error);
      ctx.body = errorPage(publicUrl, `${out.error}: ${out.error_description ?? ''}`, requestId);
    },
  };
  const provider = new library.Provider(publicUrl, configuration);
  // Which address we have is said by the entry, which writes these headers itself.
  provider.proxy = true;
  return provider;

  function accessTokenTtlMs({ accessTokenTtlMs: own }: ClientRecord): number {
    return Math.min(own ?? options.accessTokenTtlMs, options.accessTokenTtlMs, MAX_ACCESS_TOKEN_S * 1000);
  }

  /**
   * What the sign-in of a token allows, by what is asked of people now: consent was given at another time, perhaps by a
   * stronger sign-in, or before a second factor was asked for.
   */
  function withinStrength(ctx: KoaContextWithOIDC, scopes: readonly Scope[]): readonly Scope[] {
    if (ctx.oidc.route !== 'token' || personOf(ctx) === undefined || signInOf(ctx).acr === ACR.mfa) return scopes;
    return scopes.filter((scope) => !needsSecondFactor(scope, deps.requireSecondFactor()));
  }

  /** Scopes that the client was not granted are left out, those of none asked for are all of its own (contract §3). */
  function grantScopes({ oidc }: KoaContextWithOIDC, scopes: readonly Scope[]): void {
    const { params } = oidc;
    if (params === undefined) return;
    const wanted = typeof params['scope'] === 'string' ? params['scope'].split(' ') : undefined;
    const granted = wanted?.filter((scope) => scope === 'openid' || scopes.some((one) => one === scope)) ?? scopes;
    if (!granted.some(isScope)) throw new errors.InvalidScope('none of the scopes is granted', wanted?.join(' ') ?? '');
    params['scope'] = granted.join(' ');
  }
}

const shownErrors = new WeakMap<object, string>();

/** The error that a page was shown for. */
export const shownErrorOf = (ctx: KoaContextWithOIDC): string | undefined => shownErrors.get(ctx);

/** Who is signed in, or whose code or token it is. */
function personOf({ oidc }: KoaContextWithOIDC): string | undefined {
  const { session, entities } = oidc;
  const { AuthorizationCode, RefreshToken, DeviceCode } = entities;
  return (
    (AuthorizationCode ?? RefreshToken)?.accountId ??
    (DeviceCode as { accountId?: string } | undefined)?.accountId ??
    session?.accountId
  );
}

/** How the person signed in whose code or token is exchanged. */
function signInOf({ oidc }: KoaContextWithOIDC) {
  const { RefreshToken, AuthorizationCode, DeviceCode } = oidc.entities;
  return (RefreshToken ?? AuthorizationCode ?? DeviceCode ?? {}) as {
    acr?: string;
    amr?: string[];
    authTime?: number;
  };
}

/** Beside the library's own reasons to ask: somebody whose sign-in is weaker than what the client wants (RFC 9470 §5). */
function interactionPolicy({ interactionPolicy: policy }: OidcLibrary) {
  const base = policy.base();
  base.get('login')?.checks.add(
    new policy.Check('acr_values', 'a stronger authentication is wanted', ({ oidc }) => {
      const { acr_values: wanted } = oidc.params ?? {};
      return (
        typeof wanted === 'string' && oidc.session?.acr !== undefined && !wanted.split(' ').includes(oidc.session.acr)
      );
    }),
  );
  // A person, or their tenant, was disabled meanwhile: the session is nobody's any more.
  base.get('login')?.checks.add(
    new policy.Check('no_account', 'the person may not sign in any more', ({ oidc }) => {
      return oidc.session?.accountId !== undefined && oidc.account === undefined;
    }),
  );
  return base;
}

/** What was wrong with the code of a device, in words for people. */
function deviceError(name: string, error: string | undefined): string {
  switch (name) {
    case 'NotFoundError':
    case 'NoCodeError':
      return 'There is no such code. Look at your device again.';
    case 'ExpiredError':
      return 'This code has expired. Let your device show a new one.';
    case 'AlreadyUsedError':
      return 'This code was used already. Let your device show a new one.';
    case 'AbortedError':
      return 'You have declined: the device gets nothing.';
    default:
      return error === 'server_error'
        ? 'This did not work. Try again later.'
        : 'This page has expired. Enter the code again.';
  }
}

/** Whether a certificate has exactly the registered name (RFC 8705 §2.1.2); its common name never counts. */
function isNamed(certificate: OAuthOrigin['certificate'], property: string, expected: string): boolean {
  const kind = { tls_client_auth_san_dns: 'dns', tls_client_auth_san_uri: 'uri', tls_client_auth_san_email: 'email' }[
    property
  ];
  const named = certificate?.names.filter((name) => name.kind === kind) ?? [];
  return named.some(({ value }) =>
    kind === 'dns' ? value.toLowerCase() === expected.toLowerCase() : value === expected,
  );
}

/** Scopes that can be asked for. */
export const SUPPORTED_SCOPES: readonly string[] = ['openid', ...SCOPES];
