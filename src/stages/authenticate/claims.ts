import { limitsFromClaim } from '../../directory/limits-claim.ts';
import { tokenHashOf } from '../../directory/revocations.ts';
import type { TokenFacts } from '../../kernel/exchange.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { OwnLimits } from '../../kernel/own-limits.ts';
import { isScope, type Scope } from '../../kernel/scope.ts';
import type { IssuerRules } from './issuer-rules.ts';

/** What a token says once its signature was right. */
export interface Claims {
  readonly facts: TokenFacts;
  readonly tenant: string;
  /** Undefined where it names none of ours: those of its groups. */
  readonly scopes: ReadonlySet<Scope> | undefined;
  /** Undefined where it names none: the defaults of its issuer and what its groups have. */
  readonly models: readonly string[] | undefined;
  readonly groups: readonly string[];
  /** Closed things that are open to it, of our own server alone: other issuers give them by groups. */
  readonly grants: readonly string[];
  readonly limits: OwnLimits;
  /** Thumbprint of the key that must prove each request (RFC 9449 §6). */
  readonly jkt: string | undefined;
  /** SHA-256 of the certificate that must be on the connection (RFC 8705 §3), base64url. */
  readonly x5t: string | undefined;
}

/** A token that is not accepted; `why` is for the operator's log alone. */
export interface RefusedClaims {
  readonly isExpired: boolean;
  readonly why: string;
}

/** The tenant of tokens that name none. */
const DEFAULT_TENANT = 'default';
/** Longest text that is taken from a claim: names go into logs and keys of counters. */
const MAX_CHARS = 256;
const MAX_ITEMS = 256;
/** RFC 8725 leaves future times to the reader; beyond this a clock is wrong or the token is. */
const MAX_AHEAD_MS = 60_000;

/**
 * Judges the claims of a token whose signature was right (RFC 9068 §4, RFC 8725 §3). The issuer was compared already,
 * for it chose the keys.
 *
 * @param identity what names the token in records where it has no `jti`: its hash
 */
export function judgeClaims(
  payload: JsonObject,
  rules: IssuerRules,
  nowMs: number,
  identity: string,
): Claims | RefusedClaims {
  const { iss, sub, aud, exp, nbf, iat, jti } = payload;
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (!audiences.some((one) => typeof one === 'string' && rules.audiences.includes(one))) return refused('aud');
  if (!isText(iss) || !isText(sub)) return refused('sub');
  if (!isTime(exp)) return refused('exp');
  if (iat !== undefined && !isTime(iat)) return refused('iat');
  if (nbf !== undefined && !isTime(nbf)) return refused('nbf');
  if (jti !== undefined && !isText(jti)) return refused('jti');
  const stranger = otherKind(payload);
  if (stranger !== undefined) return refused(stranger);
  const aheadMs = Math.min(rules.clockToleranceMs, MAX_AHEAD_MS);
  if (iat !== undefined && iat * 1000 > nowMs + aheadMs) return refused('iat in the future');
  if (nbf !== undefined && nbf * 1000 > nowMs + aheadMs) return refused('nbf in the future');

  // A claim that is there and names nobody is a mistake of its issuer, not the wish for the default.
  const [tenant = DEFAULT_TENANT] = [claimAt(payload, rules.tenantClaim)];
  if (!isText(tenant)) return refused('tenant');
  const binding = bindingOf(payload['cnf']);
  if (binding === undefined) return refused('cnf');
  const modelsClaim = claimAt(payload, rules.modelsClaim);
  const models = modelsClaim === undefined ? undefined : wordsOf(modelsClaim);
  if (modelsClaim !== undefined && models === undefined) return refused('models');
  // Read as none they would take the token out of the policies that deny its groups.
  const groups = groupsOf(payload, rules.groupsClaim);
  if (groups === undefined) return refused('groups');
  const limits = limitsFromClaim(rules.limitsClaim === undefined ? undefined : claimAt(payload, rules.limitsClaim));
  if (limits === undefined) return refused('limits');
  // Last, so that only a token that would otherwise be good is called expired.
  if (nowMs >= exp * 1000 + rules.clockToleranceMs) return { isExpired: true, why: 'exp' };
  const { client_id: clientId, azp, acr, amr, auth_time: authTime } = payload;
  return {
    facts: {
      issuer: iss,
      subject: sub,
      clientId: isText(clientId) ? clientId : isText(azp) ? azp : undefined,
      tokenHash: tokenHashOf(iss, jti ?? identity),
      issuedAtMs: iat === undefined ? undefined : iat * 1000,
      expiresAtMs: exp * 1000,
      binding: binding.jkt !== undefined ? 'dpop' : binding.x5t !== undefined ? 'mtls' : 'none',
      acr: isText(acr) ? acr : undefined,
      amr: textsOf(amr) ?? [],
      authenticatedAtMs: isTime(authTime) ? authTime * 1000 : undefined,
      grantId: isText(payload['grant_id']) ? payload['grant_id'] : undefined,
      sessionId: isText(payload['sid']) ? payload['sid'] : undefined,
    },
    tenant,
    scopes: scopesOf(claimAt(payload, rules.scopeClaim)),
    models,
    groups,
    grants: rules.isOwn === true ? (wordsOf(payload['grants']) ?? []) : [],
    limits,
    ...binding,
  };
}

const refused = (why: string): RefusedClaims => ({ isExpired: false, why });

/** Why a payload is another kind of token than an access token (RFC 8725 §3.12): each has what only it has. */
function otherKind(payload: JsonObject): string | undefined {
  const { typ, events, nonce, at_hash: atHash, c_hash: codeHash } = payload;
  if (events !== undefined) return 'a logout or security event token';
  // Keycloak says the kind in the payload, too, and signs all of them with the same key.
  if (typ !== undefined)
    return typeof typ === 'string' && /^(bearer|dpop|at\+jwt|jwt)$/i.test(typ) ? undefined : 'typ claim';
  if (nonce !== undefined || atHash !== undefined || codeHash !== undefined) return 'an ID token';
  return undefined;
}

/** What binds a token to a key; undefined where it is bound in a way that we cannot check: then it must not be used. */
function bindingOf(cnf: JsonValue | undefined): { jkt: string | undefined; x5t: string | undefined } | undefined {
  if (cnf === undefined) return { jkt: undefined, x5t: undefined };
  if (!isJsonObject(cnf)) return undefined;
  const { jkt, 'x5t#S256': x5t, ...others } = cnf;
  if (Object.keys(others).length > 0) return undefined;
  if (jkt !== undefined && !isDigest(jkt)) return undefined;
  if (x5t !== undefined && !isDigest(x5t)) return undefined;
  return jkt === undefined && x5t === undefined ? undefined : { jkt, x5t };
}

/** Scopes of ours. A claim that cannot be read gives nothing: who wrote it may have meant less than the groups have. */
function scopesOf(claim: JsonValue | undefined): ReadonlySet<Scope> | undefined {
  const words = claim === undefined ? [] : wordsOf(claim);
  const scopes = new Set(words?.filter(isScope));
  return words !== undefined && scopes.size === 0 ? undefined : scopes;
}

/**
 * Names of groups; undefined where the claim is none that can be read, or lies elsewhere: an issuer that has more groups
 * than it writes into a token says so (OpenID Connect Core §5.6.2).
 */
function groupsOf(payload: JsonObject, name: string | undefined): readonly string[] | undefined {
  if (name === undefined) return [];
  const claim = claimAt(payload, name);
  if (claim !== undefined) return wordsOf(claim);
  const elsewhere = payload['_claim_names'];
  return isJsonObject(elsewhere) && Object.hasOwn(elsewhere, name) ? undefined : [];
}

/** A claim by its name, or by the path to it (`realm_access.roles`) where no claim has that very name. */
function claimAt(payload: JsonObject, name: string): JsonValue | undefined {
  if (Object.hasOwn(payload, name)) return payload[name];
  if (!name.includes('.')) return undefined;
  let at: JsonValue | undefined = payload;
  for (const step of name.split('.')) at = isJsonObject(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  return at;
}

/** Words of a text with spaces between them (RFC 6749 §3.3), or of a list. */
function wordsOf(claim: JsonValue | undefined): string[] | undefined {
  return typeof claim === 'string' ? claim.split(' ').filter((word) => word !== '') : textsOf(claim);
}

function textsOf(claim: JsonValue | undefined): string[] | undefined {
  if (!Array.isArray(claim) || claim.length > MAX_ITEMS) return undefined;
  return claim.every(isText) ? claim : undefined;
}

/** A text that may go into a log line or a counter's name. */
const isText = (value: JsonValue | undefined): value is string =>
  typeof value === 'string' &&
  value.length >= 1 &&
  value.length <= MAX_CHARS &&
  !/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(value);

/** NumericDate of RFC 7519 §2, which may have a fraction. */
const isTime = (value: JsonValue | undefined): value is number =>
  typeof value === 'number' && value >= 0 && value < 100_000_000_000;

const isDigest = (value: JsonValue | undefined): value is string =>
  typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value);
