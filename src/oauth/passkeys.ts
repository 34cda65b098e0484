import { generateKeyPairSync } from 'node:crypto';
import type { Passkey } from '../directory/users.ts';
import type { Clock } from '../kernel/clock.ts';
import { createChallenges } from './challenges.ts';

/** Somebody who has shown a passkey of theirs. */
export interface ShownPasskey {
  readonly userId: string;
  readonly passkey: Passkey;
  /** How often it was used, as it says now. */
  readonly counter: number;
}

/** Why a passkey was refused, for the log alone: to whoever shows it all of it is one. */
export type PasskeyRefusal = 'form' | 'challenge' | 'unknown' | 'unverified';

/** Passkeys (WebAuthn) of one site. */
export interface Passkeys {
  /** What a browser is asked with for a passkey of this site, whosever it is: JSON of `navigator.credentials.get`. */
  requestOptions(bound: string): string;
  /** What a browser is asked with for a new one: JSON of `navigator.credentials.create`. */
  creationOptions(
    bound: string,
    person: { readonly id: string; readonly name: string },
    known: readonly Passkey[],
  ): string;
  /** Judges what came back for a new one. @param text the browser's JSON */
  register(bound: string, text: string, name: string): Promise<Passkey | PasskeyRefusal>;
  /** Judges what came back. Where there is no such passkey it works as long, so that time tells nobody who exists. */
  show(
    bound: string,
    text: string,
    find: (userId: string, passkeyId: string) => Promise<Passkey | undefined>,
  ): Promise<ShownPasskey | PasskeyRefusal>;
}

const TIMEOUT_MS = 120_000;
/** ES256, EdDSA, RS256 (RFC 9053, RFC 8812). */
const ALGORITHMS = [-7, -8, -257];
const TRANSPORTS = ['usb', 'nfc', 'ble', 'smart-card', 'hybrid', 'internal'];
/** WebAuthn §5.4.3: ids have at most 1,023 bytes. */
const MAX_ID = Math.ceil((1023 * 4) / 3);

/** Whether a site can have passkeys: they belong to a name, never to an address, and to TLS (WebAuthn §5.1.3). */
export function canHavePasskeys(publicUrl: string): boolean {
  const { protocol, hostname } = new URL(publicUrl);
  const isAddress = hostname.startsWith('[') || /^[0-9.]+$/.test(hostname);
  return !isAddress && (protocol === 'https:' || hostname === 'localhost');
}

/** Loads the library when the first passkey comes. */
async function loadLibrary() {
  const [server, helpers] = await Promise.all([
    import('@simplewebauthn/server'),
    import('@simplewebauthn/server/helpers'),
  ]);
  return { ...server, decode: helpers.decodeAttestationObject };
}

/** Passkeys of the site at this address; nobody else's name is ever taken, whatever a request says. */
export function createPasskeys(deps: {
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly randomBytes: (count: number) => Uint8Array;
}): Passkeys {
  const { origin, hostname: rpId } = new URL(deps.publicUrl);
  const challenges = createChallenges(deps.clock, deps.randomBytes);
  let decoy: Uint8Array<ArrayBuffer> | undefined;

  return {
    requestOptions: (bound) =>
      JSON.stringify({
        ...{ challenge: challenges.make(`get ${bound}`), rpId, timeout: TIMEOUT_MS },
        userVerification: 'required',
      }),
    creationOptions: (bound, { id, name }, known) =>
      JSON.stringify({
        challenge: challenges.make(`create ${bound}`),
        rp: { id: rpId, name: rpId },
        user: { id: Buffer.from(id).toString('base64url'), name, displayName: name },
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
        timeout: TIMEOUT_MS,
        excludeCredentials: known.map((one) => ({ type: 'public-key', id: one.id, transports: one.transports })),
        authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
        attestation: 'none',
      }),
    async register(bound, text, name) {
      const said = registrationOf(text);
      if (said === undefined) return 'form';
      const challenge = challengeOf(said.response.clientDataJSON);
      if (challenge === undefined || !challenges.use(`create ${bound}`, challenge)) return 'challenge';
      const library = await loadLibrary();
      try {
        if (hasCertificates(said.response.attestationObject, library.decode)) return 'form';
        const { registrationInfo } = await library.verifyRegistrationResponse({
          response: said,
          expectedChallenge: challenge,
          expectedOrigin: origin,
          expectedRPID: rpId,
          requireUserVerification: true,
          supportedAlgorithmIDs: ALGORITHMS,
        });
        if (registrationInfo === undefined || registrationInfo.credential.id.length > MAX_ID) return 'unverified';
        const { credential, credentialDeviceType } = registrationInfo;
        return {
          id: credential.id,
          publicKey: Buffer.from(credential.publicKey).toString('base64url'),
          counter: credential.counter,
          transports: said.transports,
          isSynced: credentialDeviceType === 'multiDevice',
          name,
          createdAtMs: deps.clock.nowMs(),
          lastUsedAtMs: undefined,
        };
      } catch {
        // The library throws for whatever is wrong with what a browser sent.
        return 'unverified';
      }
    },
    async show(bound, text, find) {
      const said = assertionOf(text);
      if (said === undefined) return 'form';
      const challenge = challengeOf(said.response.clientDataJSON);
      if (challenge === undefined || !challenges.use(`get ${bound}`, challenge)) return 'challenge';
      const userId = Buffer.from(said.response.userHandle, 'base64url').toString();
      const passkey = await find(userId, said.id);
      const publicKey =
        passkey === undefined ? (decoy ??= decoyKey()) : new Uint8Array(Buffer.from(passkey.publicKey, 'base64url'));
      const library = await loadLibrary();
      try {
        const { verified, authenticationInfo } = await library.verifyAuthenticationResponse({
          response: said,
          expectedChallenge: challenge,
          expectedOrigin: origin,
          expectedRPID: rpId,
          requireUserVerification: true,
          // The library compares counters before it has verified anything; ours are compared after that.
          credential: { id: said.id, publicKey, counter: 0 },
        });
        if (passkey === undefined) return 'unknown';
        return verified ? { userId, passkey, counter: authenticationInfo.newCounter } : 'unverified';
      } catch {
        return passkey === undefined ? 'unknown' : 'unverified';
      }
    },
  };
}

/**
 * Whether an attestation brings certificates. None were asked for, and the library would fetch the revocation lists that
 * they point to: whoever registers a passkey could send this gateway to any address (SSRF).
 */
function hasCertificates(
  attestationObject: string,
  decode: Awaited<ReturnType<typeof loadLibrary>>['decode'],
): boolean {
  const decoded = decode(new Uint8Array(Buffer.from(attestationObject, 'base64url')));
  const format = decoded.get('fmt');
  if (format === 'none') return false;
  return format !== 'packed' || decoded.get('attStmt').get('x5c') !== undefined;
}

/** The key of nobody, as COSE has it (RFC 9053 §2.1). */
function decoyKey(): Uint8Array<ArrayBuffer> {
  const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
  const [left, right] = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
  const parts = [Buffer.from('a501020326200121', 'hex'), bytesOf(left), Buffer.from('22', 'hex'), bytesOf(right)];
  return new Uint8Array(Buffer.concat(parts));
}

/** 32 bytes as a CBOR byte string. */
const bytesOf = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from('5820', 'hex'), bytes]);

type Members = Readonly<Record<string, unknown>>;

const objectOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};

function parsed(text: string): Members {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return {};
  }
}

/** A text of base64url that is not empty and not longer than that. */
const encoded = (value: unknown, max: number): string | undefined =>
  typeof value === 'string' && value.length <= max && /^[A-Za-z0-9_-]+$/.test(value) ? value : undefined;

const MAX_PART = 16_384;

/** The challenge that a browser says it was asked; undefined also where the page was shown in a frame of another. */
function challengeOf(clientDataJson: string): string | undefined {
  const { challenge, crossOrigin } = parsed(Buffer.from(clientDataJson, 'base64url').toString());
  return crossOrigin === true ? undefined : encoded(challenge, 256);
}

/** What is read of an assertion; all else that a browser says is left out. */
function assertionOf(text: string) {
  const { id, response } = parsed(text);
  const { clientDataJSON, authenticatorData, signature, userHandle } = objectOf(response);
  const parts = {
    id: encoded(id, MAX_ID),
    clientDataJSON: encoded(clientDataJSON, MAX_PART),
    authenticatorData: encoded(authenticatorData, MAX_PART),
    signature: encoded(signature, MAX_PART),
    userHandle: encoded(userHandle, 128),
  };
  return isWhole(parts) ? { ...credentialOf(parts.id), response: parts } : undefined;
}

/** What is read of a registration. */
function registrationOf(text: string) {
  const { id, response } = parsed(text);
  const { clientDataJSON, attestationObject, transports } = objectOf(response);
  const parts = {
    id: encoded(id, MAX_ID),
    clientDataJSON: encoded(clientDataJSON, MAX_PART),
    attestationObject: encoded(attestationObject, MAX_PART),
  };
  if (!isWhole(parts)) return undefined;
  const named = TRANSPORTS.filter((one) => Array.isArray(transports) && transports.includes(one));
  return { ...credentialOf(parts.id), response: parts, transports: named };
}

const isWhole = <T extends Readonly<Record<string, string | undefined>>>(
  parts: T,
): parts is T & { readonly [K in keyof T]: string } => Object.values(parts).every((part) => part !== undefined);

const credentialOf = (id: string) => ({ id, rawId: id, type: 'public-key' as const, clientExtensionResults: {} });
