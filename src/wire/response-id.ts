import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import type { HeldResponse, Principal } from '../kernel/exchange.ts';

/** The ids by which callers know the responses that upstreams hold for them. */
export interface ResponseIds {
  /** The id for its owner: the same one each time. At most `MAX_RESPONSE_ID_CHARS` long. */
  seal(response: HeldResponse, owner: ResponseOwner): string;
  /** What the id leads to; undefined for any text that was not sealed, by this secret, for this very owner. */
  open(id: string, owner: ResponseOwner): HeldResponse | undefined;
}

/** Whose a response is: that of one credential of one tenant, or of one person behind it. */
export type ResponseOwner = Pick<Principal, 'tenant' | 'id'> & Partial<Pick<Principal, 'member'>>;

/** No id is longer: the name of a model has at most 256 characters. */
export const MAX_RESPONSE_ID_CHARS = 2048;

const PREFIX = 'resp_';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ID = new RegExp(`^${PREFIX}[A-Za-z0-9_-]{40,${MAX_RESPONSE_ID_CHARS - PREFIX.length}}$`);

/**
 * Makes ids that carry their own record, encrypted and bound to its owner (AES-256-GCM, NIST SP 800-38D): no store has
 * to be asked, so every worker, every instance and the next start know an id alike (docs/adr/0011-response-ids.md).
 *
 * @param secret 32 bytes; the keys are derived from it for this purpose alone (HKDF, RFC 5869)
 */
export function createResponseIds(secret: Uint8Array): ResponseIds {
  const derived = (label: string) => Buffer.from(hkdfSync('sha256', secret, '', `sallyport response id ${label}`, 32));
  const [key, nonceKey] = [derived('encryption'), derived('nonce')];

  return {
    seal({ upstream, id, model }, owner) {
      const record = JSON.stringify([upstream, id, model]);
      const bound = boundTo(owner);
      // Made of all that is sealed: two records never share one, and no randomness is needed to be sure of it.
      const nonce = createHmac('sha256', nonceKey)
        .update(JSON.stringify([bound, record]))
        .digest()
        .subarray(0, NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(bound));
      const sealed = Buffer.concat([nonce, cipher.update(record, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return PREFIX + sealed.toString('base64url');
    },

    open(id, owner) {
      if (!ID.test(id)) return undefined;
      const text = id.slice(PREFIX.length);
      const sealed = Buffer.from(text, 'base64url');
      // The last character of base64url may have bits that nobody reads: one id must not have two spellings.
      if (sealed.toString('base64url') !== text) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      // The tag is compared in constant time, inside OpenSSL.
      decipher.setAAD(Buffer.from(boundTo(owner))).setAuthTag(sealed.subarray(-TAG_BYTES));
      const record = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
      try {
        return read(Buffer.concat([record, decipher.final()]).toString());
      } catch {
        return undefined; // forged, changed or another owner's: nobody is told which
      }
    },
  };
}

/** The parts as JSON, so that no two owners are one text. */
const boundTo = ({ tenant, id, member }: ResponseOwner): string =>
  JSON.stringify(member === undefined ? [tenant, id] : [tenant, id, member]);

function read(text: string): HeldResponse | undefined {
  const [upstream, id, model] = JSON.parse(text) as unknown[];
  if (typeof upstream !== 'string' || typeof id !== 'string' || typeof model !== 'string') return undefined;
  return { upstream, id, model };
}
