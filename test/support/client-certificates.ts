import '../../src/adapters/tls/reflect-metadata.ts'; // before the next line, which asks for it while it loads
import * as x509 from '@peculiar/x509';
import { createPrivateKey, webcrypto } from 'node:crypto';
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
    async issue({ subject = 'CN=client', names = [], lifeMs = 3_600_000, isForServers = false }) {
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
          ],
        },
        webcrypto,
      );
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
      return {
        certPem: certificate.toString('pem'),
        keyPem: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
      };
    },
  };
}
