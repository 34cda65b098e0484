import '../../tls/reflect-metadata.ts'; // before the next line, which asks for it while it loads
import * as x509 from '@peculiar/x509';
import { createHash, webcrypto } from 'node:crypto';
import type { ChallengeAnswer, Solver } from './solver.ts';

/** A certificate that answers TLS-ALPN-01 for one name; plain data, for it crosses threads. */
export interface AlpnCertificate {
  /** In lower case, as it stands in the SNI. */
  readonly name: string;
  readonly certPem: string;
  /** A secret of some minutes. */
  readonly keyPem: string;
}

/** `id-pe-acmeIdentifier` (RFC 8737 §6.1). */
const ACME_IDENTIFIER = '1.3.6.1.5.5.7.1.31';
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const HOUR_MS = 3_600_000;

/** Makes the certificate of RFC 8737 §3: self-signed, for the one name, with the digest of the key authorization. */
export async function createAlpnCertificate(
  { name, keyAuthorization }: ChallengeAnswer,
  nowMs: number,
): Promise<AlpnCertificate> {
  const digest = createHash('sha256').update(keyAuthorization).digest();
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: ['ACME challenge'] }],
      serialNumber: '01',
      notBefore: new Date(nowMs - HOUR_MS),
      notAfter: new Date(nowMs + 24 * HOUR_MS),
      keys,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [
        new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }], false),
        // An OCTET STRING of 32 bytes, critical.
        new x509.Extension(ACME_IDENTIFIER, true, Buffer.concat([Buffer.from([0x04, 0x20]), digest])),
      ],
    },
    webcrypto,
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    name: name.toLowerCase(),
    certPem: `${certificate.toString('pem').trimEnd()}\n`,
    keyPem: `-----BEGIN PRIVATE KEY-----\n${(pkcs8.match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`,
  };
}

/**
 * Answers TLS-ALPN-01 on the public port.
 *
 * @param show gives all workers these certificates in place of the ones before; resolves once each of them has them
 */
export function createAlpnSolver(
  show: (certificates: readonly AlpnCertificate[]) => Promise<unknown>,
  nowMs: () => number,
): Solver {
  return {
    open: () => Promise.resolve(),
    async present(answers) {
      await show(await Promise.all(answers.map((answer) => createAlpnCertificate(answer, nowMs()))));
    },
    async withdraw() {
      await show([]);
    },
    stop: () => undefined,
  };
}
