import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';

/** Challenges that are answered once (WebAuthn §13.4.3). */
export interface Challenges {
  /** A new one, base64url. @param bound the browser's way and the purpose that it is for; it is good for nothing else */
  make(bound: string): string;
  /** Uses one up; true for one of all who bring it, as long as it lives and for what it was made. */
  use(bound: string, challenge: string): boolean;
}

/** How long a challenge can be answered. */
export const CHALLENGE_MS = 5 * 60_000;

const NONCE_BYTES = 16;
const HEAD_BYTES = NONCE_BYTES + 6;
const TAG_BYTES = 32;
const SECRET_BYTES = 32;
/** Challenges of five minutes that were used. One more is refused, not forgotten: else it could be used again. */
const MAX_USED = 50_000;

/**
 * Challenges that carry their own proof, under a secret of this process alone: whoever opens pages fills no memory here,
 * and cannot push out those of others. Kept is only which were used.
 */
export function createChallenges(
  clock: Clock,
  randomBytes: (count: number) => Uint8Array,
  maxUsed = MAX_USED,
): Challenges {
  const secret = randomBytes(SECRET_BYTES);
  /** When each one that was used is over, the oldest first. */
  const used = new Map<string, number>();

  const tagOf = (bound: string, head: Uint8Array): Buffer =>
    createHmac('sha256', secret).update(head).update(bound).digest();

  function forgetOver(nowMs: number): void {
    for (const [nonce, untilMs] of used) {
      if (untilMs > nowMs) return;
      used.delete(nonce);
    }
  }

  return {
    make(bound) {
      const head = Buffer.alloc(HEAD_BYTES);
      head.set(randomBytes(NONCE_BYTES));
      head.writeUIntBE(clock.nowMs() + CHALLENGE_MS, NONCE_BYTES, 6);
      return Buffer.concat([head, tagOf(bound, head)]).toString('base64url');
    },
    use(bound, challenge) {
      const bytes = Buffer.from(challenge, 'base64url');
      if (bytes.length !== HEAD_BYTES + TAG_BYTES) return false;
      const head = bytes.subarray(0, HEAD_BYTES);
      if (!timingSafeEqual(bytes.subarray(HEAD_BYTES), tagOf(bound, head))) return false;
      const nowMs = clock.nowMs();
      const untilMs = head.readUIntBE(NONCE_BYTES, 6);
      if (untilMs <= nowMs) return false;
      forgetOver(nowMs);
      const nonce = head.toString('base64url');
      if (used.has(nonce) || used.size >= maxUsed) return false;
      used.set(nonce, untilMs);
      return true;
    },
  };
}
