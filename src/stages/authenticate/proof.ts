import { createHmac, hash } from 'node:crypto';
import { isSameDigest } from '../../directory/api-key.ts';
import { algorithmOf } from '../../jwt/algorithms.ts';
import { parseCompactJws } from '../../jwt/compact.ts';
import { keyOf, publicKeysOf } from '../../jwt/key-set.ts';
import { thumbprintOf } from '../../jwt/thumbprint.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { ReplaySet } from '../../limits/replay-set.ts';
import type { Shown } from './methods/method.ts';

/** Whether a request proves that its sender holds the key with this thumbprint. */
export type ProofJudge = (jkt: string, shown: Shown) => Denial | undefined;

/** Algorithms of proofs, in the order in which we would have them. */
export const PROOF_ALGORITHMS: readonly string[] = ['ES256', 'EdDSA', 'Ed25519', 'ES384', 'PS256', 'RS256', 'ES512'];

const MAX_PROOF_CHARS = 4096;
const MAX_JTI_CHARS = 256;
/** How old a proof may be, and how far ahead of our clock (RFC 9449 §11.1). */
const MAX_AGE_MS = 60_000;
const MAX_AHEAD_MS = 10_000;
/** A nonce is good for the slot that it was made in and the next one. */
const NONCE_SLOT_MS = 60_000;

/**
 * Judges DPoP proofs (RFC 9449 §4.3). Each is good once, for one method and address, within a minute by our clock; a caller
 * whose clock is wrong gets a nonce, with which the time in the proof counts no more (§8).
 *
 * @param publicUrl the address by which callers know us: never the Host header, which they choose
 * @param nonceKey secret of all threads
 */
export function createProofJudge({
  publicUrl,
  nonceKey,
  replays,
  clock,
}: {
  readonly publicUrl: string;
  readonly nonceKey: Uint8Array;
  readonly replays: ReplaySet;
  readonly clock: Clock;
}): ProofJudge {
  const nonceAt = (slot: number): string =>
    createHmac('sha256', nonceKey).update(`dpop-nonce ${slot}`).digest('base64url').slice(0, 22);
  const slotNow = (): number => Math.floor(clock.nowMs() / NONCE_SLOT_MS);

  function isGoodNonce(nonce: string): boolean {
    const slot = slotNow();
    const sent = Buffer.from(nonce);
    return [slot, slot - 1].some((one) => isSameDigest(sent, Buffer.from(nonceAt(one))));
  }

  const wrong = (why: string): Denial =>
    deny('invalid_credential', { why: `proof: ${why}`, message: WRONG_PROOF, dpop: { error: 'invalid_dpop_proof' } });
  const wantsNonce = (): Denial =>
    deny('invalid_credential', {
      why: 'proof: nonce',
      message: WANTS_NONCE,
      dpop: { error: 'use_dpop_nonce', nonce: nonceAt(slotNow()) },
    });

  return (jkt, shown) => {
    const { proof } = shown;
    if (proof === undefined) return wrong('missing');
    const jws = proof.length <= MAX_PROOF_CHARS ? parseCompactJws(proof) : undefined;
    if (jws === undefined) return wrong('no compact JWS');
    const { typ, alg, jwk, crit } = jws.header;
    if (typeof typ !== 'string' || typ.toLowerCase().replace(/^application\//, '') !== 'dpop+jwt') return wrong('typ');
    const algorithm = algorithmOf(alg, PROOF_ALGORITHMS);
    if (algorithm === undefined) return wrong('alg');
    if (crit !== undefined) return wrong('crit');
    const publicJwk = publicJwkOf(jwk);
    const key = publicJwk === undefined ? undefined : keyOf(publicJwk);
    if (publicJwk === undefined || key === undefined || !algorithm.fits(key)) return wrong('jwk');
    if (thumbprintOf(publicJwk) !== jkt) return wrong('another key');
    const { htm, htu, iat, jti, ath, nonce } = jws.payload;
    if (htm !== shown.method) return wrong('htm');
    if (typeof htu !== 'string' || !isSameAddress(htu, `${publicUrl}${shown.path}`)) return wrong('htu');
    if (ath !== hash('sha256', shown.value, 'base64url')) return wrong('ath');
    if (typeof jti !== 'string' || jti.length === 0 || jti.length > MAX_JTI_CHARS) return wrong('jti');
    if (typeof iat !== 'number') return wrong('iat');
    if (!algorithm.verify(jws.signingInput, key, jws.signature)) return wrong('signature');
    const nowMs = clock.nowMs();
    if (nonce !== undefined) {
      if (typeof nonce !== 'string' || !isGoodNonce(nonce)) return wantsNonce();
    } else if (iat * 1000 < nowMs - MAX_AGE_MS || iat * 1000 > nowMs + MAX_AHEAD_MS) return wantsNonce();
    // Kept as long as the proof could pass again, by its time or by its nonce.
    if (!replays.add(`${jkt} ${jti}`, nowMs + MAX_AGE_MS + MAX_AHEAD_MS + NONCE_SLOT_MS, nowMs)) return wrong('replay');
    return undefined;
  };
}

/** The JWK of a proof where it is public and usable; a proof that shows a private key is none. */
function publicJwkOf(jwk: unknown): JsonObject | undefined {
  return publicKeysOf({ keys: [jwk as JsonObject] })[0];
}

/** Whether two addresses are the same after normalisation (RFC 3986 §6.2), query and fragment left out (RFC 9449 §4.3). */
function isSameAddress(htu: string, own: string): boolean {
  const [a, b] = [URL.parse(htu), URL.parse(own)];
  if (a === null || b === null || a.username !== '' || a.password !== '') return false;
  return a.origin === b.origin && a.pathname === b.pathname;
}

const WRONG_PROOF =
  'The DPoP proof is not valid. Send a new proof with each request: for its method and URL, with ath, by the key of the token.';
const WANTS_NONCE = 'The DPoP proof is too old or lacks the nonce. Repeat it with the nonce of the DPoP-Nonce header.';
