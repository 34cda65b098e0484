import { createHmac } from 'node:crypto';
import { createJsonSource, JsonSourceError, type JsonSource } from '../adapters/http-client/json-source.ts';
import { resolveBySystem } from '../adapters/http-client/media-source.ts';
import type { Config } from '../config/schema.ts';
import type { Credentials } from '../directory/credentials.ts';
import type { Revocations } from '../directory/revocations.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Principal } from '../kernel/exchange.ts';
import type { ReplaySet } from '../limits/replay-set.ts';
import type { IssuerRules } from '../stages/authenticate/issuer-rules.ts';
import { createAccessTokenMethod } from '../stages/authenticate/methods/access-token.ts';
import { createApiKeyMethod } from '../stages/authenticate/methods/api-key.ts';
import type { Method } from '../stages/authenticate/methods/method.ts';
import { createOpaqueTokenMethod } from '../stages/authenticate/methods/opaque-token.ts';
import { createProofJudge } from '../stages/authenticate/proof.ts';
import { createSenderJudge } from '../stages/authenticate/sender.ts';
import { createTokenJudge } from '../stages/authenticate/token-principal.ts';
import { isPublicAddress } from '../vllm/media/public-address.ts';
import { isElsewhere } from './issuer-watch.ts';
import type { IssuerBook } from './threads/issuer-book.ts';
import { USER_AGENT } from './version.ts';

/** What a thread authenticates callers with. */
export interface AuthenticationDeps {
  readonly clock: Clock;
  readonly credentials: () => Credentials;
  readonly revocations: () => Revocations;
  /** Whether a caller with these names is held. */
  readonly isHeld: (marks: readonly string[]) => boolean;
  readonly issuers: IssuerBook;
  readonly replays: ReplaySet;
  readonly hmacKey: Uint8Array;
  /** URL by which callers know the listener: what their proofs are made out to. */
  readonly url: string;
  readonly onUse: (id: string, atMs: number) => void;
  readonly onTokenUse: (principal: Principal, address: string) => void;
}

/** Gets the documents of issuers. */
export const issuerSource = (): JsonSource =>
  createJsonSource({ resolve: resolveBySystem, isPublicAddress, userAgent: USER_AGENT });

/** The issuers whose keys are watched. @param pems certificates of the CA of each */
export const issuerSources = (config: Config, pems: readonly (string | undefined)[]) =>
  config.authentication.issuers.map(({ issuer, jwksUri, jwksMaxAgeMs, introspection }, index) => ({
    issuer,
    jwksUri,
    caPem: pems[index],
    maxAgeMs: jwksMaxAgeMs,
    introspection,
  }));

/**
 * The ways by which callers show who they are, in the order in which they are tried.
 *
 * @param publicUrl what stands in `aud` of tokens for us where no other audience is configured
 * @param pems certificates of the CA of each issuer
 */
export function methodsOf(
  config: Config,
  publicUrl: string,
  pems: readonly (string | undefined)[],
  deps: AuthenticationDeps,
): readonly Method[] {
  return [
    ...(config.authentication.apiKeys.enabled ? [apiKeyMethod(config, deps)] : []),
    ...tokenMethods(config, publicUrl, pems, deps),
  ];
}

/**
 * The same on the admin listener. API keys are accepted there whatever callers may use, for commands from elsewhere have no
 * other way in.
 */
export function adminMethodsOf(
  config: Config,
  publicUrl: string,
  pems: readonly (string | undefined)[],
  deps: AuthenticationDeps,
): readonly Method[] {
  return [apiKeyMethod(config, deps), ...tokenMethods(config, publicUrl, pems, deps)];
}

const apiKeyMethod = (
  { authorizationServer: { ownerMaxAgeMs } }: Config,
  { credentials, hmacKey, clock, onUse }: AuthenticationDeps,
): Method =>
  createApiKeyMethod({
    find: (id) => credentials().find(id),
    findImported: (digest) => credentials().findImported(digest),
    hasImported: () => credentials().hasImported(),
    hmacKey,
    clock,
    onUse,
    ownerMaxAgeMs,
  });

function tokenMethods(
  { authentication, authorizationServer }: Config,
  publicUrl: string,
  pems: readonly (string | undefined)[],
  deps: AuthenticationDeps,
): readonly Method[] {
  const { clock } = deps;
  const issuers = authentication.issuers.map((issuer) => rulesOf(issuer, publicUrl));
  const judge = createTokenJudge({
    tenant: (id) => deps.credentials().tenant(id),
    rights: () => deps.credentials().rights,
    revocations: deps.revocations,
    clock,
    judgeSender: createSenderJudge(
      createProofJudge({
        publicUrl: deps.url,
        nonceKey: createHmac('sha256', deps.hmacKey).update('dpop').digest(),
        replays: deps.replays,
        clock,
      }),
    ),
    onUse: (principal, { peer }) => deps.onTokenUse(principal, peer.network),
  });
  const trusted = authorizationServer.enabled === false ? issuers : [...issuers, ownRules(publicUrl)];
  const keysOf = (issuer: string) => deps.issuers.keysOf(issuer);
  const methods = [createAccessTokenMethod({ issuers: trusted, keysOf, clock, judge })];
  for (const [i, { issuer, introspection }] of authentication.issuers.entries()) {
    const rules = issuers[i];
    if (introspection === undefined || rules === undefined) continue;
    const { clientId, clientSecret, cacheForMs } = introspection;
    // RFC 6749 §2.3.1: each half is form-encoded before it is joined.
    const basic = Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64');
    const get = issuerSource();
    methods.push(
      createOpaqueTokenMethod({
        rules,
        cacheForMs,
        clock,
        judge,
        introspect(token) {
          const endpoint = deps.issuers.introspectionEndpoint(issuer);
          if (endpoint === undefined) throw new JsonSourceError('its introspection endpoint is not known yet');
          const body = new URLSearchParams({ token, token_type_hint: 'access_token' }).toString();
          const form = { body, authorization: `Basic ${basic}` };
          const url = new URL(endpoint);
          const mustBePublic = introspection.endpoint === undefined && isElsewhere(url, new URL(issuer));
          return get({ url, caPem: pems[i], mustBePublic, form });
        },
      }),
    );
  }
  return methods;
}

/** Tokens of our own authorization server; until it has signed one there is no key for them. */
const ownRules = (publicUrl: string): IssuerRules => ({
  issuer: publicUrl,
  isOwn: true,
  audiences: [publicUrl],
  algorithms: ['ES256'],
  acceptedTypes: ['at+jwt'],
  scopeClaim: 'scope',
  modelsClaim: 'models',
  tenantClaim: 'tenant',
  limitsClaim: 'limits',
  groupsClaim: 'groups',
  defaultModels: [],
  clockToleranceMs: 0,
  dpop: 'optional',
});

const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);

/** An issuer's rules as configured. */
export function rulesOf(issuer: Config['authentication']['issuers'][number], publicUrl: string): IssuerRules {
  const { audience = publicUrl } = issuer;
  return { ...issuer, audiences: typeof audience === 'string' ? [audience] : audience };
}
