import { createHmac, timingSafeEqual } from 'node:crypto';

/** Seconds of a step, and digits of a code (RFC 6238 §4, RFC 4226 §5.3): what every authenticator app takes. */
const STEP_S = 30;
const DIGITS = 6;
/** Steps before and after the current one that count: clocks of phones differ (RFC 6238 §5.2). */
const DRIFT = 1;
/** 160 bits, as RFC 4226 §4 recommends. */
export const TOTP_SEED_BYTES = 20;

/**
 * The step that a code belongs to; undefined where it is none of now.
 *
 * @param lastStep the step of the last code that was accepted: none up to it counts again (RFC 6238 §5.2)
 */
export function totpStepOf(
  code: string,
  seed: Uint8Array,
  lastStep: number | undefined,
  nowMs: number,
): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const now = Math.floor(nowMs / 1000 / STEP_S);
  let found: number | undefined;
  // All are computed, so that the time does not tell which one it was.
  for (let step = now - DRIFT; step <= now + DRIFT; step += 1) {
    if (timingSafeEqual(Buffer.from(totpCode(seed, step)), Buffer.from(code)) && step > (lastStep ?? 0)) found = step;
  }
  return found;
}

/** The code of a step (RFC 6238 §4.2, RFC 4226 §5.3). */
export function totpCode(seed: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', seed).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0xf;
  return String((mac.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** DIGITS).padStart(DIGITS, '0');
}

/** The step of a moment. */
export const totpStepAt = (nowMs: number): number => Math.floor(nowMs / 1000 / STEP_S);

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Base32 without padding (RFC 4648 §6), as authenticator apps read seeds. */
export function base32Of(bytes: Uint8Array): string {
  let out = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      out += BASE32[(value >>> (bits - 5)) & 31];
      bits -= 5;
    }
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? out : out + BASE32[(value << (5 - bits)) & 31];
}

/** The link by which an authenticator app takes a seed. */
export function totpUri(seed: Uint8Array, name: string, site: string): string {
  const label = `${encodeURIComponent(site)}:${encodeURIComponent(name)}`;
  return `otpauth://totp/${label}?secret=${base32Of(seed)}&issuer=${encodeURIComponent(site)}&algorithm=SHA1&digits=${DIGITS}&period=${STEP_S}`;
}
