import type { Forward } from '../kernel/stage.ts';
import { responseHeaders } from '../wire/answer.ts';

/** Answers the preflight of a listed origin (Fetch standard, CORS protocol): which methods and headers its pages may use. */
export function createAnswerPreflight(): Forward<'head' | 'peer'> {
  return (x, _, done) => {
    const asked = x.head.headers.get('access-control-request-headers')?.replace(/[^A-Za-z0-9,\- ]/g, '');
    const headers = responseHeaders({ ...x, requestLimits: undefined });
    headers.push('access-control-allow-methods', 'GET, POST, OPTIONS');
    headers.push('access-control-allow-headers', asked ?? 'authorization, content-type');
    headers.push('access-control-max-age', '600');
    x.downstream.writeHead(204, headers, undefined);
    x.downstream.end();
    done({ kind: 'answer', status: 204, code: undefined, firstByteMs: undefined, upstream: undefined });
  };
}
