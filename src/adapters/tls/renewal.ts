/** Life of a self-signed leaf: below the 398 days that clients accept, renewed at two thirds. */
export const LEAF_LIFE_MS = 90 * 86_400_000;

/**
 * Tells whether a certificate should be renewed: two thirds of its life are gone, or by this clock it has not begun.
 * Pure; all times in milliseconds since the epoch.
 */
export function isDue(notBeforeMs: number, notAfterMs: number, nowMs: number): boolean {
  return nowMs < notBeforeMs || nowMs >= notBeforeMs + ((notAfterMs - notBeforeMs) * 2) / 3;
}
