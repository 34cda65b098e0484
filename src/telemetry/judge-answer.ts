import type { PostResult } from './delivery.ts';

/** An answer of a collector, or why there was none. */
export type CollectorAnswer =
  | { readonly status: number; readonly retryAfter: string | undefined; readonly text: string }
  | { readonly fault: string };

/** Statuses after which a client tries again (OTLP specification, "Retryable Response Codes"). */
const RETRYABLE = new Set([429, 502, 503, 504]);

/**
 * What an answer means. What a collector says in words goes nowhere: it may repeat what it was sent.
 *
 * @param counted name of the member that counts what was rejected: `rejectedSpans`
 * @param sent items that were in the request
 */
export function judgeAnswer(answer: CollectorAnswer, counted: string, sent: number): PostResult {
  if ('fault' in answer) return { kind: 'later', why: answer.fault, afterMs: undefined };
  const { status, retryAfter, text } = answer;
  if (status >= 200 && status < 300) return { kind: 'taken', rejected: Math.min(rejectedIn(text, counted), sent) };
  const why = `the collector answered ${status}`;
  if (!RETRYABLE.has(status)) return { kind: 'refused', why };
  return { kind: 'later', why, afterMs: /^\d{1,5}$/.test(retryAfter ?? '') ? Number(retryAfter) * 1000 : undefined };
}

/** `partialSuccess` of an answer; 64-bit integers are texts there, or numbers. */
function rejectedIn(text: string, counted: string): number {
  const count = text.includes(counted) ? new RegExp(`"${counted}"\\s*:\\s*"?(\\d{1,9})"?`).exec(text)?.[1] : undefined;
  return count === undefined ? 0 : Number(count);
}
