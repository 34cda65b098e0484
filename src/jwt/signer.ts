import { algorithmOf } from './algorithms.ts';
import type { SignedParts } from './compact.ts';
import { candidates, type VerificationKey } from './key-set.ts';

/**
 * The key that has signed; `wrong` where those that may have did not, undefined where there is none that may have. Keys that
 * the header itself brings or points to (`jwk`, `jku`, `x5u`, `x5c`) are never looked at (RFC 8725 §3.10).
 *
 * @param algorithms names of those that are allowed
 * @param keys of the issuer; undefined where they are not known
 */
export function signerOf(
  { header, signingInput, signature }: Omit<SignedParts, 'payload'>,
  algorithms: readonly string[],
  keys: readonly VerificationKey[] | undefined,
): VerificationKey | 'wrong' | undefined {
  const algorithm = algorithmOf(header['alg'], algorithms);
  if (algorithm === undefined || keys === undefined) return undefined;
  const { kid } = header;
  const may = candidates(keys, algorithm, typeof kid === 'string' ? kid : undefined);
  if (may.length === 0) return undefined;
  return may.find(({ key }) => algorithm.verify(signingInput, key, signature)) ?? 'wrong';
}
