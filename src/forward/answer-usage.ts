import type { Exchange, Has } from '../kernel/exchange.ts';
import { deny } from '../kernel/reasons.ts';
import type { Forward } from '../kernel/stage.ts';
import type { LimitView } from '../limits/standing.ts';
import { responseHeaders, sendDenial } from '../wire/answer.ts';

type Needs = 'head' | 'peer' | 'principal' | 'requestLimits';

/** Answers `GET /v1/usage` with the caller's own limits and how full they are. */
export function createAnswerUsage(
  viewsOf: (x: Exchange & Has<Needs>) => Promise<readonly LimitView[]>,
): Forward<Needs> {
  return (x, _, done, onFault) => {
    const end = { firstByteMs: undefined, upstream: undefined } as const;
    if (x.head.method !== 'GET') {
      sendDenial(x, deny('method_not_allowed', { allow: 'GET' }));
      return done({ ...end, kind: 'denial', status: 405, code: 'method_not_allowed' });
    }
    const answer = (views: readonly LimitView[]): void => {
      const body = JSON.stringify(usageOf(x.principal.tenant, views));
      const headers = responseHeaders(x);
      headers.push('content-type', 'application/json');
      x.downstream.answer(200, headers, body);
      done({ ...end, kind: 'answer', status: 200, code: undefined });
    };
    const failed = (error: unknown): void => {
      onFault(error);
      sendDenial(x, deny('store_unavailable'));
      done({ ...end, kind: 'fault', status: 503, code: 'store_unavailable' });
    };
    // Whatever goes wrong here: nobody above us could catch it, and it would end the worker with all its streams.
    viewsOf(x).then(answer).catch(failed).catch(onFault);
  };
}

const usageOf = (tenant: string, views: readonly LimitView[]) => ({
  object: 'usage',
  tenant,
  limits: views.map(({ limit, max, used, remaining, resetsAtMs }) => ({
    name: limit.name,
    counts: limit.unit,
    per: limit.per ?? null,
    limit: max,
    used,
    remaining,
    resets_at: resetsAtMs === undefined ? null : new Date(resetsAtMs).toISOString(),
  })),
});
