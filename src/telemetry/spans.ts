import type { RequestRecord } from '../kernel/record.ts';
import { callSpanId } from '../kernel/trace.ts';
import { ATTRIBUTE } from './names.ts';
import { keyValuesOf, nanosOf, SPAN_KIND, STATUS_ERROR, type Attributes, type Span } from './otlp.ts';
import { callAttributes, isFailed, methodOf, operationOf, type Surroundings } from './subject.ts';

const SAMPLED = 0x001;
/** The parent is known to be here, or elsewhere (`SpanFlags`). */
const PARENT_IS_KNOWN = 0x100;
const PARENT_IS_REMOTE = 0x200;

/**
 * The spans of a request: what its caller saw, and below it the call to upstream, if there was one. None where no trace was
 * begun. Says who by ids of ours only: neither prompts nor answers, no credential, no name or address of a person.
 */
export function spansOf(record: RequestRecord, around: Surroundings): readonly Span[] {
  const { traceId, spanId } = record;
  if (traceId === undefined || spanId === undefined) return [];
  const server = serverSpan(record, around, traceId, spanId);
  return record.upstream === undefined ? [server] : [server, callSpan(record, around, traceId, spanId)];
}

function serverSpan(record: RequestRecord, around: Surroundings, traceId: string, spanId: string): Span {
  const route = around.routes.get(record.route ?? '')?.path;
  const method = methodOf(record);
  const { parentSpanId } = record;
  return {
    ...{ traceId, spanId, ...(parentSpanId === undefined ? {} : { parentSpanId }) },
    flags: flagsOf(record) | (parentSpanId === undefined ? 0 : PARENT_IS_KNOWN | PARENT_IS_REMOTE),
    name: route === undefined ? method : `${method} ${route}`,
    kind: SPAN_KIND.server,
    startTimeUnixNano: nanosOf(record.timeMs - record.durationMs),
    endTimeUnixNano: nanosOf(record.timeMs),
    attributes: keyValuesOf({
      [ATTRIBUTE.httpMethod]: method,
      [ATTRIBUTE.httpRoute]: route,
      // The path of a route that is not open may be any text, and somebody may have put a secret in it.
      [ATTRIBUTE.urlPath]: route,
      [ATTRIBUTE.httpStatus]: record.status,
      [ATTRIBUTE.errorType]: record.code,
      ...whoOf(record),
    }),
    status: statusOf(record),
  };
}

const whoOf = (record: RequestRecord): Attributes => ({
  [ATTRIBUTE.requestId]: record.requestId,
  [ATTRIBUTE.outcome]: record.outcome,
  [ATTRIBUTE.tenant]: withoutAddress(record.tenant),
  [ATTRIBUTE.apiKey]: record.keyId,
  [ATTRIBUTE.oauthClient]: withoutAddress(record.clientId),
});

/** Issuers may name tenants and clients by e-mail addresses, which are people. */
const withoutAddress = (text: string | undefined): string | undefined =>
  text?.includes('@') === true ? undefined : text;

function callSpan(record: RequestRecord, around: Surroundings, traceId: string, spanId: string): Span {
  const operation = operationOf(record, around);
  return {
    ...{ traceId, spanId: callSpanId(spanId), parentSpanId: spanId },
    flags: flagsOf(record) | PARENT_IS_KNOWN,
    name: nameOfCall(record, around, operation),
    kind: SPAN_KIND.client,
    // Sockets do not say when upstream was asked: they ask as soon as they are there.
    startTimeUnixNano: nanosOf(record.timeMs - (record.upstreamMs ?? record.durationMs)),
    endTimeUnixNano: nanosOf(record.timeMs),
    attributes: keyValuesOf({
      ...callAttributes(record, around),
      [ATTRIBUTE.upstream]: record.upstream,
      [ATTRIBUTE.isStream]: record.isStream,
      [ATTRIBUTE.inputTokens]: record.promptTokens,
      [ATTRIBUTE.outputTokens]: record.completionTokens,
      [ATTRIBUTE.cachedTokens]: record.cachedTokens,
      [ATTRIBUTE.firstByte]: record.firstByteMs === undefined ? undefined : record.firstByteMs / 1000,
      [ATTRIBUTE.errorType]: record.code,
    }),
    status: statusOf(record),
  };
}

function nameOfCall(record: RequestRecord, around: Surroundings, operation: string | undefined): string {
  if (operation !== undefined) return record.model === undefined ? operation : `${operation} ${record.model}`;
  return `${methodOf(record)} ${around.routes.get(record.route ?? '')?.path ?? ''}`.trimEnd();
}

const flagsOf = ({ isSampled }: RequestRecord): number => (isSampled === true ? SAMPLED : 0);

const statusOf = (record: RequestRecord): { code?: number } => (isFailed(record) ? { code: STATUS_ERROR } : {});
