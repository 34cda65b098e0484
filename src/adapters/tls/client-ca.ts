import { X509Certificate } from 'node:crypto';
import { TlsFileError } from './material.ts';

/** Checks the certificates of a CA file. @throws TlsFileError where it holds none, or something that is no CA */
export function checkClientCa(file: string, pem: string): void {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0)
    throw new TlsFileError(`${file} holds no PEM certificate: give the CA of client certificates`);
  for (const block of blocks) {
    let isCa: boolean;
    try {
      isCa = new X509Certificate(block).ca;
    } catch {
      throw new TlsFileError(`${file} holds a certificate that cannot be read`);
    }
    // OpenSSL would take a certificate that is trusted by itself for its own CA.
    if (!isCa) throw new TlsFileError(`${file} holds a certificate that is no CA: give the CA that signs the clients'`);
  }
}
