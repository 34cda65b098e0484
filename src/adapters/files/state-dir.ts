import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { readSecretIfThere, writeAtomically } from '../tls/private-files.ts';

/** The state directory cannot be used; `message` is one line with the way out. */
export class StateDirError extends Error {
  readonly code = 'state_dir';
}

/** Paths in the state directory. */
export interface StateDir {
  readonly path: string;
  readonly database: string;
  readonly lock: string;
  readonly caFile: string;
  readonly socket: string;
  /** Where workers hand requests to the authorization server. */
  readonly oauthSocket: string;
}

/**
 * Opens the state directory, makes it where there is none (mode 0700).
 *
 * @throws StateDirError where it is another user's, open to others, or cannot be made
 */
export function openStateDir(path: string): StateDir {
  try {
    makeFolder(join(path, 'keys'));
    const { uid, mode } = statSync(path);
    const own = process.getuid?.() ?? uid;
    if (uid !== own) {
      throw new StateDirError(
        `${path} belongs to another user: run this as that user, for example "sudo -u '#${uid}' sallyport …"`,
      );
    }
    if ((mode & 0o077) !== 0) chmodSync(path, 0o700);
  } catch (error) {
    if (error instanceof StateDirError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new StateDirError(`${path} cannot be used (${code}): give another --state-dir, or let this user write it`);
  }
  return pathsIn(path);
}

/**
 * The state directory of a service that runs as another user, for root: only what its gateway itself does in it may be
 * asked for, for a file that root makes there the service could not read. Undefined for everybody else's, and for one's own.
 */
export function stateDirOfService(path: string): StateDir | undefined {
  const facts = statSync(path, { throwIfNoEntry: false });
  return process.getuid?.() === 0 && facts !== undefined && facts.uid !== 0 ? pathsIn(path) : undefined;
}

function pathsIn(path: string): StateDir {
  return {
    path,
    database: join(path, 'sallyport.db'),
    lock: join(path, 'lock.db'),
    caFile: join(path, 'ca.pem'),
    socket: join(path, 'admin.sock'),
    oauthSocket: join(path, 'oauth.sock'),
  };
}

/** Makes a folder and those above it. Node's own way of that never comes back from `/proc`. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another command was faster.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

const KEY_BYTES = 32;

/**
 * The key under which API keys are digested; made on first use. Without it no stored digest can be checked, so a
 * damaged one is an error, never replaced.
 */
export function openHmacKey(stateDir: StateDir): Uint8Array {
  const file = join(stateDir.path, 'keys', 'api-keys.key');
  const text = readSecretIfThere(file)?.trim();
  if (text !== undefined) {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length !== KEY_BYTES)
      throw new StateDirError(`${file} is damaged: restore it from a backup, or all API keys are lost`);
    return bytes;
  }
  const made = randomBytes(KEY_BYTES);
  writeAtomically(file, `${made.toString('base64')}\n`, 0o600);
  return made;
}
