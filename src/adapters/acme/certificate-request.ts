import '../tls/reflect-metadata.ts'; // before the next line, which asks for it while it loads
import * as x509 from '@peculiar/x509';
import { webcrypto } from 'node:crypto';

/** A certificate signing request with the key that it is for. */
export interface CertificateRequest {
  /** PKCS #10 (RFC 2986), DER. */
  readonly der: Uint8Array;
  /** PKCS #8, a secret. */
  readonly keyPem: string;
}

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** Makes a new key (ECDSA P-256) and a request for the names; no common name, which CAs give up on. */
export async function createCertificateRequest(names: readonly string[]): Promise<CertificateRequest> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      keys,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          names.map((value): x509.JsonGeneralName => ({ type: 'dns', value })),
          false,
        ),
      ],
    },
    webcrypto,
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const lines = pkcs8.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    der: new Uint8Array(request.rawData),
    keyPem: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
  };
}

/**
 * The identifier by which a CA knows a certificate (RFC 9773 §4.1): authority key identifier and serial number, both
 * base64url; undefined where the certificate has no such identifier.
 */
export function certificateId(certPem: string): string | undefined {
  const certificate = new x509.X509Certificate(certPem);
  const keyId = certificate.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId;
  if (keyId === undefined) return undefined;
  // DER of a positive integer has a leading zero byte where its first bit is set.
  const serial = certificate.serialNumber.length % 2 === 0 ? certificate.serialNumber : `0${certificate.serialNumber}`;
  const padded = Number.parseInt(serial.slice(0, 2), 16) >= 0x80 ? `00${serial}` : serial;
  return `${Buffer.from(keyId, 'hex').toString('base64url')}.${Buffer.from(padded, 'hex').toString('base64url')}`;
}

/** The DNS names that a certificate holds, in lower case. */
export function namesOf(certPem: string): readonly string[] {
  const names = new x509.X509Certificate(certPem).getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  return names.filter(({ type }) => type === 'dns').map(({ value }) => value.toLowerCase());
}
