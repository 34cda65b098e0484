import type { Exchange, Has, InferenceRequest } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { BodyCaller } from '../../vllm/fields/body.ts';

/**
 * The request for a stored response: read or cancelled by the id in its path, without a body. Denies with 404
 * `unknown_response` every id that was not made for this caller, before anything is asked for: vLLM gives a response
 * to whoever knows its id.
 */
export function storedResponseRequest(
  { head, downstream }: Exchange & Has<'head'>,
  { openResponse }: BodyCaller,
): InferenceRequest | Denial {
  const held = openResponse(head.path.split('/')[ID_AT] ?? '');
  if (held === undefined) return deny('unknown_response');
  // Queries are dropped elsewhere. An SDK that asks so takes JSON for a stream that is empty, and nobody is told.
  if (asksForStream(downstream.head.target)) return deny('invalid_request', { param: 'stream', message: NO_STREAM });
  return { model: held.model, body: {}, isStream: false, wantsUsage: true, adjusted: [], output: undefined, held };
}

/** Where the id stands in `/v1/responses/{response_id}`, cut at its slashes. */
const ID_AT = 3;
const NO_STREAM =
  'A stored response is not given as a stream. Ask for it without stream=true, again until it has ended.';

function asksForStream(target: string): boolean {
  const queryAt = target.indexOf('?');
  return queryAt >= 0 && new URLSearchParams(target.slice(queryAt)).getAll('stream').some((value) => value !== 'false');
}
