import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** A certificate chain and its key, ready for a listener. Plain data: it crosses threads. `keyPem` is a secret. */
export interface TlsMaterial {
  /** The leaf first, then what leads to its CA. */
  readonly certPem: string;
  readonly keyPem: string;
  /** The CA to trust, where it is our own. */
  readonly caPem?: string;
  /** Validity of the leaf, milliseconds since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Certificate files that cannot be used, said in a line for a person. Never quotes the files. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError';
  readonly code = 'tls_file';
}

/**
 * Checks that a certificate and a key can serve: both parse, belong together, and are not over.
 *
 * @throws TlsFileError that says what is wrong
 */
export function parseMaterial(certPem: string, keyPem: string, nowMs: number): TlsMaterial {
  const certificate = attempt('the certificate file holds no PEM certificate', () => new X509Certificate(certPem));
  const key = attempt('the key file holds no PEM private key without passphrase', () => createPrivateKey(keyPem));
  if (!certificate.checkPrivateKey(key)) {
    throw new TlsFileError('the private key does not belong to the first certificate of the file');
  }
  const notAfterMs = certificate.validToDate.getTime();
  if (notAfterMs <= nowMs) throw new TlsFileError(`the certificate ended on ${certificate.validToDate.toISOString()}`);
  attempt('OpenSSL does not accept the pair: the chain is broken or the key too weak', () =>
    createSecureContext({ cert: certPem, key: keyPem }),
  );
  return { certPem, keyPem, notBeforeMs: certificate.validFromDate.getTime(), notAfterMs };
}

function attempt<T>(message: string, run: () => T): T {
  try {
    return run();
  } catch {
    throw new TlsFileError(message); // OpenSSL's own text says less, and may quote the file
  }
}
