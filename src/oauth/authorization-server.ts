import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { digestOf, isSameDigest } from '../directory/api-key.ts';
import type { ClientRecord } from '../directory/records.ts';
import { markOf, OWN_ISSUER, type Revocations } from '../directory/revocations.ts';
import type { Clock } from '../kernel/clock.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { LocalCounters } from '../limits/counters.ts';
import { createFailures } from '../limits/failures.ts';
import { ratePerMinute } from '../limits/gcra.ts';
import { secretText } from './client-metadata.ts';
import { RACED } from './model-adapter.ts';
import { formOf } from './form.ts';
import type { Pages } from './interactions/pages.ts';
import type { OAuthLog } from './log.ts';
import { loadOidcLibrary } from './oidc-library.ts';
import { COOKIES_HEADER, noteOrigin, originOf, withOrigin, type OAuthOrigin } from './origin.ts';
import { introspectionOf, isRevoked, readOwnToken } from './own-tokens.ts';
import { createPollPace, POLL_INTERVAL_S } from './poll-pace.ts';
import { createProvider, shownErrorOf, type ProviderDeps, type ProviderOptions } from './provider.ts';
import { createRefreshGrace } from './refresh-grace.ts';
import { publicJwkOf, type SigningKeys } from './signing-keys.ts';

/** What it works with. */
export interface AuthorizationServerDeps extends Omit<ProviderDeps, 'signingKeys'> {
  readonly signingKeys: SigningKeys;
  /** Key of the stored digests. */
  readonly hmacKey: Uint8Array;
  readonly clock: Clock;
  readonly counters: LocalCounters;
  readonly failuresPerMinute: number | 'none';
  readonly revocations: () => Revocations;
  /** Revokes what has a name, for so long; resolves once no worker accepts it any more. */
  readonly revoke: (mark: string, untilMs: number | undefined) => Promise<void>;
  /** Answers sign-in, consent and account pages; false where there is none at this path. */
  readonly pages: Pages;
  readonly log: OAuthLog;
}

/** The authorization server, in the control plane. */
export interface AuthorizationServer {
  /** Answers one request that a worker has handed over. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Its public keys (RFC 7517 §5). */
  jwks(): JsonObject[];
  /** Works with the signing keys as they are now. */
  rekey(): void;
}

/** Where clients authenticate (RFC 6749 §2.3); each path comes in this one spelling (`gateway/listeners.ts`). */
const CLIENT_ENDPOINTS: ReadonlySet<string> = new Set(
  ['token', 'introspect', 'revoke', 'par', 'device_authorization'].map((name) => `/oauth/${name}`),
);

/** Tokens that one client may get in a minute, whatever its address: far above what a fleet needs, far below a flood. */
const TOKENS_PER_MINUTE = 60_000;

/** How long a family that has ended is not told of again; by then its tokens are found by nobody. */
const TOLD_MS = 60_000;

/** Loads the library and starts the authorization server. */
export async function createAuthorizationServer(
  options: ProviderOptions,
  deps: AuthorizationServerDeps,
): Promise<AuthorizationServer> {
  const library = await loadOidcLibrary();
  const { clock, counters, log } = deps;
  const grace = createRefreshGrace(clock);
  const isTooSoon = createPollPace(clock);
  const failures = createFailures(deps.failuresPerMinute, counters, clock);
  const { host } = new URL(options.publicUrl);
  /** Which of the causes that are one to the client it was. */
  const details = new WeakMap<KoaContextWithOIDC, string>();
  /** Families that ended a moment ago: requests that had found their token before may still be under way. */
  const reused = new Set<string>();
  let provider = make();

  function make(): Provider {
    const made = createProvider(library, options, { ...deps, signingKeys: deps.signingKeys.list() });
    made.use(async (ctx, next) => {
      await answer(ctx as unknown as KoaContextWithOIDC, next);
      conclude(ctx as unknown as KoaContextWithOIDC);
    });
    // Else it writes the stack to stderr, and whoever sends an odd request fills that.
    (made as EventEmitter).on('error', (error: unknown, ctx?: KoaContextWithOIDC) =>
      log.info('oauth_fault', {
        name: error instanceof Error ? error.name : typeof error,
        requestId: ctx === undefined ? undefined : originOf(ctx.req)?.requestId,
      }),
    );
    made.on('grant.error', (ctx, error) => {
      const { error_detail: detail } = error as { error_detail?: string };
      if (detail !== undefined) details.set(ctx, detail);
    });
    return made;
  }

  /** What comes before and after the library's own work. */
  async function answer(ctx: KoaContextWithOIDC, next: () => Promise<unknown>): Promise<void> {
    const refusal = refusedBefore(ctx);
    if (refusal !== undefined) return fail(ctx, refusal);
    await next();
    if (isBody(ctx.body) && ctx.body['error_description'] === 'no client authentication mechanism provided') {
      // RFC 6749 §5.2, RFC 7662 §2.1: that nobody has said who asks is a failed authentication, too.
      fail(ctx, NO_CLIENT);
      ctx.set('www-authenticate', `Basic realm="${options.publicUrl}"`);
      return;
    }
    const said = errorOf(ctx);
    switch (ctx.oidc?.route) {
      case 'token':
        return afterToken(ctx, said);
      case 'introspection':
        if (said === 'unsupported_token_type') introspect(ctx);
        break;
      case 'revocation':
        if (said === 'unsupported_token_type') await revokeToken(ctx);
        break;
      case 'device_authorization':
        if (said === undefined && isBody(ctx.body)) ctx.body = { ...ctx.body, interval: POLL_INTERVAL_S };
        break;
    }
    if (ctx.status === 401 && errorOf(ctx) === 'invalid_client') await countFailure(ctx);
  }

  /** Why a request is not even looked at. */
  function refusedBefore(ctx: KoaContextWithOIDC): Refusal | undefined {
    const { network = '' } = originOf(ctx.req) ?? {};
    // Wherever a client shows its secret: else another endpoint would go on telling which guess was right.
    return CLIENT_ENDPOINTS.has(ctx.path) && !failures.hasRoom(network) ? TOO_MANY_FAILURES : undefined;
  }

  async function afterToken(ctx: KoaContextWithOIDC, said: string | undefined): Promise<void> {
    const { params = {}, client } = ctx.oidc;
    const isRefresh = params['grant_type'] === 'refresh_token';
    if (said === undefined && isBody(ctx.body)) {
      if (isRefresh) grace.note(await questionOf(ctx), ctx.body);
      return noteIssued(ctx);
    }
    const description = isBody(ctx.body) ? ctx.body['error_description'] : undefined;
    if (said === 'invalid_request' && description === 'requested grant type is not allowed for this client') {
      return fail(ctx, {
        status: 400,
        error: 'unauthorized_client',
        description: 'This client may not use this grant type.',
      });
    }
    if (said === 'invalid_client') return countFailure(ctx);
    if (said !== 'invalid_grant' || !isRefresh || client === undefined) return;
    const detail = details.get(ctx);
    if (detail === RACED) {
      const same = await grace.answerTo(await questionOf(ctx));
      log.info('refresh_repeated', { client: client.clientId, requestId: originOf(ctx.req)?.requestId });
      if (same === undefined) return;
      ctx.status = 200;
      ctx.body = { ...same };
    } else if (detail === 'refresh token already used' && isFirstReuse(ctx.oidc.entities.RefreshToken?.grantId)) {
      const { accountId: user, grantId } = ctx.oidc.entities.RefreshToken ?? {};
      const { requestId } = originOf(ctx.req) ?? {};
      log.security('refresh_token_reused', { client: client.clientId, user, grantId, requestId });
    }
  }

  /** Of many who use a token again at once all are refused; its family ends once, and is told of once. */
  function isFirstReuse(grantId = ''): boolean {
    if (reused.has(grantId)) return false;
    reused.add(grantId);
    clock.after(TOLD_MS, () => reused.delete(grantId));
    return true;
  }

  /** The question as it was sent: the library fills in scope and resource while it works, and only where it comes so far. */
  async function questionOf({ req, oidc }: KoaContextWithOIDC) {
    const form = await formOf(req);
    return {
      client: oidc.client?.clientId ?? '',
      refreshToken: form.get('refresh_token') ?? '',
      scope: form.get('scope') ?? undefined,
      resource: form.has('resource') ? JSON.stringify(form.getAll('resource')) : undefined,
      jkt: oidc.entities.RefreshToken?.jkt,
    };
  }

  function noteIssued(ctx: KoaContextWithOIDC): void {
    const { params = {}, client, account, entities } = ctx.oidc;
    log.info('token_issued', {
      client: client?.clientId,
      user: account?.accountId,
      grantId: entities.Grant?.jti,
      grant: String(params['grant_type']),
      requestId: originOf(ctx.req)?.requestId,
    });
  }

  async function countFailure(ctx: KoaContextWithOIDC): Promise<void> {
    const { network = '' } = originOf(ctx.req) ?? {};
    if (failures.count(network) !== undefined) fail(ctx, TOO_MANY_FAILURES);
  }

  /** Tells a client about its own token (IN-03); of all others nothing, not even that they exist. */
  function introspect(ctx: KoaContextWithOIDC): void {
    const token = ownTokenOf(ctx);
    ctx.status = 200;
    ctx.body =
      token === undefined || token.clientId !== ctx.oidc.client?.clientId || isRevoked(token, deps.revocations())
        ? { active: false }
        : introspectionOf(token);
  }

  /** Takes back a token of the client that asks (RFC 7009 §2.1); resolves once no worker accepts it. */
  async function revokeToken(ctx: KoaContextWithOIDC): Promise<void> {
    const token = ownTokenOf(ctx);
    ctx.status = 200;
    ctx.body = '';
    if (token === undefined || token.clientId !== ctx.oidc.client?.clientId) return;
    await deps.revoke(markOf('token', OWN_ISSUER, token.tokenHash), token.expiresAtMs);
    log.info('token_revoked', { client: token.clientId, requestId: originOf(ctx.req)?.requestId });
  }

  function ownTokenOf({ oidc }: KoaContextWithOIDC) {
    const text = oidc.params?.['token'];
    return typeof text !== 'string'
      ? undefined
      : readOwnToken(text, options.publicUrl, deps.signingKeys.list(), clock.nowMs());
  }

  /** What every answer gets: the id that leads to the log, and its cookies in one header. */
  function conclude(ctx: KoaContextWithOIDC): void {
    const { requestId } = originOf(ctx.req) ?? {};
    const said = errorOf(ctx);
    if (said !== undefined && isBody(ctx.body)) {
      ctx.body = { ...ctx.body, request_id: requestId };
      log.info('oauth_refused', { error: said, path: ctx.path, requestId, client: ctx.oidc?.client?.clientId });
    }
    const shown = shownErrorOf(ctx);
    if (shown !== undefined) log.info('oauth_refused', { error: shown, path: ctx.path, requestId });
    const cookies = ctx.response.headers['set-cookie'];
    ctx.remove('set-cookie');
    if (cookies !== undefined) ctx.set(COOKIES_HEADER, JSON.stringify([cookies].flat()));
  }

  async function isPaced(client: string): Promise<boolean> {
    const counter = counters.keyOf(`oauth-client:${client}`);
    const ask = { kind: 'rate', name: 'tokens', counter, rate: ratePerMinute(TOKENS_PER_MINUTE) } as const;
    return counters.spend([ask], clock.monotonicMs()).kind === 'spent';
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const origin = noteOrigin(request);
    if (origin === undefined) return void response.writeHead(400).end();
    await withOrigin(origin, () => answerFrom(origin, request, response));
  }

  async function answerFrom(origin: OAuthOrigin, request: IncomingMessage, response: ServerResponse): Promise<void> {
    prepareHead(request, host);
    if (await deps.pages(request, response, provider)) return;
    if (request.method === 'POST') {
      const body = await formOf(request);
      const clientId = digestSecret(request, deps.client, deps.hmacKey, clock.nowMs()) ?? body.get('client_id') ?? '';
      if (!(await isPaced(clientId))) return refuse(response, SLOWER, origin);
      const deviceCode = body.get('device_code');
      if (deviceCode !== null && body.get('grant_type') === DEVICE_GRANT && isTooSoon(deviceCode))
        return refuse(response, SLOW_DOWN, origin);
      giveBack(request, body);
    }
    await provider.callback()(request, response);
  }

  return {
    handle(request, response) {
      handle(request, response).catch((error: unknown) => {
        log.info('oauth_fault', { name: error instanceof Error ? error.name : typeof error });
        if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' });
        response.end('{"error":"server_error"}');
      });
    },
    jwks: () => deps.signingKeys.list().map(publicJwkOf),
    rekey() {
      provider = make();
    },
  };
}

/** A refusal of our own, in the words of RFC 6749 §5.2. */
interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly description: string;
  readonly retryAfterS?: number;
}

const NO_CLIENT: Refusal = {
  status: 401,
  error: 'invalid_client',
  description: 'The client does not say who it is, or how it shows that. Authenticate as it was registered.',
};
const TOO_MANY_FAILURES: Refusal = {
  status: 429,
  error: 'invalid_client',
  description: 'Too many failed attempts from this address. Correct the credential and wait.',
  retryAfterS: 60,
};
const SLOW_DOWN: Refusal = {
  status: 400,
  error: 'slow_down',
  description: 'The device asks too often. Add five seconds to the interval.',
};
const SLOWER: Refusal = {
  status: 429,
  error: 'temporarily_unavailable',
  description: 'This client asks for too many tokens. Keep each one until it expires.',
  retryAfterS: 1,
};

function refuse(
  response: ServerResponse,
  { status, error, description, retryAfterS }: Refusal,
  origin: OAuthOrigin,
): void {
  const body = JSON.stringify({ error, error_description: description, request_id: origin.requestId });
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...(retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }),
  });
  response.end(body);
}

function fail(ctx: KoaContextWithOIDC, { status, error, description, retryAfterS }: Refusal): void {
  ctx.status = status;
  ctx.body = { error, error_description: description };
  if (retryAfterS !== undefined) ctx.set('retry-after', String(retryAfterS));
}

const isBody = (body: unknown): body is Record<string, unknown> =>
  typeof body === 'object' && body !== null && !Buffer.isBuffer(body);

function errorOf({ body }: KoaContextWithOIDC): string | undefined {
  return isBody(body) && typeof body['error'] === 'string' ? body['error'] : undefined;
}

/** Says where we are by our own address alone: whatever the caller says of proxies does not count. */
function prepareHead(request: IncomingMessage, host: string): void {
  for (const name of Object.keys(request.headers)) if (name.startsWith('x-forwarded-')) delete request.headers[name];
  request.headers.host = host;
  request.headers['x-forwarded-proto'] = 'https';
  request.headers['x-forwarded-host'] = host;
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Lets the library read the form as if it had just arrived. */
function giveBack(request: IncomingMessage, form: URLSearchParams): void {
  const bytes = Buffer.from(form.toString());
  request.headers['content-length'] = String(bytes.length);
  Object.defineProperty(request, 'readable', { value: true });
  Object.defineProperty(request, 'iterator', { value: () => [bytes] });
}

/**
 * Puts the digest of a client's secret in the place of the secret, so that nothing behind it ever has that; the client that
 * it names. The one before the last rotation counts as the current one while it is accepted.
 */
function digestSecret(
  request: IncomingMessage,
  find: (id: string) => ClientRecord | undefined,
  hmacKey: Uint8Array,
  nowMs: number,
): string | undefined {
  const [, encoded] = /^basic ([A-Za-z0-9+/]+=*)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const clientId = formDecoded(id);
  const digest = digestOf(formDecoded(secret), hmacKey);
  const { secretDigest, previousSecret } = find(clientId) ?? {};
  const isPrevious =
    previousSecret !== undefined && nowMs < previousSecret.untilMs && isSameDigest(digest, previousSecret.digest);
  const presented = isPrevious && secretDigest !== undefined ? secretDigest : digest;
  const text = `${encodeURIComponent(clientId)}:${secretText(presented)}`;
  request.headers.authorization = `Basic ${Buffer.from(text).toString('base64')}`;
  return clientId;
}

/** RFC 6749 §2.3.1: both halves are form-encoded. What is not comes out as it is, as stock clients send it. */
function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replace(/\+/g, '%20'));
  } catch {
    return text;
  }
}
