/** How a credential was sent; `x-api-key` counts as Bearer. */
export type CredentialScheme = 'bearer' | 'dpop';

/** The credential that a request carries, as sent. */
export type PresentedCredential =
  | { readonly kind: 'none' }
  | { readonly kind: 'one'; readonly scheme: CredentialScheme; readonly value: string }
  /** Two different ones: which of them counts would be a guess, and the next hop's guess may differ. */
  | { readonly kind: 'ambiguous' }
  /** An `Authorization` header of another scheme or form. */
  | { readonly kind: 'malformed' };

/**
 * Reads the credential from `Authorization: Bearer …` (RFC 6750 §2.1), `Authorization: DPoP …` (RFC 9449 §7.1), schemes in
 * any case, and `x-api-key`. The same value in both is one credential.
 */
export function presentedCredential(
  authorization: string | undefined,
  xApiKey: string | undefined,
): PresentedCredential {
  if (authorization === undefined) return xApiKey === undefined ? { kind: 'none' } : one('bearer', xApiKey);
  const [, name, value] = CREDENTIAL.exec(authorization) ?? [];
  if (name === undefined || value === undefined) return { kind: xApiKey === undefined ? 'malformed' : 'ambiguous' };
  const scheme = name.toLowerCase() === 'dpop' ? 'dpop' : 'bearer';
  if (xApiKey !== undefined && (xApiKey !== value || scheme === 'dpop')) return { kind: 'ambiguous' };
  return one(scheme, value);
}

const one = (scheme: CredentialScheme, value: string): PresentedCredential => ({ kind: 'one', scheme, value });

/** `b64token` of RFC 6750 §2.1, which RFC 9449 §7.1 calls `token68`, after exactly one space. */
const CREDENTIAL = /^(bearer|dpop) ([A-Za-z0-9\-._~+/]+=*)$/i;
