import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { parseMaterial, TlsFileError, type TlsMaterial } from './material.ts';
import { makePrivateDir, readIfThere, readSecretIfThere, writeAtomically } from './private-files.ts';
import { isDue, LEAF_LIFE_MS } from './renewal.ts';
import type { CertificateAndKey } from './self-signed.ts';

/** The self-signed certificate of this start, and whether it was made just now. */
export interface OpenedSelfSigned {
  readonly material: TlsMaterial;
  /** The certificate that callers are to trust, in the state directory. */
  readonly caFile: string;
  readonly isNew: boolean;
}

/**
 * Opens the CA and the leaf of the state directory, and makes what is missing or due. The CA stays while it outlives
 * a new leaf, since callers trust it; the leaf is renewed at two thirds of its life or when a name is not in it.
 *
 * Files: `ca.pem` (public), `keys/ca.key` (key and certificate in one file, so that a crash never leaves two halves
 * that do not fit), `keys/tls.key` and `keys/tls.pem`.
 *
 * @throws TlsFileError where a file is damaged or open to others; nothing is replaced then
 */
export async function openSelfSigned(
  stateDir: string,
  names: readonly string[],
  nowMs: number,
): Promise<OpenedSelfSigned> {
  const keysDir = join(stateDir, 'keys');
  const caFile = join(stateDir, 'ca.pem');
  makePrivateDir(keysDir);

  const caKeyFile = join(keysDir, 'ca.key');
  let ca = readCa(caKeyFile, nowMs);
  if (ca === undefined) {
    ca = await (await loadMaker()).createCa(nowMs);
    writeAtomically(caKeyFile, ca.keyPem + ca.certPem, 0o600);
  }
  if (readIfThere(caFile) !== ca.certPem) writeAtomically(caFile, ca.certPem, 0o644);

  const certFile = join(keysDir, 'tls.pem');
  const keyFile = join(keysDir, 'tls.key');
  const old = { certPem: readSecretIfThere(certFile), keyPem: readSecretIfThere(keyFile) };
  const kept = usableLeaf(old.certPem, old.keyPem, ca, names, nowMs);
  if (kept !== undefined) return { material: { ...kept, caPem: ca.certPem }, caFile, isNew: false };

  const leaf = await (await loadMaker()).createLeaf(ca, names, nowMs);
  writeAtomically(keyFile, leaf.keyPem, 0o600);
  writeAtomically(certFile, leaf.certPem, 0o600);
  const material = parseMaterial(leaf.certPem, leaf.keyPem, nowMs);
  return { material: { ...material, caPem: ca.certPem }, caFile, isNew: true };
}

/** What makes certificates is loaded where one is missing: most starts find theirs. */
const loadMaker = () => import('./self-signed.ts');

/** The CA, if there is one that outlives a new leaf. */
function readCa(file: string, nowMs: number): CertificateAndKey | undefined {
  const text = readSecretIfThere(file);
  if (text === undefined) return undefined;
  const certAt = text.indexOf('-----BEGIN CERTIFICATE-----');
  try {
    if (certAt < 0) throw new TlsFileError('no certificate');
    const certificate = new X509Certificate(text.slice(certAt));
    if (!certificate.ca || !certificate.checkPrivateKey(createPrivateKey(text))) throw new TlsFileError('no CA');
    if (certificate.validToDate.getTime() < nowMs + LEAF_LIFE_MS) return undefined;
  } catch {
    // A new CA would be trusted by nobody: that is the operator's decision.
    throw new TlsFileError(`${file} is damaged: restore it, or remove it to get a new CA that callers must trust anew`);
  }
  return { certPem: text.slice(certAt), keyPem: text.slice(0, certAt) };
}

function usableLeaf(
  certPem: string | undefined,
  keyPem: string | undefined,
  ca: CertificateAndKey,
  names: readonly string[],
  nowMs: number,
): TlsMaterial | undefined {
  if (certPem === undefined || keyPem === undefined) return undefined;
  try {
    const material = parseMaterial(certPem, keyPem, nowMs);
    const certificate = new X509Certificate(certPem);
    const caCertificate = new X509Certificate(ca.certPem);
    const isOurs = certificate.checkIssued(caCertificate) && certificate.verify(caCertificate.publicKey);
    const isCovered = names.every((name) => covers(certificate, name));
    return isOurs && isCovered && !isDue(material.notBeforeMs, material.notAfterMs, nowMs) ? material : undefined;
  } catch {
    return undefined; // half-written or damaged: a new leaf costs nobody anything
  }
}

function covers(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}
