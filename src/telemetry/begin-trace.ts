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

/** Bytes of the pool that ids are taken from: one call of the operating system for many requests. */
const POOL_BYTES = 9_600;
const TRACE_BYTES = 16;
const SPAN_BYTES = 8;

/**
 * Only whom the operator has named may say which trace a request is in: anybody else could choose what is kept, write into the
 * traces of others, and have vLLM log a text of theirs. It is the other end of the connection that is judged, not the address
 * that a proxy tells: the header is that one's word.
 *
 * @param fillRandom fills the bytes with randomness
 */
export function createBeginTrace(options: TraceOptions, fillRandom: (bytes: Buffer) => void): BeginTrace {
  const isTrusted = options.trustedContext.length === 0 ? () => false : addressMatcher(options.trustedContext);
  const take = createIds(fillRandom);

  function joined(headers: ReadonlyMap<string, string>, parent: TraceParent): TraceContext {
    const state = headers.get('tracestate');
    return { ...parent, spanId: take(SPAN_BYTES), state: state === undefined ? undefined : parseTraceState(state) };
  }

  return (peerAddress, headers) => {
    const text = headers.get('traceparent');
    const parent = text !== undefined && isTrusted(peerAddress) ? parseTraceParent(text) : undefined;
    if (parent !== undefined) return joined(headers, parent);
    const traceId = take(TRACE_BYTES);
    return {
      traceId,
      spanId: take(SPAN_BYTES),
      parentSpanId: undefined,
      isSampled: isChosen(traceId, options.ratio),
      isRandom: true,
      state: undefined,
    };
  };
}

/** Ids of so many random bytes: never all zero, which would be none (W3C Trace Context §3.2.2.3), and even. */
function createIds(fillRandom: (bytes: Buffer) => void): (bytes: number) => string {
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  return (bytes) => {
    for (;;) {
      if (used + bytes > POOL_BYTES) {
        fillRandom(pool);
        used = 0;
      }
      const last = used + bytes - 1;
      // A span is even: odd is its call to upstream. A trace keeps all its bits, for it is chosen by them.
      if (bytes === SPAN_BYTES) pool[last] = (pool[last] ?? 0) & 0xfe;
      const id = pool.toString('hex', used, used + bytes);
      used += bytes;
      if (!/^0+$/.test(id)) return id;
    }
  };
}
