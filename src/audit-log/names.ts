import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/**
 * Stands for what names a person: an address, a subject, the id of somebody. The same for the same value of one tenant, so
 * that a search finds it; readable again only with the tenant's key, so that destroying the key erases the person from
 * records that must not change. Synthetic IV: the value's HMAC is its nonce (as in RFC 5297), so nothing repeats but equal
 * values.
 */
export interface Names {
  /** @param kind what it is, such as `address`: the same text as something else has another name */
  hide(tenant: string, kind: NameKind, value: string): string;
  /** The value behind a name; undefined where the tenant's key is gone, or the name was made elsewhere. */
  reveal(tenant: string, kind: NameKind, name: string): string | undefined;
  /** A tenant's key was destroyed: nothing of it stays in memory. */
  forget(tenant: string): void;
}

/** What can be hidden. */
export type NameKind = 'address' | 'person';

/** Names that are kept, so that a caller who asks often costs little. */
const MAX_KNOWN = 20_000;
const MARK = 'n1.';
const IV_BYTES = 16;

/** @param keyOf 32 bytes of a tenant, made where there are none; undefined where they were destroyed */
export function createNames(keyOf: (tenant: string, isNew: boolean) => Uint8Array | undefined): Names {
  const keys = new Map<string, Keys>();
  const known = new Map<string, string>();

  function keysOf(tenant: string, isNew: boolean): Keys | undefined {
    const found = keys.get(tenant);
    if (found !== undefined) return found;
    const key = keyOf(tenant, isNew);
    if (key === undefined) return undefined;
    const made = { iv: derived(key, 'iv'), text: derived(key, 'text') };
    if (keys.size >= MAX_KNOWN) keys.clear();
    keys.set(tenant, made);
    return made;
  }

  return {
    forget(tenant) {
      const own = keys.get(tenant);
      own?.iv.fill(0);
      own?.text.fill(0);
      keys.delete(tenant);
      known.clear();
    },
    hide(tenant, kind, value) {
      const at = `${kind} ${tenant}\n${value}`;
      const before = known.get(at);
      if (before !== undefined) return before;
      const own = keysOf(tenant, true);
      if (own === undefined) return `${MARK}erased`;
      const iv = ivOf(own, kind, value);
      const cipher = createCipheriv('aes-256-ctr', own.text, iv);
      const name = MARK + Buffer.concat([iv, cipher.update(value, 'utf8'), cipher.final()]).toString('base64url');
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(at, name);
      return name;
    },
    reveal(tenant, kind, name) {
      const bytes = Buffer.from(name.slice(MARK.length), 'base64url');
      const own = keysOf(tenant, false);
      if (own === undefined || !name.startsWith(MARK) || bytes.length < IV_BYTES) return undefined;
      const iv = bytes.subarray(0, IV_BYTES);
      const cipher = createDecipheriv('aes-256-ctr', own.text, iv);
      const value = Buffer.concat([cipher.update(bytes.subarray(IV_BYTES)), cipher.final()]).toString('utf8');
      return timingSafeEqual(ivOf(own, kind, value), iv) ? value : undefined;
    },
  };
}

interface Keys {
  readonly iv: Uint8Array;
  readonly text: Uint8Array;
}

const derived = (key: Uint8Array, use: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), `sallyport audit names ${use}`, 32));

const ivOf = ({ iv }: Keys, kind: NameKind, value: string): Buffer =>
  createHmac('sha256', iv).update(`${kind}\n${value}`).digest().subarray(0, IV_BYTES);
