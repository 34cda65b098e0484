import './reflect-metadata.ts'; // before the next line, which asks for it while it loads
import * as x509 from '@peculiar/x509';
import { hash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { CertificateName, ClientCertificate } from '../../kernel/transport.ts';

/**
 * The certificate of a client that our client CA has signed and that is for clients (RFC 5280 §4.2.1.12), as OpenSSL
 * has judged it in the handshake; undefined where there is none, or it is not valid or cannot be read.
 */
export function clientCertificateOf(socket: TLSSocket): ClientCertificate | undefined {
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  try {
    return certificate === undefined ? undefined : factsOf(certificate.raw);
  } catch {
    // OpenSSL passes over extensions that it has no use for; the library throws at one that holds something else.
    return undefined;
  }
}

/** Names of a certificate, DER. Parsed anew, for the one line that Node makes of them cannot be taken apart safely (CVE-2021-44532). */
export function factsOf(der: Uint8Array): ClientCertificate {
  const certificate = new x509.X509Certificate(new Uint8Array(der));
  const commonNames = certificate.subjectName.getField('CN');
  const items = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  return {
    // Of two, each reader could heed another one.
    commonName: commonNames.length === 1 ? commonNames[0] : undefined,
    names: items.flatMap(({ type, value }): CertificateName[] =>
      type === 'dns' || type === 'url' || type === 'email' ? [{ kind: KINDS[type], value }] : [],
    ),
    notAfterMs: certificate.notAfter.getTime(),
    sha256: hash('sha256', der, 'base64url'),
    pem: certificate.toString('pem'),
  };
}

const KINDS = { dns: 'dns', url: 'uri', email: 'email' } as const;
