import type { Config } from '../config/schema.ts';
import type { ChallengeOffer } from '../kernel/exchange.ts';
import type { JsonObject } from '../kernel/json.ts';
import { SCOPES } from '../kernel/scope.ts';
import type { IssuerRules } from '../stages/authenticate/issuer-rules.ts';
import { PROOF_ALGORITHMS } from '../stages/authenticate/proof.ts';

/** Where the metadata of the protected resource is (RFC 9728 §3). */
export const RESOURCE_METADATA_PATH = '/.well-known/oauth-protected-resource';

/** The issuers whose tokens are accepted. */
function issuersOf({ authentication }: Config, publicUrl: string, isOAuthOn: boolean) {
  const own: Pick<IssuerRules, 'issuer' | 'dpop'> = { issuer: publicUrl, dpop: 'optional' };
  return [...(isOAuthOn ? [own] : []), ...authentication.issuers];
}

/** What clients may know of the gateway as a protected resource (RFC 9728 §2); undefined where no issuer is trusted. */
export function resourceMetadataOf(config: Config, publicUrl: string, isOAuthOn: boolean): JsonObject | undefined {
  const issuers = issuersOf(config, publicUrl, isOAuthOn);
  if (issuers.length === 0) return undefined;
  const hasDpop = issuers.some(({ dpop }) => dpop !== 'off');
  return {
    resource: publicUrl,
    authorization_servers: issuers.map(({ issuer }) => issuer),
    scopes_supported: [...SCOPES],
    bearer_methods_supported: ['header'],
    resource_name: 'Sallyport',
    ...(hasDpop ? { dpop_signing_alg_values_supported: [...PROOF_ALGORITHMS] } : {}),
    ...(issuers.every(({ dpop }) => dpop === 'required') ? { dpop_bound_access_tokens_required: true } : {}),
    ...(config.listen.tls.clientCaFile === undefined ? {} : { tls_client_certificate_bound_access_tokens: true }),
  };
}

/** What refusals say about getting a token; undefined where no issuer is trusted. */
export function challengeOfferOf(config: Config, publicUrl: string, isOAuthOn: boolean): ChallengeOffer | undefined {
  const issuers = issuersOf(config, publicUrl, isOAuthOn);
  if (issuers.length === 0) return undefined;
  return {
    resourceMetadata: `${publicUrl}${RESOURCE_METADATA_PATH}`,
    dpopAlgorithms: issuers.some(({ dpop }) => dpop !== 'off') ? PROOF_ALGORITHMS.join(' ') : undefined,
  };
}
