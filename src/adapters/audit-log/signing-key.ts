import { generateKeyPairSync } from 'node:crypto';
import { renameSync } from 'node:fs';
import { createSigner, type Signer } from '../../audit-log/note.ts';
import { readSecretIfThere, writeAtomically } from '../tls/private-files.ts';
import type { AuditLogPlaces } from './folder.ts';

/** The keys that a log is signed with, in files of mode 0600 apart from the log. */
export interface SigningKeyFiles {
  /** The key that signs; undefined where there is none. @throws Error where it cannot be used */
  readonly current: (origin: string) => Signer | undefined;
  /** The one that is to take its place; undefined where none is. */
  readonly next: (origin: string) => Signer | undefined;
  readonly makeCurrent: () => void;
  readonly makeNext: () => void;
  /** Puts the next one in the place of the current one. */
  readonly promote: (next: Signer) => void;
  /** Writes the key that others check with. */
  readonly publish: (signer: Signer) => void;
}

/** Opens the files of the keys. */
export function openSigningKeys(places: AuditLogPlaces): SigningKeyFiles {
  const { key, nextKey, publicKey } = places;
  const publish = ({ verifier }: Signer): void => writeAtomically(publicKey, `${verifier.text}\n`, 0o644);
  return {
    current: (origin) => signerIn(key, origin),
    next: (origin) => signerIn(nextKey, origin),
    makeCurrent: () => writeAtomically(key, newKey(), 0o600),
    makeNext: () => writeAtomically(nextKey, newKey(), 0o600),
    promote(next) {
      publish(next);
      renameSync(nextKey, key);
    },
    publish,
  };
}

function signerIn(file: string, origin: string): Signer | undefined {
  const pem = readSecretIfThere(file);
  if (pem === undefined) return undefined;
  try {
    return createSigner(origin, pem);
  } catch {
    throw new Error(`${file} is damaged: restore it from a backup`); // OpenSSL's own text may quote the file
  }
}

const newKey = (): string => generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
