import type { TraceContext } from '../kernel/trace.ts';
import { traceParentOf } from '../wire/trace-context.ts';

/**
 * The head of a request to upstream, from scratch: nothing of the caller's head goes with it, so no header that
 * vLLM reacts to (priorities, ranks, request ids, SageMaker's) can be smuggled, and never the caller's credential.
 *
 * @param requestId our own id, so that both logs tell of the same request
 * @param contentType undefined where there is no body
 * @param trace ours, or one that is joined: vLLM's own spans go below it
 */
export function upstreamHeaders(
  requestId: string,
  apiKey: string | undefined,
  isStream: boolean,
  contentType: string | undefined,
  trace?: TraceContext,
): string[] {
  const headers = [
    ...(contentType === undefined ? [] : ['content-type', contentType]),
    'accept',
    isStream ? 'text/event-stream' : 'application/json',
    'x-request-id',
    requestId,
  ];
  if (trace !== undefined) headers.push(...traceHeaders(trace));
  if (apiKey !== undefined && apiKey !== '') headers.push('authorization', `Bearer ${apiKey}`);
  return headers;
}

/** Names and values that tell upstream of the trace (W3C Trace Context). `baggage` is never among them. */
export const traceHeaders = (trace: TraceContext): readonly string[] => [
  ...['traceparent', traceParentOf(trace)],
  ...(trace.state === undefined ? [] : ['tracestate', trace.state]),
];
