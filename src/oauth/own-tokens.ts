import { marksOf, OWN_ISSUER, tokenHashOf, type Revocations } from '../directory/revocations.ts';
import { ALGORITHMS } from '../jwt/algorithms.ts';
import { parseCompactJws } from '../jwt/compact.ts';
import { keyOf } from '../jwt/key-set.ts';
import type { JsonObject } from '../kernel/json.ts';
import { publicJwkOf, type SigningKey } from './signing-keys.ts';

/** One of our own access tokens, read by whoever asks about it or takes it back. */
export interface OwnToken {
  readonly claims: JsonObject;
  readonly clientId: string;
  readonly tokenHash: string;
  readonly expiresAtMs: number;
}

/** Reads a token of our own; undefined where we have not signed it, or it has expired. */
export function readOwnToken(
  text: string,
  issuer: string,
  keys: readonly SigningKey[],
  nowMs: number,
): OwnToken | undefined {
  const jws = parseCompactJws(text);
  const signer = keys.find(({ kid }) => kid === jws?.header['kid']);
  if (jws === undefined || signer === undefined || jws.header['alg'] !== signer.alg) return undefined;
  const key = keyOf(publicJwkOf(signer));
  const algorithm = ALGORITHMS.find(({ name }) => name === signer.alg);
  if (key === undefined || algorithm?.verify(jws.signingInput, key, jws.signature) !== true) return undefined;
  const { iss, exp, jti, client_id: clientId } = jws.payload;
  // ID tokens are signed by us, too, and are no tokens to ask about (RFC 8725 §3.12).
  if (jws.header['typ'] !== 'at+jwt' || iss !== issuer) return undefined;
  if (typeof exp !== 'number' || typeof jti !== 'string' || typeof clientId !== 'string') return undefined;
  if (exp * 1000 <= nowMs) return undefined;
  return { claims: jws.payload, clientId, tokenHash: tokenHashOf(issuer, jti), expiresAtMs: exp * 1000 };
}

/** Whether a token of ours was revoked, by itself or with what it came from. */
export function isRevoked({ claims, clientId, tokenHash, expiresAtMs }: OwnToken, revocations: Revocations): boolean {
  const text = (name: string): string | undefined => {
    const value = claims[name];
    return typeof value === 'string' ? value : undefined;
  };
  const issuedAtMs = typeof claims['iat'] === 'number' ? claims['iat'] * 1000 : undefined;
  const facts = {
    issuer: text('iss') ?? '',
    subject: text('sub') ?? '',
    clientId,
    tokenHash,
    issuedAtMs,
    expiresAtMs,
    binding: 'none' as const,
    acr: undefined,
    amr: [],
    authenticatedAtMs: undefined,
    grantId: text('grant_id'),
    sessionId: text('sid'),
  };
  const groups = Array.isArray(claims['groups']) ? claims['groups'].filter((name) => typeof name === 'string') : [];
  return revocations.isRevoked(marksOf(facts, text('tenant') ?? '', OWN_ISSUER, groups), issuedAtMs);
}

/** What its client may know of a token (RFC 7662 §2.2). */
export function introspectionOf({ claims }: OwnToken): JsonObject {
  const { scope, client_id, sub, aud, iss, exp, iat, jti, cnf, acr, auth_time } = claims;
  const members = { scope, client_id, sub, aud, iss, exp, iat, jti, cnf, acr, auth_time };
  const said = Object.entries(members).filter(
    (entry): entry is [string, NonNullable<typeof cnf>] => entry[1] !== undefined,
  );
  const isBound = typeof cnf === 'object' && cnf !== null && 'jkt' in cnf;
  return { active: true, ...Object.fromEntries(said), token_type: isBound ? 'DPoP' : 'Bearer' };
}
