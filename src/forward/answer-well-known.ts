import type { JsonObject } from '../kernel/json.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import type { Forward } from '../kernel/stage.ts';
import { responseHeaders, sendDenial } from '../wire/answer.ts';

/**
 * Answers the documents under `/.well-known/` (RFC 8615) that there are; all other names are not there.
 *
 * @param documents those that there are now, by path
 */
export function createAnswerWellKnown(documents: () => ReadonlyMap<string, JsonObject>): Forward<'head' | 'peer'> {
  return (x, _, done) => {
    const open = { ...x, requestLimits: undefined };
    const refuse = (denial: Denial, status: number): void => {
      sendDenial(open, denial);
      done({ kind: 'denial', status, code: denial.code, firstByteMs: undefined, upstream: undefined });
    };
    const document = documents().get(x.head.path);
    if (document === undefined) return refuse(deny('unknown_route'), 404);
    if (x.head.method !== 'GET' && x.head.method !== 'HEAD') {
      return refuse(deny('method_not_allowed', { allow: 'GET, HEAD' }), 405);
    }
    x.downstream.answer(200, [...responseHeaders(open), 'content-type', 'application/json'], JSON.stringify(document));
    done({ kind: 'answer', status: 200, code: undefined, firstByteMs: undefined, upstream: undefined });
  };
}
