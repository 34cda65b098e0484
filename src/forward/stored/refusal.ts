import type { RouteFamily } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import { denialOfUpstream, isModelMissing } from '../upstream-refusal.ts';

/** The refusal of a response that is not there: the same words wherever that was found out. */
export const unknownResponse = (family: RouteFamily): Denial =>
  family === 'stored-response' ? deny('unknown_response') : deny('unknown_response', { param: 'previous_response_id' });

/** Our own words for an answer of vLLM that is no success, to a request that reads, cancels or continues a response. */
export function denialOfHeld(status: number, text: string, family: RouteFamily): Denial {
  if (status === 404 && (family === 'stored-response' || !isModelMissing(text))) return unknownResponse(family);
  if (status === 400 && family === 'stored-response') return deny('invalid_request', { message: NOT_RUNNING });
  return denialOfUpstream(status, text);
}

const NOT_RUNNING = 'Only a response that was asked for with background: true and has not ended yet can be cancelled.';
