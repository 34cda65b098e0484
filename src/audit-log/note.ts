import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';

/** A text that somebody has signed: the C2SP signed note (c2sp.org/signed-note). */
export interface Note {
  /** Ends with a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** One line below a note. */
export interface NoteSignature {
  readonly name: string;
  /** First bytes of the key's hash, 8 hexadecimal digits: which key it was. */
  readonly keyId: string;
  readonly signature: Uint8Array;
}

/** A public key in the form of notes: `name+hash+base64`, as Go's `note.NewVerifier` takes it. */
export interface Verifier {
  readonly name: string;
  readonly keyId: string;
  /** The whole form. */
  readonly text: string;
  readonly key: KeyObject;
}

/** Signs notes. Holds a secret. */
export interface Signer {
  readonly verifier: Verifier;
  readonly sign: (text: string) => NoteSignature;
}

/** Signature type of Ed25519. */
const ED25519 = 1;
const ED25519_BYTES = 64;
const PUBLIC_KEY_BYTES = 32;
/** Everything of a public key's DER form before its 32 bytes (RFC 8410 §4). */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

const LINE = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/;
/** Neither a text with its signatures nor a key holds a control character but newlines. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const MAX_SIGNATURES = 32;

/** Reads a note; undefined where it is none. Whether a signature counts is another question: `isSignedBy`. */
export function parseNote(written: string): Note | undefined {
  const end = written.lastIndexOf('\n\n');
  if (end <= 0 || !written.endsWith('\n') || CONTROL.test(written)) return undefined;
  const lines = written.slice(end + 2, -1).split('\n');
  const signatures = lines.flatMap(parseSignature);
  if (signatures.length !== lines.length || lines.length > MAX_SIGNATURES) return undefined;
  return { text: written.slice(0, end + 1), signatures };
}

function parseSignature(line: string): NoteSignature[] {
  const [, name = '', base64 = ''] = LINE.exec(line) ?? [];
  const bytes = bytesOf(base64);
  if (bytes === undefined || bytes.length < 5) return [];
  return [{ name, keyId: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) }];
}

/** The note as it is written. */
export function formatNote({ text, signatures }: Note): string {
  const lines = signatures.map(
    ({ name, keyId, signature }) =>
      `— ${name} ${Buffer.concat([Buffer.from(keyId, 'hex'), signature]).toString('base64')}\n`,
  );
  return `${text}\n${lines.join('')}`;
}

/** Whether this key has signed it. One signature of it that is wrong, and the note is not (signed-note: Signatures). */
export function isSignedBy({ text, signatures }: Note, { name, keyId, key }: Verifier): boolean {
  const own = signatures.filter((one) => one.name === name && one.keyId === keyId);
  return own.length > 0 && own.every(({ signature }) => isGood(text, signature, key));
}

const isGood = (text: string, signature: Uint8Array, key: KeyObject): boolean =>
  signature.length === ED25519_BYTES && verify(null, Buffer.from(text), key, signature);

/** Reads the form `name+hash+base64` of an Ed25519 key, with or without a newline behind; undefined for anything else. */
export function parseVerifier(written: string): Verifier | undefined {
  const [, name = '', keyId = '', base64 = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\n?$/.exec(written) ?? [];
  const bytes = bytesOf(base64);
  if (bytes?.length !== 1 + PUBLIC_KEY_BYTES || bytes[0] !== ED25519) return undefined;
  const verifier = verifierOf(name, bytes.subarray(1));
  return verifier.keyId === keyId ? verifier : undefined;
}

/** @param raw the 32 bytes of an Ed25519 public key (RFC 8032) */
function verifierOf(name: string, raw: Uint8Array): Verifier {
  const typed = Buffer.concat([Buffer.of(ED25519), raw]);
  const keyId = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed]), 'hex').slice(0, 8);
  const key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, raw]), format: 'der', type: 'spki' });
  return { name, keyId, text: `${name}+${keyId}+${typed.toString('base64')}`, key };
}

/**
 * Signs in the name of a log.
 *
 * @param pem an Ed25519 private key, PKCS #8
 * @throws Error where it is no such key
 */
export function createSigner(name: string, pem: string): Signer {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('it is no Ed25519 key');
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const verifier = verifierOf(name, der.subarray(SPKI_HEAD.length));
  const { keyId } = verifier;
  return { verifier, sign: (text) => ({ name, keyId, signature: sign(null, Buffer.from(text), key) }) };
}

/** Base64 in its one spelling: else a byte could change and the note stay the same. */
function bytesOf(base64: string): Buffer | undefined {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 ? bytes : undefined;
}
