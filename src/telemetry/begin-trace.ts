import type { TraceContext } from '../kernel/trace.ts';
import { addressMatcher } from '../wire/address.ts';
import { parseTraceParent, parseTraceState, type TraceParent } from '../wire/trace-context.ts';
import { isChosen } from './sampling.ts';

/** What beginning traces goes by. */
export interface TraceOptions {
  /** Part of the traces that is chosen. */
  readonly ratio: number;
  /** Networks whose trace context is joined. */
  readonly trustedContext: readonly string[];
}

/** Begins the trace of a request, or joins the one that its peer is in. */
export type BeginTrace = (peerAddress: string, headers: ReadonlyMap<string, string>) => TraceContext;

/** Random bytes of one request: 16 of a trace, 8 of a span. */
const UNIT = 24;
/** Requests for which one call of the operating system is made. */
const UNITS = 400;
const DIGITS = 2 * UNIT;
const TRACE_DIGITS = 32;

/**
 * Only whom the operator has named may say which trace a request is in: anybody else could choose what is kept, write into the
 * traces of others, and have vLLM log a text of theirs. It is the other end of the connection that is judged, not the address
 * that a proxy tells: the header is that one's word.
 *
 * @param fillRandom fills the bytes with randomness
 */
export function createBeginTrace(options: TraceOptions, fillRandom: (bytes: Buffer) => void): BeginTrace {
  const isTrusted = options.trustedContext.length === 0 ? () => false : addressMatcher(options.trustedContext);
  const next = createIds(fillRandom);

  function joined(headers: ReadonlyMap<string, string>, parent: TraceParent): TraceContext {
    const state = headers.get('tracestate');
    const { spanId } = next();
    return { ...parent, spanId, state: state === undefined ? undefined : parseTraceState(state) };
  }

  return (peerAddress, headers) => {
    const text = headers.get('traceparent');
    const parent = text !== undefined && isTrusted(peerAddress) ? parseTraceParent(text) : undefined;
    if (parent !== undefined) return joined(headers, parent);
    const { traceId, spanId } = next();
    return {
      traceId,
      spanId,
      parentSpanId: undefined,
      isSampled: isChosen(traceId, options.ratio),
      isRandom: true,
      state: undefined,
    };
  };
}

const NO_TRACE = '0'.repeat(TRACE_DIGITS);
const NO_SPAN = '0'.repeat(DIGITS - TRACE_DIGITS);

/** Ids of a request: never all zero, which would be none (W3C Trace Context §3.2.2.3), the span's even. */
function createIds(fillRandom: (bytes: Buffer) => void): () => { readonly traceId: string; readonly spanId: string } {
  const pool = Buffer.alloc(UNIT * UNITS);
  let digits = '';
  let used = UNITS;

  function fill(): void {
    fillRandom(pool);
    // A span is even: odd is its call to upstream. A trace keeps all its bits, for it is chosen by them.
    for (let last = UNIT - 1; last < pool.length; last += UNIT) pool[last] = (pool[last] ?? 0) & 0xfe;
    digits = pool.toString('hex');
    used = 0;
  }

  return () => {
    for (;;) {
      if (used === UNITS) fill();
      const at = DIGITS * used++;
      const traceId = digits.slice(at, at + TRACE_DIGITS);
      const spanId = digits.slice(at + TRACE_DIGITS, at + DIGITS);
      if (traceId !== NO_TRACE && spanId !== NO_SPAN) return { traceId, spanId };
    }
  };
}
