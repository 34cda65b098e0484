import { reasons, type Denial } from '../kernel/reasons.ts';

/** The body of a refusal in the form of OpenAI's API: `{"error":{"message","type","param","code","request_id"}}`. */
export function openaiError(denial: Denial, requestId: string): string {
  return JSON.stringify({ error: errorOf(denial, requestId) });
}

/**
 * The event of a refusal on `/v1/realtime`: the same error as a member of OpenAI's `error` event, and the code again where
 * clients of vLLM read it.
 */
export function realtimeError(denial: Denial, requestId: string): string {
  return JSON.stringify({ type: 'error', error: errorOf(denial, requestId), code: denial.code });
}

const errorOf = (denial: Denial, requestId: string): object => ({
  message: denial.message,
  type: openaiType(reasons[denial.code].status),
  param: denial.param,
  code: denial.code,
  request_id: requestId,
});

/** `error.type` as OpenAI's API gives it for a status. */
function openaiType(status: number): string {
  if (status >= 500) return 'server_error';
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return 'invalid_request_error';
}
