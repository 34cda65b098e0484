import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCa, createLeaf } from '../src/adapters/tls/self-signed.ts';

/** Writes a certificate for 127.0.0.1 of the kind that the gateway makes for itself (ECDSA P-256), with its CA. */
export async function writeCertificate(folder: string) {
  const nowMs = Date.now();
  const ca = await createCa(nowMs);
  const leaf = await createLeaf(ca, ['127.0.0.1', 'localhost'], nowMs);
  const files = {
    certFile: join(folder, 'cert.pem'),
    keyFile: join(folder, 'key.pem'),
    caFile: join(folder, 'ca.pem'),
  };
  writeFileSync(files.certFile, leaf.certPem);
  writeFileSync(files.keyFile, leaf.keyPem, { mode: 0o600 });
  writeFileSync(files.caFile, ca.certPem);
  return files;
}
