import { createHash } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import { deny, type Denial } from '../kernel/reasons.ts';

/** Answers of operations that were asked with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header). */
export interface IdempotentAnswers<Answer extends object> {
  /**
   * Does the work once for a key: the same request again, also one that comes while the first one runs, gets the same
   * answer. What failed is not kept, so that it can be tried again.
   *
   * @param who tells callers apart, who may choose the same key
   * @param request everything that makes two requests the same
   */
  once(
    key: string,
    who: string,
    request: string,
    isGood: (answer: Answer) => boolean,
    work: () => Promise<Answer>,
  ): Promise<Answer | Denial>;
}

const KEEP_MS = 600_000;
/** Answers hold a value that is shown once: they are kept in memory only, few and not for long. */
const MOST = 1_000;

/** Keeps answers for 10 minutes, 1000 at most; then the oldest goes. */
export function createIdempotentAnswers<Answer extends object>(clock: Clock): IdempotentAnswers<Answer> {
  const kept = new Map<
    string,
    { readonly digest: string; readonly untilMs: number; readonly answer: Promise<Answer> }
  >();

  /** Forgets what is too old, and the oldest until at most `most` are left. They lie in the order of their ages. */
  function forget(most: number): void {
    const nowMs = clock.monotonicMs();
    for (const [name, { untilMs }] of kept) {
      if (untilMs > nowMs && kept.size <= most) return;
      kept.delete(name);
    }
  }

  return {
    async once(key, who, request, isGood, work) {
      if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
        const message = 'Idempotency-Key must be 1 to 255 visible ASCII characters.';
        return deny('invalid_request', { message });
      }
      const name = `${who} ${key}`;
      const digest = createHash('sha256').update(request).digest('base64');
      forget(MOST);
      const before = kept.get(name);
      if (before !== undefined) {
        const message = 'This Idempotency-Key was used with another request. Choose a new one.';
        return before.digest === digest ? before.answer : deny('conflict', { message });
      }
      forget(MOST - 1);
      const answer = work();
      const entry = { digest, untilMs: clock.monotonicMs() + KEEP_MS, answer };
      kept.set(name, entry);
      const forgetThis = (): void => {
        if (kept.get(name) === entry) kept.delete(name);
      };
      answer.then((value) => isGood(value) || forgetThis(), forgetThis);
      return answer;
    },
  };
}
