import type { Clock } from '../kernel/clock.ts';
import { GRACE_MS } from './model-adapter.ts';

/** Who has asked to refresh, and for what: only the same question gets the same answer (RT-09). */
export interface RefreshQuestion {
  readonly client: string;
  readonly refreshToken: string;
  readonly scope: string | undefined;
  readonly resource: string | undefined;
  /** Thumbprint of the key that the request was proven with. */
  readonly jkt: string | undefined;
}

/** The answers of the last moments, for clients that ask twice: a double click, or an answer that was lost on the way. */
export interface RefreshGrace {
  /** Notes the answer to a question. */
  note(question: RefreshQuestion, answer: object): void;
  /** The answer that the same question got; waits a moment for one that is under way. Undefined where there is none. */
  answerTo(question: RefreshQuestion): Promise<object | undefined>;
}

/** Answers that are kept at once; each has two tokens in it, in memory alone. */
const MAX_KEPT = 10_000;
/** How long the answer of another request is waited for. */
const WAIT_MS = 3_000;

/** An empty memory. */
export function createRefreshGrace(clock: Clock): RefreshGrace {
  const answers = new Map<string, object>();
  const waiting = new Map<string, Set<(answer: object | undefined) => void>>();
  return {
    note(question, answer) {
      const key = keyOf(question);
      for (const tell of waiting.get(key) ?? []) tell(answer);
      waiting.delete(key);
      if (answers.size >= MAX_KEPT) return;
      answers.set(key, answer);
      clock.after(GRACE_MS, () => answers.delete(key));
    },
    answerTo(question) {
      const key = keyOf(question);
      const known = answers.get(key);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve) => {
        const all = waiting.get(key) ?? new Set();
        const timer = clock.after(WAIT_MS, () => {
          all.delete(resolve);
          resolve(undefined);
        });
        all.add((answer) => {
          timer.cancel();
          resolve(answer);
        });
        waiting.set(key, all);
      });
    },
  };
}

const keyOf = ({ client, refreshToken, scope, resource, jkt }: RefreshQuestion): string =>
  JSON.stringify([client, refreshToken, scope ?? null, resource ?? null, jkt ?? null]);
