import { createPublicKey, type KeyObject } from 'node:crypto';
import { isJsonObject, type JsonObject, type JsonValue } from '../kernel/json.ts';
import { ALGORITHMS, type Algorithm } from './algorithms.ts';

/** A public key of an issuer. */
export interface VerificationKey {
  readonly kid: string | undefined;
  /** `alg` of the JWK, which then alone may be used with it. */
  readonly alg: string | undefined;
  readonly key: KeyObject;
  /** What makes it the same key in the next set. */
  readonly identity: string;
  /** Its issuer has taken it back: what it signed counts no more. */
  isGone: boolean;
}

/** Keys of a set that are read; an issuer that rotates has a handful. */
const MAX_KEYS = 64;
const MAX_KID_CHARS = 256;
/** Members of private keys, symmetric ones included (RFC 7518 §6, RFC 8037 §2). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/**
 * The members of a JWK that a verifier uses, for keys that are usable at all: public, for signatures, of a type and
 * strength that some algorithm takes. Others are left out, and so are keys that show their private half: whoever can read
 * the set could sign with them.
 */
export function publicKeysOf(jwks: JsonValue): JsonObject[] {
  const keys = isJsonObject(jwks) ? jwks['keys'] : undefined;
  if (!Array.isArray(keys)) return [];
  return keys.slice(0, MAX_KEYS).flatMap((jwk) => {
    if (!isJsonObject(jwk) || PRIVATE.some((name) => Object.hasOwn(jwk, name))) return [];
    const { use, key_ops: operations, kid } = jwk;
    if (use !== undefined && use !== 'sig') return [];
    if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return [];
    if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID_CHARS)) return [];
    const { kty, crv, n, e, x, y, pub, alg } = jwk;
    const kept = { kty, crv, n, e, x, y, pub, alg, kid };
    const members = Object.entries(kept).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    return keyOf(Object.fromEntries(members)) === undefined ? [] : [Object.fromEntries(members)];
  });
}

/**
 * The keys of a set that `publicKeysOf` made. A key of the set before stays the same object, and one that is not there
 * any more is marked as gone.
 */
export function replaceKeys(before: readonly VerificationKey[], jwks: readonly JsonObject[]): VerificationKey[] {
  const known = new Map(before.map((key) => [key.identity, key]));
  const next = jwks.flatMap((jwk) => {
    const identity = JSON.stringify(jwk);
    const same = known.get(identity);
    known.delete(identity);
    if (same !== undefined) return [same];
    const key = keyOf(jwk);
    if (key === undefined) return [];
    const { kid, alg } = jwk;
    return [{ kid: textOf(kid), alg: textOf(alg), key, identity, isGone: false }];
  });
  // All that are not there any more, not merely those of `known`: it holds one of two equal ones.
  for (const key of before) key.isGone = !next.includes(key);
  return next;
}

/** Keys without a `kid` that are tried for one token. */
const MAX_TRIED = 8;

/** The keys that may have signed: those of the `kid`, or where the token names none all that fit the algorithm. */
export function candidates(
  keys: readonly VerificationKey[],
  { name, fits }: Algorithm,
  kid: string | undefined,
): readonly VerificationKey[] {
  return keys
    .filter((key) => (kid === undefined || key.kid === kid) && (key.alg ?? name) === name && fits(key.key))
    .slice(0, MAX_TRIED);
}

/** The key of a JWK; undefined where it is none that any algorithm takes. */
export function keyOf(jwk: JsonObject): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return ALGORITHMS.some(({ fits }) => fits(key)) ? key : undefined;
  } catch {
    return undefined;
  }
}

const textOf = (value: JsonValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
