import type { JsonObject } from '../kernel/json.ts';
import { parseStrictJson, type JsonLimits } from '../wire/strict-json.ts';

/** A JWS in compact serialisation (RFC 7515 §3.1) of any payload, taken apart and not yet believed. */
export interface SignedParts {
  readonly header: JsonObject;
  readonly payload: Buffer;
  /** What was signed: header and payload as sent, with the dot between them. */
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

/** The same with the JSON object that the payload of a token is. */
export interface CompactJws extends Omit<SignedParts, 'payload'> {
  readonly payload: JsonObject;
}

/** Longest token that is read, in characters; heads are bounded besides. */
export const MAX_TOKEN_CHARS = 12 * 1024;

/** Claims nest a little (`cnf`, `realm_access`), headers hardly. */
const LIMITS: JsonLimits = { maxDepth: 8, maxValues: 4_000, maxNames: 1_000 };

/** Whether a credential has the form of a compact JWS; costs next to nothing. */
export const looksLikeJwt = (text: string): boolean => FORM.test(text);

const FORM = /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/**
 * Takes a token apart; undefined where it is no compact JWS of two JSON objects. Strict, so that no two readers can see
 * two tokens in one text: unpadded base64url in its one spelling, no name twice, UTF-8 (RFC 8725 §2.6, §3.14).
 */
export function parseCompactJws(token: string): CompactJws | undefined {
  const parts = splitCompactJws(token);
  const payload = parts === undefined ? undefined : objectOf(parts.payload);
  return parts === undefined || payload === undefined ? undefined : { ...parts, payload };
}

/** The same for a payload of any bytes; of the header alone it is known what it says. */
export function splitCompactJws(token: string): SignedParts | undefined {
  if (token.length > MAX_TOKEN_CHARS) return undefined;
  const [head, body, tail, more] = token.split('.');
  if (head === undefined || body === undefined || tail === undefined || more !== undefined) return undefined;
  const [headBytes, payload, signature] = [head, body, tail].map(decodeBase64url);
  const header = headBytes === undefined ? undefined : objectOf(headBytes);
  if (header === undefined || payload === undefined || signature === undefined) return undefined;
  return { header, payload, signingInput: Buffer.from(`${head}.${body}`, 'latin1'), signature };
}

function objectOf(bytes: Buffer): JsonObject | undefined {
  if (bytes.length === 0) return undefined;
  const parsed = parseStrictJson(bytes, LIMITS);
  return parsed.ok ? parsed.value : undefined;
}

/** Bytes of unpadded base64url (RFC 4648 §5); undefined for any other spelling, spare bits included. */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
