/** The credential that a request carries, as sent. */
export type PresentedCredential =
  | { readonly kind: 'none' }
  | { readonly kind: 'one'; readonly value: string }
  /** Two different ones: which of them counts would be a guess, and the next hop's guess may differ. */
  | { readonly kind: 'ambiguous' }
  /** An `Authorization` header of another scheme or form. */
  | { readonly kind: 'malformed' };

/**
 * Reads the credential from `Authorization: Bearer …` (RFC 6750 §2.1, scheme in any case) and `x-api-key`.
 * The same value in both is one credential.
 */
export function presentedCredential(
  authorization: string | undefined,
  xApiKey: string | undefined,
): PresentedCredential {
  if (authorization === undefined) return xApiKey === undefined ? { kind: 'none' } : one(xApiKey);
  const bearer = BEARER.exec(authorization)?.[1];
  if (bearer === undefined) return xApiKey === undefined ? { kind: 'malformed' } : { kind: 'ambiguous' };
  if (xApiKey !== undefined && xApiKey !== bearer) return { kind: 'ambiguous' };
  return one(bearer);
}

const one = (value: string): PresentedCredential => ({ kind: 'one', value });

/** `b64token` of RFC 6750 §2.1 after exactly one space. */
const BEARER = /^[Bb][Ee][Aa][Rr][Ee][Rr] ([A-Za-z0-9\-._~+/]+=*)$/;
