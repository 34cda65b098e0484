import '../../src/adapters/tls/reflect-metadata.ts'; // before the next line, which asks for it while it loads
import * as x509 from '@peculiar/x509';
import { createPrivateKey, sign, webcrypto } from 'node:crypto';
import { createCa, type CertificateAndKey } from '../../src/adapters/tls/self-signed.ts';

/** A CA of client certificates. */
export interface ClientCa {
  readonly certPem: string;
  /** Signs a certificate for a client. */
  issue(wish: ClientWish): Promise<CertificateAndKey>;
}

/** What a client certificate says. */
export interface ClientWish {
  readonly subject?: string;
  readonly names?: readonly x509.JsonGeneralName[];
  /** Time until it ends; negative: it has. */
  readonly lifeMs?: number;
  /** For servers only, not for clients. */
  readonly isForServers?: boolean;
  /** With an extension (RFC 5280 §4.2.2.1, authority information access) that holds something else than it must. */
  readonly isOdd?: boolean;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** Makes one. */
export async function createClientCa(): Promise<ClientCa> {
  const ca = await createCa(Date.now());
  const der = createPrivateKey(ca.keyPem).export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', new Uint8Array(der), ALGORITHM, false, ['sign']);
  const issuer = new x509.X509Certificate(ca.certPem);
  return {
    certPem: ca.certPem,
    async issue({ subject = 'CN=client', names = [], lifeMs = 3_600_000, isForServers = false, isOdd = false }) {
      const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
      const certificate = await x509.X509CertificateGenerator.create(
        {
          subject,
          issuer: issuer.subjectName.toJSON(),
          serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8)))
            .toString('hex')
            .replace(/^./, '4'),
          notBefore: new Date(Date.now() - 7_200_000),
          notAfter: new Date(Date.now() + lifeMs),
          publicKey: keys.publicKey,
          signingKey,
          signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
          extensions: [
            new x509.ExtendedKeyUsageExtension([isForServers ? serverAuth : clientAuth]),
            ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension([...names])]),
            ...(isOdd ? [new x509.Extension(UNUSED_OID, false, Buffer.from([5, 0]))] : []),
          ],
        },
        webcrypto,
      );
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
      return {
        certPem: isOdd ? withOddExtension(certificate, ca.keyPem) : certificate.toString('pem'),
        keyPem: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
      };
    },
  };
}

/** One number beside authority information access, which the library itself would not write wrongly. */
const UNUSED_OID = '1.3.6.1.5.5.7.1.99';

/** Gives the unused extension the number of authority information access, and signs anew (RFC 5280 §4.1). */
function withOddExtension({ rawData }: x509.X509Certificate, caKeyPem: string): string {
  const der = Buffer.from(rawData);
  const signedAt = 4; // behind the head of the outer sequence, which has more than 255 bytes
  const endsAt = signedAt + 4 + der.readUInt16BE(signedAt + 2);
  const signed = der.subarray(signedAt, endsAt);
  const oid = Buffer.from([0x2b, 6, 1, 5, 5, 7, 1, 99]);
  signed[signed.indexOf(oid) + oid.length - 1] = 1;
  const signature = sign('sha256', signed, caKeyPem);
  const algorithm = der.subarray(endsAt, endsAt + 2 + (der[endsAt + 1] ?? 0));
  const body = Buffer.concat([signed, algorithm, Buffer.from([3, signature.length + 1, 0]), signature]);
  const head = Buffer.from([0x30, 0x82, body.length >> 8, body.length & 0xff]);
  return `-----BEGIN CERTIFICATE-----\n${Buffer.concat([head, body]).toString('base64')}\n-----END CERTIFICATE-----\n`;
}
