/** A request as the simulator understands it, its body whole. */
export interface SimulatedRequest {
  readonly method: string;
  /** Request target as it was on the wire, undecoded (RFC 9112 §3.2). */
  readonly target: string;
  /** Names in lower case; of a repeated header the first value. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** An answer before it is sent. `date`, `server`, `connection` and the framing headers are the adapter's. */
export interface AnswerPlan {
  readonly status: number;
  /** Names and values in turn, in order. */
  readonly headers: readonly string[];
  /** The whole body, or an event stream whose items are sent one by one, paced. */
  readonly body: Buffer | Iterable<string>;
}

/** An answer with a JSON body. */
export function jsonPlan(status: number, value: unknown, headers: readonly string[] = []): AnswerPlan {
  return {
    status,
    headers: [...headers, 'content-type', 'application/json', ...VARY],
    body: Buffer.from(JSON.stringify(value)),
  };
}

/** An answer with a body of text. */
export function textPlan(status: number, text: string, contentType: string): AnswerPlan {
  return { status, headers: ['content-type', contentType, ...VARY], body: Buffer.from(text) };
}

/** An answer without a body. */
export function emptyPlan(status: number, headers: readonly string[] = []): AnswerPlan {
  return { status, headers: [...headers, ...VARY], body: Buffer.alloc(0) };
}

/** An answer that is a stream of server-sent events, each item one `data:` event. */
export function streamPlan(events: Iterable<string>): AnswerPlan {
  return { status: 200, headers: ['content-type', 'text/event-stream; charset=utf-8', ...VARY], body: events };
}

/** One event as vLLM writes it. */
export function dataEvent(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** One event with a name, as the Anthropic and Responses routes write it. */
export function namedEvent(type: string, value: unknown): string {
  return `event: ${type}\n${dataEvent(value)}`;
}

/** What ends every stream of the OpenAI routes, also after an error. */
export const DONE_EVENT = 'data: [DONE]\n\n';

const VARY = ['vary', 'Origin'] as const;
