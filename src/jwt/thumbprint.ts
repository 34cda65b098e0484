import { hash } from 'node:crypto';
import type { JsonObject } from '../kernel/json.ts';

/** Members of each key type that the thumbprint is made of, in their order (RFC 7638 §3.2, RFC 8037 §2). */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
  AKP: ['alg', 'kty', 'pub'],
};

/** SHA-256 thumbprint of a public JWK (RFC 7638), base64url; undefined where its type is not known. */
export function thumbprintOf(jwk: JsonObject): string | undefined {
  const { kty } = jwk;
  const members = typeof kty === 'string' && Object.hasOwn(MEMBERS, kty) ? MEMBERS[kty] : undefined;
  if (members === undefined) return undefined;
  return hash('sha256', JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]]))), 'base64url');
}
