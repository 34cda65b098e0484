import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readSecretIfThere, writeAtomically } from '../tls/private-files.ts';
import { StateDirError, type StateDir } from './state-dir.ts';

const KEY_BYTES = 32;

/**
 * The root key of what is encrypted at rest; made on first use. Without it nothing of that can be read again, so a damaged
 * one is an error, never replaced.
 */
export function openRootKey({ path }: StateDir): Uint8Array {
  const file = join(path, 'keys', 'root.key');
  const text = readSecretIfThere(file)?.trim();
  if (text !== undefined) {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length !== KEY_BYTES) throw new StateDirError(`${file} is damaged: restore it from a backup`);
    return bytes;
  }
  const made = randomBytes(KEY_BYTES);
  writeAtomically(file, `${made.toString('base64')}\n`, 0o600);
  return made;
}
