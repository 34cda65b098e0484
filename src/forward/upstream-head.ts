/**
 * The head of a request to upstream, from scratch: nothing of the caller's head goes with it, so no header that
 * vLLM reacts to (priorities, ranks, request ids, SageMaker's) can be smuggled, and never the caller's credential.
 *
 * @param requestId our own id, so that both logs tell of the same request
 * @param contentType undefined where there is no body
 */
export function upstreamHeaders(
  requestId: string,
  apiKey: string | undefined,
  isStream: boolean,
  contentType: string | undefined,
): string[] {
  const headers = [
    ...(contentType === undefined ? [] : ['content-type', contentType]),
    'accept',
    isStream ? 'text/event-stream' : 'application/json',
    'x-request-id',
    requestId,
  ];
  if (apiKey !== undefined && apiKey !== '') headers.push('authorization', `Bearer ${apiKey}`);
  return headers;
}
