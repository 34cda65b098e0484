import { argon2 } from 'node:crypto';
import { KEY_BYTES } from './envelope.ts';

/** How a root key comes from a passphrase: argon2id (RFC 9106), with what is no secret of it. */
export interface Kdf {
  /** Base64. */
  readonly salt: string;
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
}

/** RFC 9106 §4, the second recommended option: 64 MiB, some 0.2 to 0.5 s at a start. */
const MEMORY_KIB = 65_536;
const PASSES = 3;
const LANES = 4;
const SALT_BYTES = 16;

/** Fewer characters can be guessed by whoever has the database, whatever the function costs. */
export const MIN_PASSPHRASE = 16;

/** Parameters for a new passphrase, with a salt of their own. */
export const newKdf = (randomBytes: (count: number) => Uint8Array): Kdf => ({
  salt: Buffer.from(randomBytes(SALT_BYTES)).toString('base64'),
  memoryKiB: MEMORY_KIB,
  passes: PASSES,
  lanes: LANES,
});

/**
 * Derives the root key; off the main thread.
 *
 * @throws RangeError for parameters below ours, or so high that the start would not end
 */
export function deriveRootKey(passphrase: string, { salt, memoryKiB, passes, lanes }: Kdf): Promise<Uint8Array> {
  const nonce = Buffer.from(salt, 'base64');
  // They stand in the database: who can write there could otherwise have the next keys wrapped by a cheap guess.
  const isSound = nonce.length >= SALT_BYTES && memoryKiB >= MEMORY_KIB && passes >= PASSES;
  if (!isSound || memoryKiB > 16 * MEMORY_KIB || passes > 16 || lanes < 1 || lanes > 16) {
    return Promise.reject(new RangeError('the stored parameters of the passphrase are out of range'));
  }
  // One spelling of an accented letter on every keyboard (NIST SP 800-63B §3.1.1.2).
  const message = Buffer.from(passphrase.normalize('NFKC'));
  const parameters = { message, nonce, parallelism: lanes, tagLength: KEY_BYTES, memory: memoryKiB, passes };
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
