import { constants, verify, type KeyObject } from 'node:crypto';

/** A signature algorithm of JWS (RFC 7518 §3, RFC 8037, RFC 9864, RFC 9882-style ML-DSA), as a row. */
export interface Algorithm {
  /** `alg`, compared in its case. */
  readonly name: string;
  /** Whether a key is of the type, curve and strength that the algorithm needs. */
  readonly fits: (key: KeyObject) => boolean;
  readonly verify: (data: Buffer, key: KeyObject, signature: Buffer) => boolean;
}

const MIN_RSA_BITS = 2048;
/** Beyond it one signature would hold a worker for milliseconds. */
const MAX_RSA_BITS = 8192;

/** An exponent of 1 makes every message its own signature; even ones are no RSA. */
function isRsa(key: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  const isStrong = modulusLength >= MIN_RSA_BITS && modulusLength <= MAX_RSA_BITS;
  return key.asymmetricKeyType === 'rsa' && isStrong && publicExponent >= 3n && publicExponent % 2n === 1n;
}

const rsa = (name: string, digest: string): Algorithm => ({
  name,
  fits: isRsa,
  verify: (data, key, signature) => verify(digest, data, { key, padding: constants.RSA_PKCS1_PADDING }, signature),
});

const pss = (name: string, digest: string): Algorithm => ({
  name,
  fits: isRsa,
  verify: (data, key, signature) =>
    verify(
      digest,
      data,
      { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
      signature,
    ),
});

/** @param bytes length of a signature: r and s, each as long as the curve's order */
const ecdsa = (name: string, digest: string, curve: string, bytes: number): Algorithm => ({
  name,
  fits: (key) => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve,
  verify: (data, key, signature) =>
    signature.length === bytes && verify(digest, data, { key, dsaEncoding: 'ieee-p1363' }, signature),
});

/** Algorithms that hash by themselves. */
const pure = (name: string, ...types: readonly string[]): Algorithm => ({
  name,
  fits: (key) => types.includes(key.asymmetricKeyType ?? ''),
  verify: (data, key, signature) => verify(null, data, key, signature),
});

/** Every algorithm that a token may be signed with: asymmetric ones only, `none` and HMAC are not even known. */
export const ALGORITHMS: readonly Algorithm[] = [
  rsa('RS256', 'sha256'),
  rsa('RS384', 'sha384'),
  rsa('RS512', 'sha512'),
  pss('PS256', 'sha256'),
  pss('PS384', 'sha384'),
  pss('PS512', 'sha512'),
  ecdsa('ES256', 'sha256', 'prime256v1', 64),
  ecdsa('ES384', 'sha384', 'secp384r1', 96),
  ecdsa('ES512', 'sha512', 'secp521r1', 132),
  pure('EdDSA', 'ed25519', 'ed448'),
  pure('Ed25519', 'ed25519'),
  pure('Ed448', 'ed448'),
  pure('ML-DSA-44', 'ml-dsa-44'),
  pure('ML-DSA-65', 'ml-dsa-65'),
  pure('ML-DSA-87', 'ml-dsa-87'),
];

/** Names of all of them. */
export const ALGORITHM_NAMES: readonly string[] = ALGORITHMS.map(({ name }) => name);

const byName = new Map(ALGORITHMS.map((algorithm) => [algorithm.name, algorithm]));

/** The algorithm of a name that is allowed; undefined for all others. */
export function algorithmOf(name: unknown, allowed: readonly string[]): Algorithm | undefined {
  return typeof name === 'string' && allowed.includes(name) ? byName.get(name) : undefined;
}
