import { renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KEY_BYTES } from '../../keyring/envelope.ts';
import { MIN_PASSPHRASE } from '../../keyring/passphrase.ts';
import { RootKeyUnavailable, type RootKeyFiles } from '../../keyring/root-keys.ts';
import { fileOfPlace, type SecretPlace } from '../../kernel/root-key-source.ts';
import { readSecretBytesIfThere, writeAtomically } from '../tls/private-files.ts';
import type { StateDir } from './state-dir.ts';

const MAX_BYTES = 64 * 1024;

/** Root keys in files of this machine and in the environment. */
export function openRootKeyFiles(
  { path }: Pick<StateDir, 'path'>,
  env: Readonly<Record<string, string | undefined>>,
): RootKeyFiles {
  const [own, next] = [join(path, 'keys', 'root.key'), join(path, 'keys', 'root.key.next')];
  const write = (file: string, bytes: Uint8Array): void =>
    writeAtomically(file, `${Buffer.from(bytes).toString('base64')}\n`, 0o600);
  const ownAt = (file: string): Uint8Array | undefined => {
    const bytes = readSecret(file);
    return bytes === undefined ? undefined : keyFrom(bytes, `${file} is damaged: restore it from a backup`);
  };

  return {
    own: () => ownAt(own),
    next: () => ownAt(next),
    writeOwn: (bytes) => write(own, bytes),
    writeNext: (bytes) => write(next, bytes),
    promoteNext: () => renameSync(next, own),
    dropNext: () => rmSync(next, { force: true }),
    keyAt: (place) =>
      keyFrom(
        secretAt(place, env),
        `${nameOf(place)} holds no root key: give 32 random bytes, in base64 (openssl rand -base64 32)`,
        place.kind !== 'env',
      ),
    passphraseAt(place) {
      const text = secretAt(place, env)
        .toString('utf8')
        .replace(/\r?\n$/, '');
      if (text.length >= MIN_PASSPHRASE && !text.includes('\ufffd')) return text;
      throw new RootKeyUnavailable(
        `${nameOf(place)} is no passphrase: give at least ${MIN_PASSPHRASE} characters in UTF-8`,
      );
    },
  };
}

function secretAt(place: SecretPlace, env: Readonly<Record<string, string | undefined>>): Buffer {
  if (place.kind === 'env') {
    const text = env[place.name] ?? '';
    if (text !== '') return Buffer.from(text);
    throw new RootKeyUnavailable(`${nameOf(place)} is not set: set the variable, or change keyring.rootKey`);
  }
  const file = fileOfPlace(place, env);
  if (file === undefined) {
    throw new RootKeyUnavailable(
      `${nameOf(place)}: $CREDENTIALS_DIRECTORY is not set: run it as a service with LoadCredential=${place.kind === 'credential' ? place.name : ''}:/path`,
    );
  }
  const bytes = readSecret(file);
  if (bytes !== undefined) return bytes;
  throw new RootKeyUnavailable(`${nameOf(place)}: there is no file ${file}: restore it, or change keyring.rootKey`);
}

function readSecret(file: string): Buffer | undefined {
  try {
    // Before it is read: a device or a pipe would never end.
    const facts = statSync(file, { throwIfNoEntry: false });
    if (facts !== undefined && (!facts.isFile() || facts.size > MAX_BYTES)) {
      throw new RootKeyUnavailable(`${file} is no file with a secret: give another path`);
    }
    return readSecretBytesIfThere(file);
  } catch (error) {
    if (error instanceof RootKeyUnavailable) throw error;
    throw new RootKeyUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** 32 bytes as they are, or in base64. @throws RootKeyUnavailable with `hint` */
function keyFrom(bytes: Buffer, hint: string, mayBeRaw = false): Uint8Array {
  // A text of 32 letters is no key, though it has its length: half of it, or less, is random.
  if (mayBeRaw && bytes.length === KEY_BYTES && bytes.some((byte) => byte < 0x20 || byte > 0x7e)) return bytes;
  const text = bytes.toString('latin1').trim();
  const decoded = Buffer.from(text, 'base64');
  if (decoded.length === KEY_BYTES && /^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return decoded;
  throw new RootKeyUnavailable(hint);
}

const nameOf = (place: SecretPlace): string =>
  place.kind === 'file' ? `file:${place.file}` : `${place.kind}:${place.name}`;
