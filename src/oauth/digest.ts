import { createHmac } from 'node:crypto';

/** Makes the names under which secret values are kept. */
export type Digest = (kind: string, value: string) => string;

/** HMAC-SHA-256 of a value and its kind, base64url: from the store nobody learns a value, nor whether two kinds share one. */
export function createDigest(key: Uint8Array): Digest {
  return (kind, value) =>
    createHmac('sha256', key)
      .update(JSON.stringify([kind, value]))
      .digest('base64url');
}
