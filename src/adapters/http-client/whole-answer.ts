import type { Clock } from '../../kernel/clock.ts';
import type { Upstream, UpstreamRequest } from '../../kernel/transport.ts';

/** An answer with its whole body; or why there was none. */
export type WholeAnswer =
  | { readonly status: number; readonly retryAfter: string | undefined; readonly text: string }
  | { readonly fault: string };

/** Bounds of an answer. */
export interface AnswerBounds {
  /** For the whole of it: a byte now and then must not keep it open. */
  readonly totalMs: number;
  readonly maxBytes: number;
}

/** Asks once. Resolves within its time, whatever the other side does, and never rejects; no redirect is followed. */
export type AskOnce = (request: UpstreamRequest) => Promise<WholeAnswer>;

/** Asks another server for answers that are read whole. */
export function createAskOnce(upstream: Upstream, clock: Clock, { totalMs, maxBytes }: AnswerBounds): AskOnce {
  return (request) =>
    new Promise((resolve) => {
      let status = 0;
      let retryAfter: string | undefined;
      let bytes = 0;
      const parts: Buffer[] = [];
      const late = clock.after(totalMs, () => {
        call.abort();
        resolve({ fault: 'timeout' });
      });
      const end = (answer: WholeAnswer): void => {
        late.cancel();
        resolve(answer);
      };
      const call = upstream.send(request, {
        head(head) {
          status = head.status;
          retryAfter = head.header('retry-after');
        },
        chunk(chunk) {
          bytes += chunk.length;
          if (bytes <= maxBytes) parts.push(Buffer.from(chunk));
          else {
            call.abort();
            end({ fault: 'the answer is too large' });
          }
          return true;
        },
        end: () => end({ status, retryAfter, text: Buffer.concat(parts).toString() }),
        fault: (fault) => end({ fault }),
      });
    });
}
