import { generateKeyPairSync, hash, randomBytes, sign, type KeyObject } from 'node:crypto';
import assert from 'node:assert/strict';
import type { Shown } from './browser.ts';

/** What an authenticator and its browser say other than usual. */
export interface PasskeyLie {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly userHandle?: string;
  readonly id?: string;
  readonly counter?: number;
  readonly isVerified?: boolean;
  readonly crossOrigin?: boolean;
  readonly type?: string;
  /** The key that signs, in place of the passkey's own. */
  readonly key?: KeyObject;
  /** Statement and format of the attestation, as CBOR. */
  readonly attestation?: { readonly fmt: string; readonly statement: Buffer };
}

/** Makes passkeys and shows them, as an authenticator with a browser before it does (WebAuthn §6). */
export interface Authenticator {
  /** JSON of a new passkey, for what a page asks. */
  create(page: Shown, lie?: PasskeyLie): string;
  /** JSON of the passkey shown to what a page asks. */
  get(page: Shown, lie?: PasskeyLie): string;
  /** User handle of the passkey, base64url. */
  readonly userHandle: string;
  readonly id: string;
}

/** Flags of authenticator data: somebody was there, was verified, and a new credential follows. */
const [UP, UV, AT] = [0x01, 0x04, 0x40];

interface Asked {
  readonly challenge: string;
  readonly user?: { readonly id: string };
}

/** What a page asks of a passkey. */
export function askedBy({ text, title }: Shown, call: 'get' | 'create'): Asked {
  const found = new RegExp(`data-passkey="${call}"\\s+data-options="([^"]*)"`).exec(text)?.[1];
  assert.ok(found, `${title} asks for no passkey`);
  return JSON.parse(found.replaceAll('&quot;', '"').replaceAll('&amp;', '&')) as Asked;
}

/** An authenticator with one ES256 key. @param site the address that its browser shows */
export function createAuthenticator(site: string): Authenticator {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = randomBytes(32);
  const { origin, hostname } = new URL(site);
  let counter = 0;

  const clientData = (type: string, challenge: string, lie: PasskeyLie): Buffer =>
    Buffer.from(
      JSON.stringify({
        type: lie.type ?? type,
        challenge: lie.challenge ?? challenge,
        origin: lie.origin ?? origin,
        crossOrigin: lie.crossOrigin ?? false,
      }),
    );

  function authenticatorData(lie: PasskeyLie, credential?: Buffer): Buffer {
    const flags = UP | (lie.isVerified === false ? 0 : UV) | (credential === undefined ? 0 : AT);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(lie.counter ?? (counter += 1));
    const parts = [hash('sha256', lie.rpId ?? hostname, 'buffer'), Buffer.from([flags]), count];
    return Buffer.concat(credential === undefined ? parts : [...parts, credential]);
  }

  /** AAGUID of nobody, id, COSE key (WebAuthn §6.5.1). */
  function credentialData(): Buffer {
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    const key = Buffer.concat([
      Buffer.from('a5010203262001', 'hex'),
      ...[Buffer.from('21', 'hex'), bytes(Buffer.from(x, 'base64url'))],
      ...[Buffer.from('22', 'hex'), bytes(Buffer.from(y, 'base64url'))],
    ]);
    return Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, key]);
  }

  const it = {
    id: id.toString('base64url'),
    userHandle: '',
    create(page: Shown, lie: PasskeyLie = {}): string {
      const { challenge, user } = askedBy(page, 'create');
      it.userHandle = user?.id ?? '';
      const { fmt, statement } = lie.attestation ?? { fmt: 'none', statement: Buffer.from('a0', 'hex') };
      const attestationObject = Buffer.concat([
        Buffer.from('a3', 'hex'),
        ...[text('fmt'), text(fmt), text('attStmt'), statement],
        ...[text('authData'), bytes(authenticatorData(lie, credentialData()))],
      ]);
      const clientDataJSON = clientData('webauthn.create', challenge, lie).toString('base64url');
      const response = {
        clientDataJSON,
        attestationObject: attestationObject.toString('base64url'),
        transports: ['internal', 'made-up'],
      };
      return JSON.stringify({ id: it.id, response });
    },
    get(page: Shown, lie: PasskeyLie = {}): string {
      const client = clientData('webauthn.get', askedBy(page, 'get').challenge, lie);
      const data = authenticatorData(lie);
      const signature = sign('sha256', Buffer.concat([data, hash('sha256', client, 'buffer')]), lie.key ?? privateKey);
      const response = {
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle: lie.userHandle ?? it.userHandle,
      };
      return JSON.stringify({ id: lie.id ?? it.id, response });
    },
  };
  return it;
}

/** A CBOR byte string and text string (RFC 8949 §3.1). */
const bytes = (value: Buffer): Buffer => Buffer.concat([head(0x40, value.length), value]);
const text = (value: string): Buffer => Buffer.concat([head(0x60, value.length), Buffer.from(value)]);
const head = (major: number, length: number): Buffer =>
  length < 24
    ? Buffer.from([major | length])
    : length < 256
      ? Buffer.from([major | 24, length])
      : Buffer.from([major | 25, length >> 8, length & 255]);
