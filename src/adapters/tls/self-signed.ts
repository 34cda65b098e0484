import './reflect-metadata.ts'; // before the next line, which asks for it while it loads
import * as x509 from '@peculiar/x509';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { LEAF_LIFE_MS } from './renewal.ts';

/** A certificate and its private key (PKCS #8), both PEM. */
export interface CertificateAndKey {
  readonly certPem: string;
  /** Secret. */
  readonly keyPem: string;
}

const DAY_MS = 86_400_000;
/** Life of the CA: an operator hands it to callers once. */
export const CA_LIFE_MS = 3650 * DAY_MS;
/** Certificates begin this long ago, for callers whose clock is behind. */
const SKEW_MS = 3_600_000;

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** Makes a CA that signs leaves only (ECDSA P-256, path length 0), with the extensions that RFC 5280 §4.2 asks of a CA. */
export async function createCa(nowMs: number): Promise<CertificateAndKey> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      // Of two CAs with one name a client could pick the wrong one.
      name: [{ O: ['Sallyport'] }, { CN: [`Sallyport CA ${serialNumber().slice(0, 8)}`] }],
      serialNumber: serialNumber(),
      ...validity(nowMs, nowMs + CA_LIFE_MS),
      keys,
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certPem: pem(certificate), keyPem: await keyPem(keys.privateKey) };
}

/**
 * Makes a server certificate for the names (DNS names and IP addresses), signed by the CA. It carries the authority
 * key identifier, without which strict verifiers (Python 3.13, `openssl verify -x509_strict`) refuse it.
 */
export async function createLeaf(
  ca: CertificateAndKey,
  names: readonly string[],
  nowMs: number,
): Promise<CertificateAndKey> {
  const caCertificate = new x509.X509Certificate(ca.certPem);
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: [{ O: ['Sallyport'] }, { CN: ['sallyport'] }],
      issuer: caCertificate.subjectName.toJSON(),
      serialNumber: serialNumber(),
      ...validity(nowMs, Math.min(nowMs + LEAF_LIFE_MS, caCertificate.notAfter.getTime())),
      publicKey: keys.publicKey,
      signingKey: await signingKey(ca.keyPem),
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth], false),
        new x509.SubjectAlternativeNameExtension(
          names.map((value): x509.JsonGeneralName => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
          false,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await x509.AuthorityKeyIdentifierExtension.create(caCertificate.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certPem: pem(certificate), keyPem: await keyPem(keys.privateKey) };
}

function validity(nowMs: number, notAfterMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - SKEW_MS), notAfter: new Date(notAfterMs) };
}

/** 16 random bytes in hex: positive and without leading zero byte, so DER keeps them in 16 (RFC 5280 §4.1.2.2: 20 at most). */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

async function signingKey(caKeyPem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(caKeyPem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', new Uint8Array(der), KEY_ALGORITHM, false, ['sign']);
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem').trimEnd()}\n`;
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}
