import type { ClientGrant, ClientRecord } from '../directory/records.ts';

/** `grant_type` values of each grant of a client (RFC 6749, RFC 8628). */
const GRANT_TYPES: Readonly<Record<ClientGrant, readonly string[]>> = {
  client_credentials: ['client_credentials'],
  authorization_code: ['authorization_code', 'refresh_token'],
  device_code: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
};

const SUBJECT_MEMBERS = {
  dns: 'tls_client_auth_san_dns',
  uri: 'tls_client_auth_san_uri',
  email: 'tls_client_auth_san_email',
} as const;

/** A client as the library wants it (RFC 7591 §2); undefined for one that may not ask. */
export function clientMetadata(record: ClientRecord): Record<string, unknown> | undefined {
  if (record.state !== 'active') return undefined;
  const { certificateName: name } = record;
  return {
    client_id: record.id,
    client_name: record.name,
    token_endpoint_auth_method: record.authMethod,
    grant_types: [...new Set(record.grants.flatMap((grant) => GRANT_TYPES[grant]))],
    response_types: record.grants.includes('authorization_code') ? ['code'] : [],
    redirect_uris: [...record.redirectUris],
    application_type: isNative(record) ? 'native' : 'web',
    // The digest stands in for the secret: what a caller presents is digested before the library compares it.
    ...(record.secretDigest === undefined ? {} : { client_secret: secretText(record.secretDigest) }),
    ...(record.jwks === undefined ? {} : { jwks: record.jwks }),
    ...(name === undefined ? {} : { [SUBJECT_MEMBERS[name.kind]]: name.value }),
    // Who has a certificate can show it with each token, too: a stolen one is then worth nothing (RFC 8705 §3).
    ...(record.authMethod === 'tls_client_auth' ? { tls_client_certificate_bound_access_tokens: true } : {}),
    ...(record.isDpopRequired ? { dpop_bound_access_tokens: true } : {}),
    ...(record.isParRequired ? { require_pushed_authorization_requests: true } : {}),
  };
}

/** A digest as the text that stands in for a secret. */
export const secretText = (digest: Uint8Array): string => Buffer.from(digest).toString('base64url');

/** Apps on a device get their answers at a loopback address or by a scheme of their own (RFC 8252 §7). */
function isNative({ redirectUris }: ClientRecord): boolean {
  return redirectUris.length > 0 && redirectUris.every((uri) => !uri.startsWith('https:'));
}
