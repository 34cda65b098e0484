/**
 * The head of a request to upstream, from scratch: nothing of the caller's head goes with it, so no header that
 * vLLM reacts to (priorities, ranks, request ids, SageMaker's) can be smuggled, and never the caller's credential.
 *
 * @param requestId our own id, so that both logs tell of the same request
 */
export function upstreamHeaders(
  requestId: string,
  apiKey: string | undefined,
  isStream: boolean,
  contentType = 'application/json',
): string[] {
  const headers = [
    'content-type',
    contentType,
    'accept',
    isStream ? 'text/event-stream' : 'application/json',
    'x-request-id',
    requestId,
  ];
  if (apiKey !== undefined && apiKey !== '') headers.push('authorization', `Bearer ${apiKey}`);
  return headers;
}
