/**
 * Where a request stands in a trace (W3C Trace Context, level 2). Ids are lower-case hexadecimal, of 32 and 16 digits.
 */
export interface TraceContext {
  readonly traceId: string;
  /** Of the request itself; its last bit is 0. The call to upstream has the same id with that bit set. */
  readonly spanId: string;
  /** Of who has called, where its trace is joined. */
  readonly parentSpanId: string | undefined;
  /** Whether the trace is kept whatever becomes of it. */
  readonly isSampled: boolean;
  /** Whether the trace id is random enough to choose by (level 2, `random`). */
  readonly isRandom: boolean;
  /** `tracestate` of who has called, as it goes on. */
  readonly state: string | undefined;
}

/** Id of the call to upstream that a request makes. */
export const callSpanId = (spanId: string): string =>
  spanId.slice(0, -1) + (Number.parseInt(spanId.slice(-1), 16) | 1).toString(16);
