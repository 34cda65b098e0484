import { createCipheriv, createDecipheriv, hash } from 'node:crypto';

/** Bytes of a root key and of a data key: AES-256. */
export const KEY_BYTES = 32;

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts with AES-256-GCM (NIST SP 800-38D), a random nonce in front and the tag behind, in base64url.
 *
 * @param aad what it is bound to: it opens with the same alone
 */
export function encrypt(
  key: Uint8Array,
  plain: Uint8Array,
  aad: string,
  randomBytes: (count: number) => Uint8Array,
): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

/** Opens what `encrypt` made. @throws Error under another key, bound to something else, or changed in a bit */
export function decrypt(key: Uint8Array, text: string, aad: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  // One spelling for each value: lenient decoding would take others for the same.
  if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== text) {
    throw new Error('a sealed value is not in its form');
  }
  // A tag of fewer bytes would be a guess away (NIST SP 800-38D, appendix C).
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(aad)).setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
}

/** Names a root key without telling it. */
export const rootIdOf = (rootKey: Uint8Array): string =>
  hash('sha256', Buffer.concat([Buffer.from('sallyport root key '), rootKey]), 'base64url').slice(0, 11);
