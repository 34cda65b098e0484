import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** The public half of an account key (RFC 7517), P-256. */
export interface AccountJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

/** The key by which a CA knows this installation. `privateKey` is a secret. */
export interface AccountKey {
  readonly privateKey: KeyObject;
  readonly jwk: AccountJwk;
}

/** What stands protected in a signed request (RFC 8555 §6.2): the key itself for a new account, else the account's URL. */
export type SignedAs = { readonly jwk: AccountJwk } | { readonly kid: string };

/** Makes a new account key: PKCS #8 as PEM, a secret. */
export function createAccountKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' });
}

/** Reads an account key. @throws TypeError where the text is no private key of P-256 */
export function accountKeyFrom(pem: string): AccountKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    throw new TypeError('no private key'); // OpenSSL's own text may quote the file
  }
  const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: 'jwk' });
  if (kty !== 'EC' || crv !== 'P-256' || x === undefined || y === undefined) throw new TypeError('no key of P-256');
  return { privateKey, jwk: { kty, crv, x, y } };
}

/** The JWK thumbprint (RFC 7638 §3): members in lexicographic order, nothing else. base64url. */
export function thumbprint({ crv, kty, x, y }: AccountJwk): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

/** What proves that a challenge's answer is this account's (RFC 8555 §8.1). */
export function keyAuthorization(token: string, jwk: AccountJwk): string {
  return `${token}.${thumbprint(jwk)}`;
}

/**
 * Signs a request to a CA: a flattened JWS (RFC 7515 §7.2.2) by ES256, as RFC 8555 §6.2 asks for.
 *
 * @param payload what is said, as JSON; undefined is POST-as-GET (§6.3): an empty payload
 */
export function signedBody(
  key: AccountKey,
  as: SignedAs,
  { url, nonce }: { readonly url: string; readonly nonce: string },
  payload: object | undefined,
): string {
  const protectedHeader = base64url(JSON.stringify({ alg: 'ES256', nonce, url, ...as }));
  const text = payload === undefined ? '' : base64url(JSON.stringify(payload));
  const signature = sign('sha256', Buffer.from(`${protectedHeader}.${text}`), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363', // RFC 7518 §3.4: R and S side by side, not DER
  });
  return JSON.stringify({ protected: protectedHeader, payload: text, signature: signature.toString('base64url') });
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url');
