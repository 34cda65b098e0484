/** Everything about when to ask a CA. Pure; all times in milliseconds since the epoch, `random` in [0, 1). */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIRST_RETRY_MS = 60_000;
/** What a CA that speaks of a rate limit without a time means at least. */
const RATE_LIMITED_MS = HOUR_MS;
/** Orders in an hour, failed or not and over restarts: below what public CAs allow for one name. */
export const MAX_ORDERS_AN_HOUR = 5;

/** What is remembered between attempts, over restarts, too. */
export interface Attempts {
  /** Failures since the last success. */
  readonly failures: number;
  /** No order before this. */
  readonly retryAtMs: number;
  /** When orders were made, newest last; older ones than an hour are dropped. */
  readonly ordersAtMs: readonly number[];
}

/** Nothing was tried yet. */
export const NO_ATTEMPTS: Attempts = { failures: 0, retryAtMs: 0, ordersAtMs: [] };

/**
 * When a certificate is to be renewed: a moment of the CA's window (RFC 9773 §4.2) where there is one, else a little
 * after two thirds of its life. The same `random` gives the same moment, so that it comes from the certificate itself.
 */
export function renewalAtMs(
  { notBeforeMs, notAfterMs }: { readonly notBeforeMs: number; readonly notAfterMs: number },
  window: { readonly startMs: number; readonly endMs: number } | undefined,
  random: number,
): number {
  if (window !== undefined) return window.startMs + (window.endMs - window.startMs) * random;
  const lifeMs = notAfterMs - notBeforeMs;
  // Machines that were set up together would else ask together for ever.
  return notBeforeMs + lifeMs * (2 / 3 + random / 20);
}

/** The earliest moment for an order: after the back-off, and below the orders of an hour. */
export function orderAtMs({ retryAtMs, ordersAtMs }: Attempts, nowMs: number): number {
  const lately = recent(ordersAtMs, nowMs);
  const first = lately.length < MAX_ORDERS_AN_HOUR ? undefined : lately.at(-MAX_ORDERS_AN_HOUR);
  return Math.max(nowMs, Math.min(retryAtMs, nowMs + 8 * DAY_MS), first === undefined ? 0 : first + HOUR_MS);
}

/** Remembers that an order is being made: before it is, so that a crash cannot forget it. */
export function afterOrder(attempts: Attempts, nowMs: number): Attempts {
  return { ...attempts, ordersAtMs: [...recent(attempts.ordersAtMs, nowMs), nowMs] };
}

/** Remembers a failure: a minute, doubled with each, up to a day; longer where the CA says so. */
export function afterFailure(
  attempts: Attempts,
  problem: { readonly isRateLimited: boolean; readonly retryAfterMs: number | undefined },
  random: number,
  nowMs: number,
): Attempts {
  const failures = attempts.failures + 1;
  const backOffMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 20), DAY_MS) * (1 + random / 4);
  const askedMs = problem.retryAfterMs ?? (problem.isRateLimited ? RATE_LIMITED_MS : 0);
  return { ...attempts, failures, retryAtMs: nowMs + Math.max(backOffMs, askedMs) };
}

/** Remembers a success; the orders stay counted. */
export function afterSuccess(attempts: Attempts): Attempts {
  return { ...attempts, failures: 0, retryAtMs: 0 };
}

/** Times of the last hour. Of the future, where a clock was set back, they count as now: they must not stop all for good. */
function recent(ordersAtMs: readonly number[], nowMs: number): number[] {
  return ordersAtMs.filter((atMs) => nowMs - atMs < HOUR_MS).map((atMs) => Math.min(atMs, nowMs));
}
