import type { RequestRecord } from '../kernel/record.ts';

/**
 * Refusals by which nothing is proven of who asked, or that came before anybody was asked. What such a record says of a key is
 * what somebody claimed: it must never count against the key, or whoever knows its public id could have it held.
 */
const UNCOUNTED: ReadonlySet<string> = new Set([
  'missing_credential',
  'invalid_credential',
  'expired_credential',
  'revoked_credential',
  'ambiguous_credential',
  'insufficient_user_authentication',
  'too_many_failures',
  'ip_denied',
  'headers_too_large',
  'request_timeout',
  // Held off already: it is no use of the key, neither usual nor unusual.
  'quarantined',
]);
const UNAUTHORIZED = 401;
/** Longer names are not followed: an issuer may write what it likes into them, and each is kept. */
const MAX_NAME = 512;

/**
 * The credential that a request was proven to come with: `key:Ab12Cd` or `subject:ISSUER SUBJECT`, each a name by which it
 * can be held (`Principal.marks`).
 */
export function provenCredential(record: RequestRecord): string | undefined {
  const { code, status, keyId, issuer, subject, tenant } = record;
  if (status === UNAUTHORIZED || (code !== undefined && UNCOUNTED.has(code))) return undefined;
  // Whoever was let in has a tenant; a record without one was made before that.
  if (tenant === undefined) return undefined;
  if (keyId !== undefined) return followed(`key:${keyId}`);
  return issuer !== undefined && subject !== undefined ? followed(`subject:${issuer} ${subject}`) : undefined;
}

/** The name of a subject, where it is short enough to be kept. */
export const followed = (name: string): string | undefined => (name.length <= MAX_NAME ? name : undefined);

/** Whether a request showed a credential that does not exist, or came when too many such had. */
export const isFailure = ({ code }: RequestRecord): boolean =>
  code === 'invalid_credential' || code === 'too_many_failures';
