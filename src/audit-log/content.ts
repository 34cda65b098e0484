import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { ContentPart } from '../kernel/content.ts';

/** Which text of which request of which tenant: nobody can put another one in its place. */
export interface ContentPlace {
  readonly tenant: string;
  readonly requestId: string;
  readonly part: ContentPart;
}

/**
 * Digests and encrypts what was said, with keys that come from a tenant's key of names: whoever destroys that has erased
 * the content, too. Undefined in all of it: there is no key, or it was destroyed.
 */
export interface ContentSeals {
  /** Stands for a text in its record; the same for the same text of one tenant. @param digest SHA-256 of the text */
  hash(tenant: string, digest: Uint8Array): string | undefined;
  seal(place: ContentPlace, text: Uint8Array): Buffer | undefined;
  /** Undefined, too, where it was changed, or is not of that place. */
  open(place: ContentPlace, sealed: Uint8Array): Buffer | undefined;
  /** A tenant's key was destroyed: nothing of it stays in memory. */
  forget(tenant: string): void;
}

const MARK = 'c1.';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Tenants whose keys are kept, so that they are not derived for each request. */
const MAX_KNOWN = 10_000;

interface Keys {
  readonly hash: Uint8Array;
  readonly seal: Uint8Array;
}

/** @param keyOf 32 bytes of a tenant, made where there are none; undefined where they were destroyed */
export function createContentSeals(keyOf: (tenant: string) => Uint8Array | undefined): ContentSeals {
  const known = new Map<string, Keys>();

  function keysOf(tenant: string): Keys | undefined {
    const found = known.get(tenant);
    if (found !== undefined) return found;
    const key = keyOf(tenant);
    if (key === undefined) return undefined;
    const made = { hash: derived(key, 'hash'), seal: derived(key, 'seal') };
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(tenant, made);
    return made;
  }

  return {
    hash(tenant, digest) {
      const keys = keysOf(tenant);
      // Without a key a short prompt could be found by trying all that are likely.
      return keys === undefined ? undefined : MARK + createHmac('sha256', keys.hash).update(digest).digest('base64url');
    },
    seal(place, text) {
      const keys = keysOf(place.tenant);
      if (keys === undefined) return undefined;
      const nonce = randomBytes(NONCE_BYTES);
      const aad = aadOf(place);
      const cipher = createCipheriv('aes-256-gcm', ownKey(keys, aad), nonce).setAAD(aad);
      return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
    },
    open(place, sealed) {
      const keys = keysOf(place.tenant);
      if (keys === undefined || sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const aad = aadOf(place);
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', ownKey(keys, aad), nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(aad).setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
      try {
        return Buffer.concat([
          decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)),
          decipher.final(),
        ]);
      } catch {
        return undefined;
      }
    },
    forget(tenant) {
      const keys = known.get(tenant);
      keys?.hash.fill(0);
      keys?.seal.fill(0);
      known.delete(tenant);
    },
  };
}

/** SHA-256 of a text, as `hash` takes it. */
export const contentDigest = (text: Uint8Array): Uint8Array => createHash('sha256').update(text).digest();

const derived = (key: Uint8Array, use: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), `sallyport audit content ${use}`, 32));

const aadOf = ({ tenant, requestId, part }: ContentPlace): Buffer =>
  Buffer.from(JSON.stringify(['sallyport audit content 1', tenant, requestId, part]));

/** Each text has a key of its own: random nonces under one key would be used up (NIST SP 800-38D §8.3). */
const ownKey = ({ seal }: Keys, aad: Uint8Array): Buffer => createHmac('sha256', seal).update(aad).digest();
