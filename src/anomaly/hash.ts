const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const DOT = 0x2e;

/** FNV-1a of the UTF-16 units of a text: 32 bits, never 0, which marks an empty place. */
export function hashOf(text: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash >>> 0 || 1;
}

/** Hash of a user agent without its numbers: a new release of the same client is no new client. Never 0. */
export function agentHash(userAgent: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < userAgent.length; i++) {
    const unit = userAgent.charCodeAt(i);
    if ((unit >= DIGIT_0 && unit <= DIGIT_9) || unit === DOT) continue;
    hash = Math.imul(hash ^ unit, FNV_PRIME);
  }
  return hash >>> 0 || 1;
}
