import type { Upstream, UpstreamRequest } from '../kernel/transport.ts';

/** A whole answer to one of the gateway's own requests. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly text: string;
}

const MAX_BYTES = 4 * 1024 * 1024;

/** The connection failed, broke or timed out; `message` is the fault. */
export class UpstreamFailed extends Error {
  readonly code = 'upstream_failed';
}

/** Sends one of the gateway's own requests and reads its whole answer. @throws UpstreamFailed */
export function askUpstream(upstream: Upstream, request: UpstreamRequest): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let bytes = 0;
    const parts: Buffer[] = [];
    const call = upstream.send(request, {
      head(head) {
        status = head.status;
      },
      chunk(chunk) {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) {
          call.abort();
          reject(new Error('the answer is too large'));
        }
        parts.push(Buffer.from(chunk));
        return true;
      },
      end: () => resolve({ status, text: Buffer.concat(parts).toString() }),
      fault: (fault) => reject(new UpstreamFailed(fault)),
    });
  });
}
