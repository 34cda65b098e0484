import type { Clock } from '../../kernel/clock.ts';
import type { Upstream } from '../../kernel/transport.ts';

/** An answer, its body as far as it is kept; or why there was none. */
export type Posted =
  | { readonly status: number; readonly retryAfter: string | undefined; readonly text: string }
  | { readonly fault: string };

/** Posts a body. Resolves within its time, whatever the other side does; no redirect is followed. */
export type Post = (path: string, headers: readonly string[], body: string) => Promise<Posted>;

/** More of an answer is not read: what is said there fits in less. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** @param timeoutMs for the whole of it: a byte now and then must not keep it open */
export function createPost(upstream: Upstream, clock: Clock, timeoutMs: number): Post {
  return (path, headers, body) =>
    new Promise((resolve) => {
      let status = 0;
      let retryAfter: string | undefined;
      let bytes = 0;
      const parts: Buffer[] = [];
      const end = (posted: Posted): void => {
        late.cancel();
        resolve(posted);
      };
      const late = clock.after(timeoutMs, () => {
        call.abort();
        resolve({ fault: 'timeout' });
      });
      const call = upstream.send(
        { method: 'POST', path, headers, body },
        {
          head(head) {
            status = head.status;
            retryAfter = head.header('retry-after');
          },
          chunk(chunk) {
            bytes += chunk.length;
            if (bytes <= MAX_ANSWER_BYTES) parts.push(Buffer.from(chunk));
            else {
              call.abort();
              end({ fault: 'the answer is too large' });
            }
            return true;
          },
          end: () => end({ status, retryAfter, text: Buffer.concat(parts).toString() }),
          fault: (fault) => end({ fault }),
        },
      );
    });
}
