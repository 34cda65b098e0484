import { join } from 'node:path';
import { parseMaterial, TlsFileError, type TlsMaterial } from '../tls/material.ts';
import { makePrivateDir, readSecretIfThere, writeAtomically } from '../tls/private-files.ts';
import { accountKeyFrom, createAccountKeyPem, type AccountKey } from './jws.ts';
import { NO_ATTEMPTS, type Attempts } from './plan.ts';

/** What is kept of one CA: files of mode 0600 in `keys/acme/CA/` of the state directory. */
export interface AcmeState {
  /** The account key: made at first. @throws TlsFileError where it is damaged */
  accountKey(): AccountKey;
  /** The stored certificate; undefined where there is none that can serve. */
  certificate(nowMs: number): TlsMaterial | undefined;
  keepCertificate(certPem: string, keyPem: string): void;
  attempts(): Attempts;
  keepAttempts(attempts: Attempts): void;
}

/**
 * Opens the files of one CA. Each CA has its own: a certificate of the staging CA must not stand in for one of the
 * production CA, nor its failures count there.
 */
export function openAcmeState(stateDir: string, directory: string): AcmeState {
  const keysDir = join(stateDir, 'keys');
  const acmeDir = join(keysDir, 'acme');
  const dir = join(acmeDir, folderOf(directory));
  for (const one of [keysDir, acmeDir, dir]) makePrivateDir(one);
  const accountFile = join(dir, 'account.key');
  // Key and chain in one file: a crash never leaves two halves that do not fit.
  const certificateFile = join(dir, 'certificate.pem');
  const attemptsFile = join(dir, 'attempts.json');
  return {
    accountKey() {
      const pem = readSecretIfThere(accountFile);
      if (pem === undefined) {
        const made = createAccountKeyPem();
        writeAtomically(accountFile, made, 0o600);
        return accountKeyFrom(made);
      }
      try {
        return accountKeyFrom(pem);
      } catch {
        throw new TlsFileError(`${accountFile} is damaged: restore it, or remove it to register a new account`);
      }
    },
    certificate(nowMs) {
      const text = readSecretIfThere(certificateFile);
      const at = text?.indexOf('-----BEGIN CERTIFICATE-----') ?? -1;
      if (text === undefined || at < 0) return undefined;
      try {
        return parseMaterial(text.slice(at), text.slice(0, at), nowMs);
      } catch {
        return undefined; // over or damaged: a new one is asked for
      }
    },
    keepCertificate(certPem, keyPem) {
      writeAtomically(certificateFile, `${keyPem.trimEnd()}\n${certPem.trimEnd()}\n`, 0o600);
    },
    attempts() {
      const text = readSecretIfThere(attemptsFile);
      return text === undefined ? NO_ATTEMPTS : attemptsFrom(text);
    },
    keepAttempts(attempts) {
      writeAtomically(attemptsFile, `${JSON.stringify(attempts)}\n`, 0o600);
    },
  };
}

/** `acme-v02.api.letsencrypt.org-directory`: host and path of the directory, as a name of a folder. */
function folderOf(directory: string): string {
  const { host, pathname } = new URL(directory);
  return `${host}${pathname}`
    .replace(/[^a-z0-9.]+/gi, '-')
    .replace(/^[.-]+|-+$/g, '')
    .slice(0, 120);
}

/** What was remembered; nothing where somebody has damaged the file. */
function attemptsFrom(text: string): Attempts {
  try {
    const value: unknown = JSON.parse(text);
    const { failures, retryAtMs, ordersAtMs } = value as Attempts;
    if (Number.isInteger(failures) && Number.isFinite(retryAtMs) && ordersAtMs.every(Number.isFinite)) {
      return { failures, retryAtMs, ordersAtMs: ordersAtMs.slice(-100) };
    }
  } catch {
    // as below
  }
  return NO_ATTEMPTS;
}
