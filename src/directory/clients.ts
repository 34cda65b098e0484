import { base62, digestOf } from './api-key.ts';
import type { ClientRecord } from './records.ts';

/** What an OAuth client is to be. */
export type ClientWish = Omit<
  ClientRecord,
  'id' | 'secretDigest' | 'previousSecret' | 'createdAtMs' | 'state' | 'version'
>;

/** What making clients works with. */
export interface ClientIssuer {
  readonly hmacKey: Uint8Array;
  readonly randomBytes: (count: number) => Uint8Array;
}

/** A client with its secret, which is shown once and kept nowhere; undefined where it has none. */
export interface IssuedClient {
  readonly record: ClientRecord;
  readonly secret: string | undefined;
}

const ID_LENGTH = 16;
/** 256 bits. */
const SECRET_LENGTH = 43;

/** Makes a new client. */
export function issueClient(wish: ClientWish, issuer: ClientIssuer, nowMs: number): IssuedClient {
  const secret = wish.authMethod === 'client_secret_basic' ? newSecret(issuer) : undefined;
  return {
    record: {
      ...wish,
      id: `c_${base62(ID_LENGTH, issuer.randomBytes)}`,
      secretDigest: secret === undefined ? undefined : digestOf(secret, issuer.hmacKey),
      previousSecret: undefined,
      createdAtMs: nowMs,
      state: 'active',
      version: 1,
    },
    secret,
  };
}

/** Gives a client a new secret; the one before stays accepted for `overlapMs`. */
export function rotateClientSecret(
  record: ClientRecord,
  overlapMs: number,
  issuer: ClientIssuer,
  nowMs: number,
): IssuedClient {
  const secret = newSecret(issuer);
  const previousSecret =
    overlapMs > 0 && record.secretDigest !== undefined
      ? { digest: record.secretDigest, untilMs: nowMs + overlapMs }
      : undefined;
  return {
    record: {
      ...record,
      secretDigest: digestOf(secret, issuer.hmacKey),
      previousSecret,
      version: record.version + 1,
    },
    secret,
  };
}

const newSecret = ({ randomBytes }: ClientIssuer): string => `spcs_${base62(SECRET_LENGTH, randomBytes)}`;
